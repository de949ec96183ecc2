import { closeSync, openSync, readSync } from 'node:fs';
import { SPOOL_BUFFER_BYTES } from '../../common/limits.ts';
import { writeAll } from './write-all.ts';

const LENGTH_BYTES = 4;
const READ_BYTES = 256 * 1024;

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
    if (this.#used + needed > this.#buffer.length) this.flush();
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

  /** Brings what was added to the file, for a reader. */
  flush(): void {
    if (this.#used === 0) return;
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}

/** Fills `into` as far as the file goes; the bytes that were read. */
function readUpTo(fd: number, into: Buffer, position: number): number {
  let read = 0;
  while (read < into.length) {
    const got = readSync(fd, into, read, into.length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return read;
}

/**
 * Reads the blocks of a spool in order, from the offset of one on; each is memory of its own. `end` is the offset behind
 * a block. Small blocks come through one buffer.
 */
export function* readBlockSpool(path: string, offset = 0): Generator<{ bytes: Buffer; end: number }, void> {
  const fd = openSync(path, 'r');
  const window = Buffer.allocUnsafeSlow(READ_BYTES);
  let windowAt = offset;
  let filled = 0;
  /** A view of the bytes at `at`, until the next call. */
  const view = (at: number, length: number): Buffer => {
    if (at < windowAt || at + length > windowAt + filled) {
      windowAt = at;
      filled = readUpTo(fd, window, at);
    }
    return window.subarray(at - windowAt, Math.min(filled, at - windowAt + length));
  };
  try {
    for (let at = offset; ; ) {
      const head = view(at, LENGTH_BYTES);
      if (head.length < LENGTH_BYTES) return;
      const length = head.readUInt32LE();
      const start = at + LENGTH_BYTES;
      const bytes = Buffer.allocUnsafeSlow(length);
      const read = length > READ_BYTES ? readUpTo(fd, bytes, start) : view(start, length).copy(bytes);
      if (read < length) throw new Error('a scratch file was cut short');
      at = start + length;
      yield { bytes, end: at };
    }
  } finally {
    closeSync(fd);
  }
}
