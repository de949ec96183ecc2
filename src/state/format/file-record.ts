import { ENTRIES_MAX, NAME_MAX_BYTES, SEGMENT_PLAIN_MAX_BYTES } from '../../common/limits.ts';
import { decodeCbor, readArray, readBytes, readTuple, readUint } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { type FileEntry, type MoreEntry, readEntry, writeEntry } from './entry.ts';

/**
 * What a direct stream says of a file of its plan, by the number of its entry there.
 *
 * `file`: as it was read. Extents say lengths and hashes of its pieces, in file order; `pack`, `segment` and `offset` are 0.
 * `more`: further pieces of the file before it, while that goes on.
 * `begun`: its metadata, before its first bytes; without extents.
 * `left`: it could not be read, and why. `held`: what it holds came with another file; nothing is missing.
 */
export type FileRecord =
  | { readonly kind: 'file'; readonly entry: number; readonly file: FileEntry }
  | { readonly kind: 'more'; readonly entry: number; readonly file: MoreEntry }
  | { readonly kind: 'begun'; readonly entry: number; readonly file: FileEntry }
  | { readonly kind: 'left'; readonly entry: number; readonly reason: string }
  | { readonly kind: 'held'; readonly entry: number };

const KINDS = ['file', 'more', 'begun', 'left', 'held'] as const;
const CAPS = { packs: 1, segments: 1 };

/** Gathers records into one frame's plaintext; the memory is used again. */
export class FileRecordWriter {
  readonly #records = new CborWriter();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#records.length;
  }

  add(record: FileRecord): void {
    const writer = this.#records.array(3).uint(record.entry).uint(KINDS.indexOf(record.kind));
    if (record.kind === 'left') writer.bytes(Buffer.from(record.reason, 'utf8').subarray(0, NAME_MAX_BYTES));
    else if (record.kind === 'held') writer.null();
    else writeEntry(writer, record.file);
    this.#count += 1;
  }

  /** The frame; begins anew. */
  take(): Buffer {
    const writer = new CborWriter(this.#records.length + 16);
    writer.array(this.#count).raw(this.#records.view());
    this.#records.reset();
    this.#count = 0;
    return writer.view();
  }
}

/** Reads a frame of records. Throws `damaged`. */
export function decodeFileRecords(plain: Uint8Array): FileRecord[] {
  if (plain.length > SEGMENT_PLAIN_MAX_BYTES) throw damaged('a frame of file records is too long');
  const items = readArray(decodeCbor(plain, 'file records'), 'file records', SEGMENT_PLAIN_MAX_BYTES);
  return items.map(readRecord);
}

function readRecord(item: unknown): FileRecord {
  const [number, kindNumber, value] = readTuple(item, 'a file record', 3);
  const entry = readUint(number, 'an entry', ENTRIES_MAX);
  const kind = KINDS[readUint(kindNumber, 'the kind of a file record', KINDS.length - 1)]!;
  if (kind === 'held') {
    if (value !== null) throw damaged('a file record that holds too much');
    return { kind, entry };
  }
  if (kind === 'left') {
    const reason = Buffer.from(readBytes(value, 'a reason', 1, NAME_MAX_BYTES)).toString('utf8');
    return { kind, entry, reason };
  }
  const file = readEntry(value, CAPS);
  if (kind === 'more' && file.kind === 'more') return { kind, entry, file };
  if (kind === 'file' && file.kind === 'file') return { kind, entry, file };
  if (kind === 'begun' && file.kind === 'file' && file.extents.length === 0 && !file.holes && !file.goesOn) {
    return { kind, entry, file };
  }
  throw damaged('a file record is of another kind than it says');
}
