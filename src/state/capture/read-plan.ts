import { readBlockSpool } from '../fs/block-spool.ts';
import { decodeTrackedBlock, type TrackedBlock } from '../plan/tracked.ts';

/** Reads blocks back from a scratch file, one at a time: each lies there as its head and its records. */
export function* readPlan(path: string): Generator<TrackedBlock, void> {
  for (const { block } of readPlanFrom(path, 0)) yield block;
}

/** The same from an offset on; `end` is the offset behind the block. */
export function* readPlanFrom(path: string, offset: number): Generator<{ block: TrackedBlock; end: number }, void> {
  let head: Buffer | undefined;
  for (const { bytes, end } of readBlockSpool(path, offset)) {
    if (head === undefined) {
      head = bytes;
      continue;
    }
    yield { block: decodeTrackedBlock(head, bytes), end };
    head = undefined;
  }
}
