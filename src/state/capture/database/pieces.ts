import { readSync } from 'node:fs';
import { DATABASE_PIECE_BYTES } from '../../../common/limits.ts';
import { writeAll } from '../../fs/write-all.ts';

const first = Buffer.allocUnsafeSlow(DATABASE_PIECE_BYTES);
const second = Buffer.allocUnsafeSlow(DATABASE_PIECE_BYTES);

/** The bytes of an open file from there on, in that memory: fewer at its end only. */
export function bytesAt(fd: number, position: number, into: Buffer): Buffer {
  let read = 0;
  while (read < into.length) {
    const got = readSync(fd, into, read, into.length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return into.subarray(0, read);
}

/** Offsets and lengths of the pieces that a file is read in. */
function* piecesOf(sizeBytes: number): Generator<{ position: number; length: number }, void> {
  for (let position = 0; position < sizeBytes; position += DATABASE_PIECE_BYTES) {
    yield { position, length: Math.min(DATABASE_PIECE_BYTES, sizeBytes - position) };
  }
}

/** Copies what is there of the first `sizeBytes`. `onPiece` is called before each piece, and may throw. */
export function copyBytes(from: number, to: number, sizeBytes: number, onPiece: () => void): void {
  for (const { position, length } of piecesOf(sizeBytes)) {
    onPiece();
    writeAll(to, bytesAt(from, position, first.subarray(0, length)), position);
  }
}

/** Whether the first `sizeBytes` of two open files are there in both, and the same. */
export function sameBytes(a: number, b: number, sizeBytes: number, onPiece: () => void): boolean {
  for (const { position, length } of piecesOf(sizeBytes)) {
    onPiece();
    const there = bytesAt(a, position, first.subarray(0, length));
    if (there.length < length || !there.equals(bytesAt(b, position, second.subarray(0, length)))) return false;
  }
  return true;
}
