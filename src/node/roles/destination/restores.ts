import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { standingOfAreas } from '../../../state/areas/transaction/index.ts';
import { standingOfFiles } from '../../../state/restore/index.ts';
import type { Home } from '../../home/home.ts';
import { UNDONE_FILE, type Undone, undoneOf } from './undone.ts';

const RESTORE_ID = /^[A-Za-z0-9-]{1,64}$/;

/** What a folder in HOME/restores says of its restore. */
export type Standing =
  /** There is no such restore, or nothing of it that could be undone. */
  | { readonly is: 'none' }
  /** It changed nothing: it was cut short before that, or is at work. */
  | { readonly is: 'begun' }
  /** It changed something that was not taken back, or not wholly. */
  | { readonly is: 'made' }
  | { readonly is: 'undone'; readonly undone: Undone }
  | { readonly is: 'damaged'; readonly error: ResettleError };

/** The ids of restores of this HOME, the oldest first, whatever became of them. */
export function restoresOf(home: Home): string[] {
  return home
    .list('restores')
    .filter((name) => RESTORE_ID.test(name))
    .sort();
}

/** Never throws `damaged`: what is wrong with one restore is nothing to the others. */
export function standingOf(home: Home, id: string): Standing {
  if (!RESTORE_ID.test(id)) return { is: 'none' };
  const folder = home.path('restores', id);
  try {
    const undone = undoneOf(folder);
    if (undone) return { is: 'undone', undone };
    const parts = [standingOfFiles(folder), standingOfAreas(folder)];
    // Where everything was put back and nothing says so yet, it is about to be said.
    if (parts.includes('made') || parts.includes('undone')) return { is: 'made' };
    return { is: parts.includes('begun') ? 'begun' : 'none' };
  } catch (error) {
    if (error instanceof ResettleError && error.code === 'damaged') return { is: 'damaged', error };
    throw error;
  }
}

/** Restores that can be undone, the oldest first. */
export const undoableIn = (home: Home): string[] => restoresOf(home).filter((id) => standingOf(home, id).is === 'made');

/** A restore whose record cannot be read: which, and what can be done. */
export function damagedRestore(home: Home, id: string, error: ResettleError): ResettleError {
  const others = undoableIn(home);
  const sound = others.length > 0 ? `; of the others ${others.join(', ')} can be named` : '';
  return new ResettleError('damaged', `the record of restore ${id} is damaged: ${messageOf(error)}`, {
    hint: `it cannot be undone or looked at; move ${home.path('restores', id)} elsewhere, and it is not asked about again${sound}`,
    cause: error,
  });
}

/** Of a restore that changed nothing only what an earlier one of its areas could not put back stays. */
export function forgetBegun(folder: string): void {
  const isKept = existsSync(join(folder, 'areas', 'before'));
  if (!isKept) rmSync(folder, { recursive: true, force: true });
  else
    for (const name of readdirSync(folder))
      if (name !== 'areas') rmSync(join(folder, name), { recursive: true, force: true });
}

/** Of a restore that was undone nothing stays but what says so. */
export function forgetRestore(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name !== UNDONE_FILE) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
