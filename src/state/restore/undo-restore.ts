import { WorkerThread } from '../threads/worker-thread.ts';
import type { FromUndoWorker } from './messages.ts';
import type { UndoEvents, UndoOptions, UndoResult } from './types.ts';
import { readUndoRecord } from './undo-record.ts';

/** Whether a restore came so far that it has files of its own, undone or not. Throws `damaged`. */
export const hasFiles = (undoDir: string): boolean => readUndoRecord(undoDir) !== undefined;

/** Whether all of its files were taken back, so that nothing in its folder is of use any more. Throws `damaged`. */
export function isWhollyUndone(undoDir: string): boolean {
  const record = readUndoRecord(undoDir);
  return record?.status === 'undone' && record.kept === 0;
}

/** Whether there is something of a restore to take back. Throws `damaged`. */
export function canUndo(undoDir: string): boolean {
  const record = readUndoRecord(undoDir);
  return record !== undefined && record.status !== 'undone';
}

/**
 * Takes a restore back that was given this `undoDir`, also one that was cut short: what it made goes, unless it was
 * changed since, and what it replaced comes back. Killed at any time and run again, it ends the same; once done it does
 * nothing. Phase `undo`. Throws `not-found`, `damaged`, `failed`.
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
