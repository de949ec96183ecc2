import { existsSync, readdirSync } from 'node:fs';
import { canUndoAreas } from '../../../state/areas/transaction/index.ts';
import { canUndo } from '../../../state/restore/index.ts';
import type { Home } from '../../home/home.ts';

const RESTORE_ID = /^[A-Za-z0-9-]{1,64}$/;

/** Restores of this HOME that were not undone, the oldest first. */
export function restoresOf(home: Home): string[] {
  const folder = home.path('restores');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => RESTORE_ID.test(name));
  return names.filter((name) => isRestoreOf(home, name)).sort();
}

/** Whether that restore was made here and not undone, its areas or its files. */
export function isRestoreOf(home: Home, id: string): boolean {
  if (!RESTORE_ID.test(id)) return false;
  const undoDir = home.path('restores', id);
  return canUndo(undoDir) || canUndoAreas(undoDir);
}
