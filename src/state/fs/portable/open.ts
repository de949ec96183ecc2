import { type BigIntStats, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { SystemCallError } from '../errno.ts';
import { lstat, sameInode } from './handles.ts';

/** Windows has none of these. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NON_BLOCK = constants.O_NONBLOCK ?? 0;
const DIRECTORY = constants.O_DIRECTORY ?? 0;

/**
 * Opens a file that is there, never through a link in its last component. Without a flag for that (`noFollow` 0) it
 * looks before and after: throws `ELOOP` where a link is or was there.
 */
export function openPresent(path: Buffer, access: number, noFollow: number = NO_FOLLOW): number {
  const flags = access | NON_BLOCK | noFollow;
  if (noFollow !== 0) return openSync(path, flags);
  const before = lstat(path);
  if (before.isSymbolicLink()) throw new SystemCallError('open', 'ELOOP');
  const fd = openSync(path, flags);
  try {
    if (!sameInode(before, fstatSync(fd, { bigint: true })) || !sameInode(before, lstat(path))) {
      throw new SystemCallError('open', 'ELOOP');
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Makes sure that a folder is there that can be read, not a link to one. Throws `ENOTDIR` for anything else. */
export function lookAtFolder(path: Buffer, noFollow: number = NO_FOLLOW): BigIntStats {
  if (noFollow === 0) {
    const stats = lstat(path);
    if (!stats.isDirectory()) throw new SystemCallError('open', 'ENOTDIR');
    return stats;
  }
  const fd = openSync(path, constants.O_RDONLY | DIRECTORY | noFollow);
  try {
    return fstatSync(fd, { bigint: true });
  } finally {
    closeSync(fd);
  }
}
