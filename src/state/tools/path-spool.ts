import { closeSync, openSync, readSync } from 'node:fs';
import { writeAll } from '../fs/write-all.ts';

const INDEX_BYTES = 12;

/** Paths by number, in two scratch files: what grows with the number of items does not lie in memory. */
export class PathSpool {
  readonly #index: number;
  readonly #paths: number;
  readonly #place = Buffer.alloc(INDEX_BYTES);
  #end = 0;

  /** `path` and `path.index` must not be there yet. */
  constructor(path: string) {
    this.#paths = openSync(path, 'wx+', 0o600);
    this.#index = openSync(`${path}.index`, 'wx+', 0o600);
  }

  set(number: number, path: Uint8Array): void {
    writeAll(this.#paths, path, this.#end);
    this.#place.writeDoubleLE(this.#end, 0);
    this.#place.writeUInt32LE(path.length, 8);
    writeAll(this.#index, this.#place, number * INDEX_BYTES);
    this.#end += path.length;
  }

  /** A path that was set. */
  get(number: number): Buffer {
    readFully(this.#index, this.#place, number * INDEX_BYTES);
    const path = Buffer.alloc(this.#place.readUInt32LE(8));
    readFully(this.#paths, path, this.#place.readDoubleLE(0));
    return path;
  }

  close(): void {
    closeSync(this.#index);
    closeSync(this.#paths);
  }
}

function readFully(fd: number, into: Buffer, position: number): void {
  for (let read = 0; read < into.length; ) {
    const count = readSync(fd, into, read, into.length - read, position + read);
    if (count === 0) throw new Error('a scratch file was cut short');
    read += count;
  }
}
