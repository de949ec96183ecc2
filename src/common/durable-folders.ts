import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolders } from './make-folders.ts';

/** Makes what was made or renamed in a folder, or removed from it, survive a loss of power. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a folder and those above it, each one durable in its parent. Throws as `mkdir` does. */
export function makeFolderDurably(path: string, mode = 0o700): void {
  const parents: string[] = [];
  for (let at = path; !existsSync(at) && dirname(at) !== at; at = dirname(at)) parents.push(dirname(at));
  makeFolders(path, mode);
  for (const parent of parents) syncIfAllowed(parent);
}

/** A folder that we may write to and not read can be synced by nobody but its owner. */
function syncIfAllowed(path: string): void {
  try {
    syncFolder(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
}
