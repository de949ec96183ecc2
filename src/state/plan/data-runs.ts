import type { BigIntStats } from 'node:fs';
import { nextData, nextHole } from '../fs/calls.ts';

const STAT_BLOCK_BYTES = 512n;

/** Whether a file takes less room than its size: it has holes, or the file system compresses it. */
export function mayHaveHoles(stats: BigIntStats): boolean {
  return stats.blocks * STAT_BLOCK_BYTES < stats.size;
}

/** The runs of an open file that hold data, ascending, up to `sizeBytes`. */
export function* dataRuns(fd: number, sizeBytes: number): Generator<{ start: number; end: number }, void> {
  for (let at = 0; at < sizeBytes; ) {
    const start = nextData(fd, at);
    if (start < 0 || start >= sizeBytes) return;
    const end = Math.min(sizeBytes, nextHole(fd, start));
    if (end <= start) return;
    yield { start, end };
    at = end;
  }
}
