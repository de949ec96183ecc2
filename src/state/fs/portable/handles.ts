import { type BigIntStats, lstatSync } from 'node:fs';
import { SystemCallError } from '../errno.ts';
import { joinName } from './names.ts';
import { isNearlyTooLong, ShortPath } from './short-path.ts';

/** Beyond what a descriptor can be. */
const FIRST_NUMBER = 2 ** 20;

interface Handle {
  readonly path: Buffer;
  /** What the path led to when it was opened. */
  readonly stats: BigIntStats;
  readonly short: ShortPath | undefined;
}

/** Folders and items that are "open", this thread's: a path each, and which inode it led to. No number is given twice. */
const handles = new Map<number, Handle>();
let nextNumber = FIRST_NUMBER;

export const lstat = (path: Buffer): BigIntStats => lstatSync(path, { bigint: true });

export const sameInode = (a: BigIntStats, b: BigIntStats) => a.dev === b.dev && a.ino === b.ino;

function handleOf(number: number): Handle {
  const handle = handles.get(number);
  if (!handle) throw new SystemCallError('handle', 'EBADF');
  return handle;
}

/** Gives a path a number; `parent` is the handle of the folder that it lies in, if it was reached through one. */
export function addHandle(path: Buffer, stats: BigIntStats, parent?: number): number {
  const through = parent === undefined ? undefined : handleOf(parent).short;
  const isLong = stats.isDirectory() && isNearlyTooLong(path);
  const short = isLong ? new ShortPath(path, through) : through?.use();
  const number = nextNumber;
  nextNumber += 1;
  handles.set(number, { path: isLong ? short!.path : path, stats, short });
  return number;
}

/** False for a number that is no handle. */
export function dropHandle(number: number): boolean {
  const handle = handles.get(number);
  handle?.short?.release();
  return handles.delete(number);
}

export const isHandle = (number: number) => number >= FIRST_NUMBER;

export const pathOf = (folder: number): Buffer => handleOf(folder).path;

export const pathOfItem = (folder: number, name: Uint8Array): Buffer => joinName(pathOf(folder), name);

/** What stands at the path of a handle. Throws `ESTALE` where that is not any more what was opened. */
export function statOfHandle(number: number): BigIntStats {
  const { path, stats } = handleOf(number);
  const now = lstat(path);
  if (!sameInode(now, stats)) throw new SystemCallError('handle', 'ESTALE');
  return now;
}

/** The path of a handle that still leads to what was opened. */
export function checkedPathOf(number: number): Buffer {
  statOfHandle(number);
  return pathOf(number);
}
