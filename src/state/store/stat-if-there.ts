import { type Stats, statSync } from 'node:fs';
import { codeOf } from '../fs/errno.ts';

/** The stat of a file of a store, or undefined where there is none; a link in a circle, on a stranger's disk, is none. */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}
