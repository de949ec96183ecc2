import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { areWhollyUndone, canUndoAreas, readAreasOutcome } from '../../../state/areas/transaction/index.ts';
import { canUndo, hasFiles, isWhollyUndone } from '../../../state/restore/index.ts';
import type { Home } from '../../home/home.ts';

const RESTORE_ID = /^[A-Za-z0-9-]{1,64}$/;

/** Restores of this HOME that were not undone, the oldest first. */
export function restoresOf(home: Home): string[] {
  return foldersOf(home).filter((name) => isRestoreOf(home, name));
}

/** Whether that restore was made here and not undone, its areas or its files. */
export function isRestoreOf(home: Home, id: string): boolean {
  if (!RESTORE_ID.test(id)) return false;
  const undoDir = home.path('restores', id);
  return canUndo(undoDir) || canUndoAreas(undoDir);
}

/** One whose undo was cut short when all was put back, and only its folder was to go. */
export function undoneOf(home: Home): string | undefined {
  return foldersOf(home).find((name) => isOver(home.path('restores', name)));
}

/** Removes the folder of a restore of which nothing is left; what says so goes last. */
export function forgetRestore(folder: string): void {
  for (const name of readdirSync(folder)) if (name !== 'areas' && name !== 'restore.json') remove(folder, name);
  const areas = join(folder, 'areas');
  if (existsSync(areas)) for (const name of readdirSync(areas)) if (name !== 'outcome.json') remove(areas, name);
  rmSync(folder, { recursive: true, force: true });
}

function isOver(undoDir: string): boolean {
  const files = hasFiles(undoDir);
  const areas = readAreasOutcome(undoDir);
  // Areas alone that were rolled back are for the restore that did it.
  if (!files && areas?.status !== 'undone') return false;
  return (!files || isWhollyUndone(undoDir)) && (!areas || areWhollyUndone(undoDir));
}

function foldersOf(home: Home): string[] {
  const folder = home.path('restores');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => RESTORE_ID.test(name))
    .sort();
}

const remove = (folder: string, name: string): void => rmSync(join(folder, name), { recursive: true, force: true });
