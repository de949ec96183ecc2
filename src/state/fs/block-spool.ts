import { closeSync, openSync, readSync } from 'node:fs';
import { SPOOL_BUFFER_BYTES } from '../../common/limits.ts';
import { writeAll } from './write-all.ts';

const LENGTH_BYTES = 4;

/** A scratch file of length-prefixed blocks, written through one buffer. */
export class BlockSpoolWriter {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(SPOOL_BUFFER_BYTES / 4);
  #used = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  add(block: Uint8Array): void {
    const needed = LENGTH_BYTES + block.length;
    if (this.#used + needed > this.#buffer.length) this.#flush();
    if (needed > this.#buffer.length) {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(block.length);
      writeAll(this.#fd, length);
      writeAll(this.#fd, block);
      return;
    }
    this.#buffer.writeUInt32LE(block.length, this.#used);
    this.#buffer.set(block, this.#used + LENGTH_BYTES);
    this.#used += needed;
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

function readFully(fd: number, into: Buffer): boolean {
  let read = 0;
  while (read < into.length) {
    const got = readSync(fd, into, read, into.length - read, null);
    if (got === 0) return false;
    read += got;
  }
  return true;
}

/** Reads the blocks of a spool in order; each is memory of its own. */
export function* readBlockSpool(path: string): Generator<Buffer, void> {
  const fd = openSync(path, 'r');
  try {
    const length = Buffer.alloc(LENGTH_BYTES);
    while (readFully(fd, length)) {
      const block = Buffer.allocUnsafeSlow(length.readUInt32LE());
      if (!readFully(fd, block)) throw new Error('a scratch file was cut short');
      yield block;
    }
  } finally {
    closeSync(fd);
  }
}
