import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it. Returns whether it was not there. Throws as `mkdir` does. (That of Node never ends
 * where a file system says of a new name that there is no such folder, as /proc and autofs do.)
 */
export function makeFolders(path: string, mode?: number): boolean {
  try {
    return makeOne(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
  }
  makeFolders(dirname(path), mode);
  return makeOne(path, mode);
}

function makeOne(path: string, mode: number | undefined): boolean {
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    const isFolder = () => statSync(path, { throwIfNoEntry: false })?.isDirectory();
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && isFolder()) return false;
    throw error;
  }
}
