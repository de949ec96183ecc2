import { type BigIntStats, readSync } from 'node:fs';
import { SEGMENT_DATA_BYTES } from '../../common/limits.ts';
import type { Extent } from '../format/index.ts';
import { statOf } from '../fs/calls.ts';
import type { OpenSegments, Segment } from './open-segments.ts';

/** A small file that changed while it was read is read again this many times. */
const READS_MAX = 3;

/** What was read of a file: metadata and content belong together unless `changed`. */
export interface Content {
  readonly stats: BigIntStats;
  readonly extents: readonly Extent[];
  readonly sizeBytes: number;
  readonly changed: boolean;
}

function readUpTo(fd: number, into: Buffer, position: number): number {
  let read = 0;
  while (read < into.length) {
    const got = readSync(fd, into, read, into.length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return read;
}

function same(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/**
 * Reads an open file, at most `plannedBytes` of it, so that a file that grows cannot overrun what was reserved.
 * `changed` when it was not the same before and after, or has grown beyond the plan.
 */
export function* readContent(
  fd: number,
  entry: number,
  plannedBytes: number,
  segments: OpenSegments,
): Generator<Segment, Content> {
  return plannedBytes > SEGMENT_DATA_BYTES
    ? yield* readLarge(fd, entry, plannedBytes, segments)
    : yield* readSmall(fd, entry, plannedBytes, segments);
}

function* readSmall(
  fd: number,
  entry: number,
  plannedBytes: number,
  segments: OpenSegments,
): Generator<Segment, Content> {
  const room = yield* segments.gatheredRoom(plannedBytes);
  let stats = statOf(fd);
  let sizeBytes = 0;
  let steady = false;
  for (let attempt = 0; attempt < READS_MAX && !steady; attempt++) {
    const before = attempt === 0 ? stats : statOf(fd);
    sizeBytes = readUpTo(fd, room, 0);
    stats = statOf(fd);
    steady = same(before, stats);
  }
  const extents = sizeBytes > 0 ? [segments.addGathered(entry, 0, room.subarray(0, sizeBytes))] : [];
  return { stats, extents, sizeBytes, changed: !steady || stats.size !== BigInt(sizeBytes) };
}

function* readLarge(
  fd: number,
  entry: number,
  plannedBytes: number,
  segments: OpenSegments,
): Generator<Segment, Content> {
  const before = statOf(fd);
  const extents: Extent[] = [];
  let sizeBytes = 0;
  for (let wanted = SEGMENT_DATA_BYTES; wanted === SEGMENT_DATA_BYTES; ) {
    wanted = Math.min(SEGMENT_DATA_BYTES, plannedBytes - sizeBytes);
    if (wanted === 0) break;
    const whole = wanted === SEGMENT_DATA_BYTES;
    const room = whole ? segments.blockRoom(wanted) : yield* segments.gatheredRoom(wanted);
    const data = room.subarray(0, readUpTo(fd, room, sizeBytes));
    if (data.length > 0) {
      extents.push(
        whole ? yield* segments.addBlock(entry, sizeBytes, data) : segments.addGathered(entry, sizeBytes, data),
      );
    }
    sizeBytes += data.length;
    if (data.length < wanted) break;
  }
  const stats = statOf(fd);
  return { stats, extents, sizeBytes, changed: !same(before, stats) || stats.size !== BigInt(sizeBytes) };
}
