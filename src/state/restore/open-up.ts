import { ResettleError } from '../../common/errors.ts';
import { close, openFolder, openHandle, setModeOfHandle, statOf } from '../fs/calls.ts';
import { showPath } from '../fs/show-path.ts';
import { unlock } from './apply-metadata.ts';

/**
 * Makes a folder open to changes by its owner: its mode, and if an earlier run may have set them its flags. Returns
 * whether its mode had to change.
 */
export function openUp(parent: number, name: Uint8Array, unlocks: boolean): boolean {
  const isRoot = process.geteuid?.() === 0;
  const handle = openHandle(parent, name);
  let isChanged = false;
  try {
    const stats = statOf(handle);
    if (!stats.isDirectory()) throw new ResettleError('failed', `${showPath(name)} is not a folder any more`);
    isChanged = !isRoot && (stats.mode & 0o700n) !== 0o700n;
    if (isChanged) setModeOfHandle(handle, Number(stats.mode & 0o7777n) | 0o700);
  } finally {
    close(handle);
  }
  if (!unlocks || !isRoot) return isChanged;
  const fd = openFolder(parent, name);
  try {
    unlock(fd);
  } finally {
    close(fd);
  }
  return isChanged;
}
