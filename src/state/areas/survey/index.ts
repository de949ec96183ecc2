import { WorkerThread } from '../../threads/worker-thread.ts';
import type { FromSurveyWorker, Surveyed, SurveyWorkerData } from './messages.ts';

export type { Surveyed, SurveyedArea } from './messages.ts';

/** Looks at the areas of a machine in a worker thread, and writes their documents. Rejects with the signal's reason. */
export async function surveyMachine(options: SurveyWorkerData, signal: AbortSignal): Promise<Surveyed> {
  signal.throwIfAborted();
  const worker = new WorkerThread<FromSurveyWorker>(new URL('./worker.ts', import.meta.url), options);
  const { promise, resolve, reject } = Promise.withResolvers<Surveyed>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  worker.listen(({ surveyed }) => resolve(surveyed), reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await worker.stop();
  }
}
