import { WorkerThread } from '../threads/worker-thread.ts';
import type { FromUndoWorker } from './messages.ts';
import type { UndoEvents, UndoOptions, UndoResult } from './types.ts';
import { hasBegunOnly, readUndoRecord } from './undo-record.ts';

/** Whether a restore came so far that it has files of its own, undone or not. Throws `damaged`. */
export const hasFiles = (undoDir: string): boolean => readUndoRecord(undoDir) !== undefined;

/** Where its files went; undefined where it did not come to them. Throws `damaged`. */
export const targetOf = (undoDir: string): string | undefined => readUndoRecord(undoDir)?.target;

/**
 * How far a restore came with files. `begun`: it changed nothing yet, and all that there is of it is a journal in the target.
 * `made`: it changed something, whole or cut short.
 */
export type FilesStanding = 'none' | 'begun' | 'made' | 'undone';

/** Throws `damaged`. */
export function standingOfFiles(undoDir: string): FilesStanding {
  const record = readUndoRecord(undoDir);
  if (!record) return 'none';
  if (record.status === 'undone') return 'undone';
  return hasBegunOnly(undoDir, record) ? 'begun' : 'made';
}

/**
 * Takes a restore back that was given this `undoDir`, also one that was cut short: what it made goes, unless it was
 * changed since, and what it replaced comes back. Killed at any time and run again, it ends the same; once done it does
 * nothing. Of one that changed nothing, what it made for itself goes. Phase `undo`. Throws `not-found`, `damaged`, `failed`.
 */
export async function undoRestore(options: UndoOptions, on: UndoEvents): Promise<UndoResult> {
  on.signal.throwIfAborted();
  const worker = new WorkerThread<FromUndoWorker>(new URL('./undo-worker.ts', import.meta.url), options);
  const ended = new AbortController();
  try {
    return await new Promise<UndoResult>((resolve, reject) => {
      on.signal.addEventListener('abort', () => reject(on.signal.reason), { once: true, signal: ended.signal });
      worker.listen((message) => {
        if (message.type === 'progress') on.onProgress(message.progress);
        else resolve(message.result);
      }, reject);
    });
  } finally {
    ended.abort();
    await worker.stop();
  }
}
