import { PATH_DEPTH_MAX, SEGMENT_PLAIN_MAX_BYTES } from '../../common/limits.ts';
import { readArray, readTuple } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { type Entry, type ExtentCaps, readEntry, readName, writeEntry } from './entry.ts';

/** The path of a folder as its names from the root; the top folder has none. */
export type FolderPath = readonly Uint8Array[];

/** Entries of one folder, all of them or a run of them. */
export interface FolderBlock {
  readonly path: FolderPath;
  readonly entries: readonly Entry[];
}

/** Encodes one folder block at a time into memory that is used again. */
export class BlockWriter {
  readonly #entries = new CborWriter();
  readonly #block = new CborWriter();
  #path: FolderPath = [];
  #count = 0;

  begin(path: FolderPath): void {
    this.#path = path;
    this.#count = 0;
    this.#entries.reset();
  }

  /** Takes entries that are CBOR already. */
  raw(cbor: Uint8Array, count: number): void {
    this.#entries.raw(cbor);
    this.#count += count;
  }

  entry(entry: Entry): void {
    writeEntry(this.#entries, entry);
    this.#count += 1;
  }

  get path(): FolderPath {
    return this.#path;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#entries.length;
  }

  /** The block as CBOR; valid until the next call. */
  view(): Buffer {
    const block = this.#block;
    block.reset();
    block.array(2).array(this.#path.length);
    for (const name of this.#path) block.bytes(name);
    block.array(this.#count).raw(this.#entries.view());
    return block.view();
  }
}

export function readPath(value: unknown): FolderPath {
  return readArray(value, 'a path', PATH_DEPTH_MAX).map(readName);
}

/** Reads a folder block that CBOR was decoded to. Throws `damaged`. */
export function readBlock(value: unknown, caps: ExtentCaps): FolderBlock {
  const [path, entries] = readTuple(value, 'a folder of the manifest', 2);
  return {
    path: readPath(path),
    entries: readArray(entries, 'the entries of a folder', SEGMENT_PLAIN_MAX_BYTES).map((item) =>
      readEntry(item, caps),
    ),
  };
}
