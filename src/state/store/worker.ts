import { parentPort, workerData } from 'node:worker_threads';
import type { PackId, StateId } from '../../common/ids.ts';
import { toThreadError } from '../threads/thread-error.ts';
import { Layout } from './layout.ts';
import type { FromStoreWorker, StoreWorkerData, ToStoreWorker } from './messages.ts';
import { StoreOperations } from './operations.ts';
import type { PackSize } from './types.ts';

const port = parentPort!;
const operations = new StoreOperations(new Layout((workerData as StoreWorkerData).dir));

function perform(message: ToStoreWorker): unknown {
  const [state, second] = message.args;
  switch (message.name) {
    case 'storePack':
      operations.storePack(state as StateId, second as PackId, new Uint8Array(message.buffer, 0, message.sizeBytes));
      return undefined;
    case 'verifyPacks':
      return operations.verifyPacks(state as StateId, second as PackSize[], (bytes) =>
        port.postMessage({ type: 'answer', call: message.call, progressBytes: bytes }),
      );
    default:
      return (operations[message.name] as (...args: unknown[]) => unknown).apply(operations, [...message.args]);
  }
}

port.on('message', (message: ToStoreWorker) => {
  const { call } = message;
  const back = 'buffer' in message ? { buffer: message.buffer } : {};
  const transfer = 'buffer' in message ? [message.buffer] : [];
  let answer: FromStoreWorker;
  try {
    answer = { type: 'answer', call, value: perform(message), ...back };
  } catch (error) {
    answer = { type: 'answer', call, error: toThreadError(error), ...back };
  }
  port.postMessage(answer, transfer);
});
