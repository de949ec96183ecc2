import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../common/durable-folders.ts';
import { failpoint } from '../../common/failpoint.ts';
import { writeAll } from '../fs/write-all.ts';

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
