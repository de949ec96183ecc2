import { existsSync } from 'node:fs';
import { ResettleError } from '../../../common/errors.ts';
import { WorkerThread } from '../../threads/worker-thread.ts';
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
