import { ftruncateSync, readSync } from 'node:fs';
import { SEGMENT_DATA_BYTES } from '../../common/limits.ts';
import { nextData, nextHole, statOf } from '../fs/calls.ts';
import { writeAll } from '../fs/write-all.ts';

const buffer = Buffer.allocUnsafeSlow(SEGMENT_DATA_BYTES);

/** Copies the content of one open file into a new one, holes as holes. */
export function copyContent(from: number, to: number): void {
  const sizeBytes = Number(statOf(from).size);
  for (let at = 0; at < sizeBytes; ) {
    const start = nextData(from, at);
    if (start < 0) break;
    const end = Math.min(nextHole(from, start), start + buffer.length, sizeBytes);
    const read = readSync(from, buffer, 0, end - start, start);
    if (read === 0) break;
    writeAll(to, buffer.subarray(0, read), start);
    at = start + read;
  }
  ftruncateSync(to, sizeBytes);
}
