import { writeSync } from 'node:fs';

/** Writes all the bytes, at a position or where the file stands. */
export function writeAll(fd: number, bytes: Uint8Array, position: number | null = null): void {
  let written = 0;
  while (written < bytes.length) {
    const at = position === null ? null : position + written;
    written += writeSync(fd, bytes, written, bytes.length - written, at);
  }
}
