import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failpoint } from '../../common/failpoint.ts';
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
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
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
