import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failpoint } from '../../common/failpoint.ts';
import { makeFolders } from '../../common/make-folders.ts';
import { writeAll } from '../fs/write-all.ts';

/** Makes what was renamed into a folder, or removed from it, survive a loss of power. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a folder and those above it, each one durable in its parent. */
export function makeFolderDurably(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolderDurably(parent);
  // One by one: of a read-only file system Node says ENOENT where it makes several at once.
  if (makeFolders(path, 0o700)) syncFolder(parent);
}

/** Writes to `tmp`, syncs, renames into place, syncs the folder: a file in its place is whole. */
export function writeDurably(tmp: string, path: string, bytes: Uint8Array): void {
  const unfinished = join(tmp, randomBytes(16).toString('hex'));
  const fd = openSync(unfinished, 'wx', 0o600);
  try {
    try {
      writeAll(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    failpoint('store.file-written');
    renameSync(unfinished, path);
    failpoint('store.file-renamed');
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}
