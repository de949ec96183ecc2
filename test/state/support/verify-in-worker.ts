/** Looks at a restore as the product does: in a worker thread. This file is both sides of it. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { RestoredRoot } from '../../../src/state/restore/restored-root.ts';
import { verifyRestored } from '../../../src/state/restore/verify-restored.ts';
import { runWorker } from '../../../src/state/threads/run-worker.ts';
import { WorkerThread } from '../../../src/state/threads/worker-thread.ts';

interface Found {
  readonly type: 'found';
  readonly roots: RestoredRoot[];
}

export async function verifyInWorker(undoDir: string): Promise<RestoredRoot[]> {
  const worker = new WorkerThread<Found>(new URL(import.meta.url), { verify: undoDir });
  try {
    return await new Promise((resolve, reject) => worker.listen(({ roots }) => resolve(roots), reject));
  } finally {
    await worker.stop();
  }
}

const { verify } = (workerData ?? {}) as { verify?: string };
if (!isMainThread && verify !== undefined) {
  runWorker(parentPort!, async () => {
    const { roots } = verifyRestored(verify, () => {});
    parentPort!.postMessage({ type: 'found', roots } satisfies Found);
  });
}
