import { closeSync, openSync, readSync } from 'node:fs';
import { PENDING_FOLDERS_BYTES } from '../../common/limits.ts';
import { decodeCbor } from '../format/cbor-reader.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { damaged } from '../format/damaged.ts';
import { type AncestorEntry, type FolderEntry, partCaps, readEntry, writeEntry } from '../format/entry.ts';
import { writeAll } from '../fs/write-all.ts';

export type PendingFolder = FolderEntry | AncestorEntry;

const LENGTH_BYTES = 4;
const NO_PACKS = partCaps(0);

/**
 * Folders that were announced and did not come yet, as bytes, one behind the other. A manifest's order makes it a stack:
 * all that a folder holds is announced before the walk goes into the first of it. What memory does not hold lies in a
 * scratch file; without one all of it stays in memory.
 */
export class PendingFolders {
  readonly #path: string | undefined;
  readonly #writer = new CborWriter(4096);
  #fd: number | undefined;
  /** Offset of the first byte that is in memory. */
  #start = 0;
  #memory = Buffer.allocUnsafeSlow(4096);
  #used = 0;

  /** `path` must not be there yet. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Behind the last of them. */
  get end(): number {
    return this.#start + this.#used;
  }

  push(folder: PendingFolder): void {
    this.#writer.reset();
    writeEntry(this.#writer, folder);
    const bytes = this.#writer.view();
    this.#room(LENGTH_BYTES + bytes.length);
    this.#memory.writeUInt32LE(bytes.length, this.#used);
    this.#memory.set(bytes, this.#used + LENGTH_BYTES);
    this.#used += LENGTH_BYTES + bytes.length;
  }

  /** The folder that lies at that offset, and the offset behind it. */
  at(offset: number): { folder: PendingFolder; next: number } {
    const length = this.#bytes(offset, LENGTH_BYTES).readUInt32LE();
    const entry = readEntry(decodeCbor(this.#bytes(offset + LENGTH_BYTES, length), 'a folder'), NO_PACKS);
    if (entry.kind !== 'folder' && entry.kind !== 'ancestor') throw damaged('a scratch file holds no folder');
    return { folder: entry, next: offset + LENGTH_BYTES + length };
  }

  /** Forgets what lies from there on. */
  truncate(offset: number): void {
    this.#used = Math.max(0, offset - this.#start);
    this.#start = Math.min(this.#start, offset);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Its own copy: a folder is kept longer than the memory that it lies in. */
  #bytes(offset: number, length: number): Buffer {
    if (offset >= this.#start) {
      return Buffer.from(this.#memory.subarray(offset - this.#start, offset - this.#start + length));
    }
    const bytes = Buffer.alloc(length);
    if (readSync(this.#fd!, bytes, 0, length, offset) !== length) throw damaged('a scratch file is short');
    return bytes;
  }

  #room(bytes: number): void {
    if (this.#path !== undefined && this.#used + bytes > PENDING_FOLDERS_BYTES) this.#spill(this.#path);
    if (this.#used + bytes <= this.#memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#used + bytes, this.#memory.length * 2));
    this.#memory.copy(larger, 0, 0, this.#used);
    this.#memory = larger;
  }

  #spill(path: string): void {
    this.#fd ??= openSync(path, 'wx+', 0o600);
    writeAll(this.#fd, this.#memory.subarray(0, this.#used), this.#start);
    this.#start += this.#used;
    this.#used = 0;
  }
}
