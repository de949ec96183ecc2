import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import { damaged } from '../../format/damaged.ts';
import { fromSummedJson, toSummedJson } from '../../format/summed-json.ts';
import { codeOf, reasonOf } from '../../fs/errno.ts';
import { writeAll } from '../../fs/write-all.ts';
import { parseLog } from './log.ts';
import type { AreasOutcome } from './types.ts';

/** The journal of areas, in the folder of a restore. */
export const journalDirOf = (undoDir: string): string => join(undoDir, 'areas');

const STATUSES: readonly string[] = ['staged', 'applying', 'applied', 'rolled-back', 'undone'];

/** What became of a restore of areas; undefined where there was none, or it was cut short before it could change anything. */
export function readAreasOutcome(undoDir: string): AreasOutcome | undefined {
  let text: string;
  try {
    text = readFileSync(join(journalDirOf(undoDir), 'outcome.json'), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const outcome = fromSummedJson(text) as AreasOutcome;
    const isWhole =
      outcome.format === 1 &&
      STATUSES.includes(outcome.status) &&
      typeof outcome.wish.root === 'string' &&
      outcome.wish.root.startsWith('/') &&
      Array.isArray(outcome.items);
    if (!isWhole) throw new Error('it is not whole');
    return outcome;
  } catch (error) {
    throw damaged(`${join(journalDirOf(undoDir), 'outcome.json')} cannot be read`, error);
  }
}

/** Whether there is something to put back. Throws `damaged`. */
export function canUndoAreas(undoDir: string): boolean {
  const status = readAreasOutcome(undoDir)?.status;
  return status === 'staged' || status === 'applying' || status === 'applied';
}

/** How far a restore came with areas. `none` also where they were rolled back. `begun`: no path was changed yet. */
export type AreasStanding = 'none' | 'begun' | 'made' | 'undone';

/** Throws `damaged`. */
export function standingOfAreas(undoDir: string): AreasStanding {
  const status = readAreasOutcome(undoDir)?.status;
  if (status === undefined) return existsSync(journalDirOf(undoDir)) ? 'begun' : 'none';
  if (status === 'rolled-back') return 'none';
  if (status === 'undone') return 'undone';
  return status === 'staged' || (status === 'applying' && !hasIntent(undoDir)) ? 'begun' : 'made';
}

/** Whether a phase was about to change something: the log says so before it does. */
function hasIntent(undoDir: string): boolean {
  try {
    return parseLog(readFileSync(join(journalDirOf(undoDir), 'log'))).entries.some(({ did }) => did === 'intent');
  } catch (error) {
    throw damaged(`${join(journalDirOf(undoDir), 'log')} cannot be read`, error);
  }
}

/** Durable when it returns. */
export function writeOutcome(undoDir: string, outcome: AreasOutcome): void {
  writeDurable(journalDirOf(undoDir), 'outcome.json', `${toSummedJson(outcome)}\n`);
}

/** A whole file or none, on disk when it returns. Throws `failed`. */
export function writeDurable(folder: string, name: string, text: string): void {
  const path = join(folder, name);
  try {
    const fd = openSync(`${path}.new`, 'w', 0o600);
    try {
      writeAll(fd, Buffer.from(text));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    failpoint('areas.file-written');
    renameSync(`${path}.new`, path);
    failpoint('areas.file-renamed');
    syncFolderAt(folder);
  } catch (error) {
    throw new ResettleError('failed', `cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function syncFolderAt(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
