import { closeSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { damaged } from '../format/damaged.ts';
import type { FileEntry, MoreEntry } from '../format/entry.ts';
import { decodeFileRecords, type FileRecord, FileRecordWriter } from '../format/file-record.ts';
import { writeAll } from '../fs/write-all.ts';
import type { Piece } from './file-pieces.ts';

/** A record of a file, a piece of one that is under way, or that nothing of what came before of it counts. */
const RECORD = 1;
const PIECE = 2;
const FORGET = 3;
const HEAD_BYTES = 5;
const PIECE_BYTES = 4 + 8 + 4 + 32;
const WINDOW_BYTES = 256 * 1024;
const BUFFER_BYTES = 256 * 1024;

/**
 * What the source said of files, one block after another: u8 kind, u32 length, body. It outlives the process that
 * receives, so that a later one knows what it may find in place; each file is verified against it, so nothing need be
 * durable, and what is cut short is dropped. In memory: 8 bytes for each entry of the plan.
 */
export class RecordFile {
  readonly #fd: number;
  readonly #writer = new FileRecordWriter();
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;
  #end = 0;
  /** Where a file's record begins, and 1 more; by entry. */
  readonly #files: Float64Array;
  /** Pieces of files of which there is no record. */
  readonly #pieces = new Map<number, number[]>();
  /** Of the file whose records are not all there yet. */
  #begun: { readonly entry: number; readonly at: number } | undefined;

  /** `total`: entries of the plan. What an earlier process wrote is read. */
  constructor(path: string, total: number) {
    this.#files = new Float64Array(total);
    this.#fd = openSync(path, 'a+', 0o600);
    this.#readAll();
  }

  /** A `file` record, or a `more` right behind it. */
  add(record: Extract<FileRecord, { kind: 'file' | 'more' }>): void {
    this.#writer.add(record);
    this.#note(record, this.#write(RECORD, this.#writer.take()));
  }

  addPiece(entry: number, { fileOffset, length, hash }: Piece): void {
    const body = Buffer.alloc(PIECE_BYTES);
    body.writeUInt32LE(entry);
    body.writeDoubleLE(fileOffset, 4);
    body.writeUInt32LE(length, 12);
    body.set(hash, 16);
    this.#notePiece(entry, this.#write(PIECE, body));
  }

  /** What came of that file is of no use any more. */
  forget(entry: number): void {
    const body = Buffer.alloc(4);
    body.writeUInt32LE(entry);
    this.#write(FORGET, body);
    this.#forget(entry);
  }

  /** The file as it was read, and its further pieces; none where it has not come whole. */
  *of(entry: number): Generator<FileEntry | MoreEntry, void> {
    const at = this.#files[entry]! - 1;
    if (at < 0) return;
    for (let position = at; ; ) {
      const { body, end } = this.#blockAt(position)!;
      const [record] = decodeFileRecords(body);
      if (record?.kind !== 'file' && record?.kind !== 'more') throw damaged('what was received cannot be read');
      yield record.file;
      if (!record.file.goesOn) return;
      position = end;
    }
  }

  /** Pieces that came of a file that is not whole, in the order in which they came. */
  *piecesOf(entry: number): Generator<Piece, void> {
    for (const at of this.#pieces.get(entry) ?? []) {
      const { body } = this.#blockAt(at)!;
      const fileOffset = body.readDoubleLE(4);
      yield { fileOffset, length: body.readUInt32LE(12), hash: Buffer.from(body.subarray(16, PIECE_BYTES)) };
    }
  }

  flush(): void {
    if (this.#used === 0) return;
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }

  #write(kind: number, body: Buffer): number {
    const at = this.#end;
    const bytes = HEAD_BYTES + body.length;
    if (this.#used + bytes > this.#buffer.length) this.flush();
    const head = Buffer.alloc(HEAD_BYTES);
    head[0] = kind;
    head.writeUInt32LE(body.length, 1);
    if (bytes > this.#buffer.length) {
      writeAll(this.#fd, Buffer.concat([head, body]));
    } else {
      this.#buffer.set(head, this.#used);
      this.#buffer.set(body, this.#used + HEAD_BYTES);
      this.#used += bytes;
    }
    this.#end += bytes;
    return at;
  }

  #note(record: Extract<FileRecord, { kind: 'file' | 'more' }>, at: number): void {
    const { entry, kind, file } = record;
    if (kind === 'file') this.#begun = { entry, at };
    if (this.#begun?.entry !== entry || file.goesOn) return;
    if (entry < this.#files.length) this.#files[entry] = this.#begun.at + 1;
    this.#begun = undefined;
    this.#pieces.delete(entry);
  }

  #notePiece(entry: number, at: number): void {
    const pieces = this.#pieces.get(entry);
    if (pieces) pieces.push(at);
    else this.#pieces.set(entry, [at]);
  }

  #forget(entry: number): void {
    if (entry < this.#files.length) this.#files[entry] = 0;
    this.#pieces.delete(entry);
  }

  /** Goes over what an earlier process wrote. */
  #readAll(): void {
    for (;;) {
      const block = this.#blockAt(this.#end);
      if (!block) break;
      const { kind, body } = block;
      if (kind === RECORD) {
        const record = recordIn(body);
        if (!record) break;
        this.#note(record, this.#end);
      } else if (kind === PIECE) this.#notePiece(body.readUInt32LE(), this.#end);
      else this.#forget(body.readUInt32LE());
      this.#end = block.end;
    }
    ftruncateSync(this.#fd, this.#end);
  }

  readonly #window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #windowAt = 0;
  #windowBytes = 0;

  /** Undefined at the end, and where a block was cut short. */
  #blockAt(at: number): { kind: number; body: Buffer; end: number } | undefined {
    this.flush();
    const head = this.#view(at, HEAD_BYTES);
    if (head.length < HEAD_BYTES) return undefined;
    const kind = head[0]!;
    const length = head.readUInt32LE(1);
    const least = kind === PIECE ? PIECE_BYTES : kind === FORGET ? 4 : 1;
    if (kind < RECORD || kind > FORGET || length < least || length > WINDOW_BYTES * 16) return undefined;
    const body = this.#view(at + HEAD_BYTES, length);
    return body.length < length ? undefined : { kind, body, end: at + HEAD_BYTES + length };
  }

  /** Bytes of the file until the next call, fewer at its end. */
  #view(at: number, length: number): Buffer {
    if (length > WINDOW_BYTES) {
      const own = Buffer.alloc(length);
      return own.subarray(0, readSync(this.#fd, own, 0, length, at));
    }
    if (at < this.#windowAt || at + length > this.#windowAt + this.#windowBytes) {
      this.#windowAt = at;
      this.#windowBytes = readSync(this.#fd, this.#window, 0, WINDOW_BYTES, at);
    }
    return this.#window.subarray(at - this.#windowAt, Math.min(this.#windowBytes, at - this.#windowAt + length));
  }
}

/** The one record of a block; undefined where it is none of ours, as a power cut may leave it. */
function recordIn(body: Buffer): Extract<FileRecord, { kind: 'file' | 'more' }> | undefined {
  try {
    const [record] = decodeFileRecords(body);
    return record?.kind === 'file' || record?.kind === 'more' ? record : undefined;
  } catch {
    return undefined;
  }
}
