import type { Progress } from '../../../common/ports.ts';
import { WorkerThread } from '../../threads/worker-thread.ts';
import type { ChecklistWorkerData, FromChecklistWorker } from './messages.ts';
import type { Checklist } from './types.ts';

export { grouped } from './groups.ts';
export { checklistHtml, isChecklistHtml } from './shown/html.ts';
export { checklistLines, type LineOptions, summaryLines } from './shown/lines.ts';
export type { Checklist, ChecklistHead, ChecklistItem } from './types.ts';
export { exitStatusOf } from './verdicts.ts';

export interface ChecklistEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

/**
 * Looks at what a finished restore left, item by item, in a worker thread; changes nothing. Phase `check`. Throws `not-found`
 * where the restore was undone, `failed` where it is unfinished, `damaged`, or the signal's reason.
 */
export async function checkRestore(options: ChecklistWorkerData, on: ChecklistEvents): Promise<Checklist> {
  on.signal.throwIfAborted();
  const worker = new WorkerThread<FromChecklistWorker>(new URL('./worker.ts', import.meta.url), options);
  const { promise, resolve, reject } = Promise.withResolvers<Checklist>();
  const onAbort = () => reject(on.signal.reason);
  on.signal.addEventListener('abort', onAbort, { once: true });
  worker.listen((message) => {
    if (message.type === 'progress') on.onProgress(message.progress);
    else resolve(message.checklist);
  }, reject);
  try {
    return await promise;
  } finally {
    on.signal.removeEventListener('abort', onAbort);
    await worker.stop();
  }
}
