import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../common/errors.ts';
import { fromSummedJson } from '../../format/summed-json.ts';
import { WorkerThread } from '../../threads/worker-thread.ts';
import type { JournalPlan } from './journal.ts';
import type { FromUndoAreasWorker, UndoAreasOptions } from './messages.ts';
import { journalDirOf, readAreasOutcome } from './outcome.ts';
import type { AreasUndone } from './types.ts';

/**
 * Puts back what a restore of areas changed: to the byte, the owner, the mode and the time, folders' too. What somebody
 * changed since stays, what was there before lies beside it, and it is listed. Also for one that was cut short. Killed at any
 * time and run again, it ends the same. Throws `not-found`, `damaged`, `failed`.
 */
export async function undoAreas(options: UndoAreasOptions): Promise<AreasUndone> {
  const worker = new WorkerThread<FromUndoAreasWorker>(new URL('./undo-worker.ts', import.meta.url), options);
  try {
    return await new Promise<AreasUndone>((resolve, reject) => {
      worker.listen(({ result }) => resolve(result), reject);
    });
  } finally {
    await worker.stop();
  }
}

/** The same for a restore that a crash cut short, before anything else is done; undefined where there is none. */
export async function rollBackAreas(options: Omit<UndoAreasOptions, 'part'>): Promise<AreasUndone | undefined> {
  const status = readAreasOutcome(options.undoDir)?.status;
  return status === 'staged' || status === 'applying' ? undoAreas({ ...options, part: 'unfinished' }) : undefined;
}

/**
 * Of a restore whose outcome cannot be read: whether it may have been cut short between two changes of that root. False only
 * where that is certain: its contents are staged until it is whole or put back, and its plan says which root it has.
 */
export function mayBeUnfinishedOn(undoDir: string, root: string): boolean {
  const dir = journalDirOf(undoDir);
  if (!existsSync(join(dir, 'staged'))) return false;
  try {
    const plan = fromSummedJson(readFileSync(join(dir, 'plan.json'), 'utf8')) as JournalPlan;
    return plan.root === undefined || plan.root === root;
  } catch {
    return true;
  }
}

/** Removes what a restore left that a crash cut short before it had staged everything: true where there was that. */
export async function forgetUnstagedAreas(options: Omit<UndoAreasOptions, 'part'>): Promise<boolean> {
  const { undoDir } = options;
  if (!existsSync(journalDirOf(undoDir)) || readAreasOutcome(undoDir)) return false;
  try {
    await undoAreas({ ...options, part: 'unfinished' });
    return !existsSync(journalDirOf(undoDir));
  } catch (error) {
    // Somebody is at work in it, and sees to it.
    if (error instanceof ResettleError) return false;
    throw error;
  }
}
