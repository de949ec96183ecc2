import { MessageChannel } from 'node:worker_threads';
import { ResettleError } from '../../../../src/common/errors.ts';
import type { RestoreOptions } from '../../../../src/state/restore/index.ts';
import type { FromRestoreWorker, ToRestoreWorker, WorkerResult } from '../../../../src/state/restore/messages.ts';
import { workerDataOf } from '../../../../src/state/restore/open-snapshot.ts';
import { PackWay } from '../../../../src/state/restore/pack-way.ts';
import { RestoreRun } from '../../../../src/state/restore/restore-run.ts';
import { Inbox } from '../../../../src/state/threads/inbox.ts';
import { toThreadError } from '../../../../src/state/threads/thread-error.ts';

/**
 * What the worker of a restore does, in this thread, which must be a worker with its own stop flag: hundreds of states in
 * the time that threads for a dozen of them take. Locks stay until the thread ends.
 */
export async function restoreHere(options: RestoreOptions): Promise<WorkerResult> {
  const { source, ...asked } = options;
  const data = await workerDataOf(asked);
  const { port1, port2 } = new MessageChannel();
  let result: WorkerResult | undefined;
  const give = async (index: number, buffer: ArrayBuffer): Promise<ToRestoreWorker> => {
    const { id, sizeBytes } = data.packs[index]!;
    try {
      await source.get(id, sizeBytes, new Uint8Array(buffer, 0, sizeBytes), new AbortController().signal);
      return { type: 'pack', index, buffer };
    } catch (error) {
      if (!(error instanceof ResettleError)) throw error;
      return { type: 'no-pack', index, error: toThreadError(error) };
    }
  };
  const tell = (message: FromRestoreWorker): void => {
    if (message.type === 'want') void give(message.index, message.buffer).then((answer) => port2.postMessage(answer));
    else if (message.type === 'done') result = message.result;
  };
  try {
    await new RestoreRun(data, new PackWay(data, new Inbox<ToRestoreWorker>(port1), tell), tell).run();
  } finally {
    port1.close();
  }
  if (!result) throw new Error('the restore ended without a result');
  return result;
}
