import { type BigIntStats, readSync } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';
import { SEGMENT_DATA_BYTES } from '../../common/limits.ts';
import { digest } from '../format/digest.ts';
import type { Hole } from '../format/entry.ts';
import type { Extent } from '../format/index.ts';
import { nextData, nextHole, openToRead, statOfItem } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';

const buffer = Buffer.allocUnsafeSlow(SEGMENT_DATA_BYTES);
const zeros = Buffer.alloc(SEGMENT_DATA_BYTES);

/** Whether an open file has these bytes there, by their hash. */
export function holdsExtent(fd: number, fileOffset: number, extent: Extent): boolean {
  const into = buffer.subarray(0, extent.length);
  return readFully(fd, into, fileOffset) && digest(into).equals(asBuffer(extent.hash));
}

/** Whether an open file reads as zeros where these holes are. What is no data is not read. */
export function holdsHoles(fd: number, holes: readonly Hole[]): boolean {
  return holes.every(({ offset, length }) => isZero(fd, offset, offset + length));
}

function isZero(fd: number, offset: number, end: number): boolean {
  for (let at = offset; at < end; ) {
    const start = nextData(fd, at);
    if (start < 0 || start >= end) return true;
    at = Math.min(end, nextHole(fd, start), start + buffer.length);
    if (at <= start) return false;
    const into = buffer.subarray(0, at - start);
    if (!readFully(fd, into, start) || !into.equals(zeros.subarray(0, into.length))) return false;
  }
  return true;
}

/** Where the first bytes of a file lie: behind the holes that it begins with. */
export function firstDataOffset(holes: readonly Hole[] | undefined): number {
  let at = 0;
  for (const { offset, length } of holes ?? []) {
    if (offset !== at) break;
    at += length;
  }
  return at;
}

export const holeBytesOf = (holes: readonly Hole[] | undefined) =>
  (holes ?? []).reduce((sum, { length }) => sum + length, 0);

/** Whether two open files of one size have the same bytes. */
export function sameBytes(a: number, b: number, sizeBytes: number): boolean {
  const half = buffer.length / 2;
  for (let at = 0; at < sizeBytes; at += half) {
    const length = Math.min(half, sizeBytes - at);
    const inA = buffer.subarray(0, length);
    const inB = buffer.subarray(half, half + length);
    if (!readFully(a, inA, at) || !readFully(b, inB, at) || !inA.equals(inB)) return false;
  }
  return true;
}

/** The digest of an open file that is not longer than a segment's data. */
export function digestOfSmallFile(fd: number, sizeBytes: number): Buffer | undefined {
  const into = buffer.subarray(0, sizeBytes);
  return readFully(fd, into, 0) ? digest(into) : undefined;
}

function readFully(fd: number, into: Buffer, position: number): boolean {
  for (let read = 0; read < into.length; ) {
    const got = readSync(fd, into, read, into.length - read, position + read);
    if (got === 0) return false;
    read += got;
  }
  return true;
}

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENAMETOOLONG', 'EILSEQ']);
const UNREADABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENXIO']);

/** Whether a failed call says that there is no such item, or that there can be none. */
export const saysAbsent = (code: string | undefined) => code !== undefined && ABSENT.has(code);

/** The stat of an item, or undefined where there is none of that name. */
export function statIfThere(folder: number, name: Uint8Array): BigIntStats | undefined {
  try {
    return statOfItem(folder, name);
  } catch (error) {
    if (!saysAbsent(codeOf(error))) throw error;
    return undefined;
  }
}

/** Opens a file if it is there and can be read. */
export function openIfThere(folder: number, name: Uint8Array): number | undefined {
  try {
    return openToRead(folder, name);
  } catch (error) {
    if (!saysAbsent(codeOf(error)) && !UNREADABLE.has(codeOf(error) ?? '')) throw error;
    return undefined;
  }
}
