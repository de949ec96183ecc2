import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CaptureEvents, describeSnapshot } from '../capture/index.ts';
import { THIS_MACHINE } from '../plan/source-tree.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import type { FromSendWorker, MadePlan, SendWorkerData } from './messages.ts';
import { PlanFolder } from './plan-folder.ts';
import type { ReopenOptions, Sending, SendOptions } from './types.ts';
import { WorkerSending } from './worker-sending.ts';

/** Larger ones were no faster. */
const SEMI_SPACE_MB = 4;

/**
 * Scans the given paths in a worker thread (phase `scan`) and keeps the plan in `planDir`. Throws `usage`, `not-found`,
 * `nothing-left`, `not-empty`, or the signal's reason; what was written of the plan then is no plan.
 */
export async function planSend(options: SendOptions, on: CaptureEvents): Promise<Sending> {
  on.signal.throwIfAborted();
  new PlanFolder(options.planDir).make();
  const { paths, filter } = options;
  return await started(options, { paths, filter }, on, (made) =>
    describeSnapshot(made, { ...options, association: undefined, snapshot: 1, previous: undefined }),
  );
}

/**
 * Goes on with a plan that an earlier process made there. Throws `not-found` where no whole one lies there, `damaged`,
 * `refused` for a key that is not its own, or the signal's reason.
 */
export async function reopenSend(options: ReopenOptions, on: CaptureEvents): Promise<Sending> {
  on.signal.throwIfAborted();
  return await started(options, undefined, on, () => Promise.reject(new Error('the plan was made before')));
}

async function started(
  options: ReopenOptions,
  wanted: SendWorkerData['wanted'],
  on: CaptureEvents,
  describe: (made: MadePlan) => Promise<Uint8Array>,
): Promise<Sending> {
  const scratch = await mkdtemp(join(options.scratchDir, 'send-'));
  const ended = new SharedArrayBuffer(4);
  const { planDir, exclude, tree = THIS_MACHINE, stateId, stateKey } = options;
  const data: SendWorkerData = { planDir, scratch, exclude, tree, stateId, stateKey, wanted, ended };
  const worker = new WorkerThread<FromSendWorker>(new URL('./worker.ts', import.meta.url), data, SEMI_SPACE_MB);
  const close = async () => {
    await worker.stop();
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    const ready = await untilReady(worker, on, describe);
    return new WorkerSending({ ...ready, worker, ended, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilReady(
  worker: WorkerThread<FromSendWorker>,
  on: CaptureEvents,
  describe: (made: MadePlan) => Promise<Uint8Array>,
): Promise<Pick<Sending, 'plan' | 'descriptor'>> {
  const { promise, resolve, reject } = Promise.withResolvers<Pick<Sending, 'plan' | 'descriptor'>>();
  const onAbort = () => reject(on.signal.reason);
  on.signal.addEventListener('abort', onAbort, { once: true });
  worker.listen((message) => {
    if (message.type === 'progress') on.onProgress(message.progress);
    else if (message.type === 'ready') resolve({ plan: message.plan, descriptor: message.descriptor });
    else if (message.type === 'made') {
      describe(message.made).then((descriptor) => worker.post({ type: 'describe', descriptor }), reject);
    }
  }, reject);
  try {
    return await promise;
  } finally {
    on.signal.removeEventListener('abort', onAbort);
  }
}
