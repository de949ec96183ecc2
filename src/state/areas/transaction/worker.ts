import { parentPort, workerData } from 'node:worker_threads';
import { Inbox } from '../../threads/inbox.ts';
import { runWorker } from '../../threads/run-worker.ts';
import { toThreadError } from '../../threads/thread-error.ts';
import { lockRestore } from './lock-restore.ts';
import type { AreasWorkerData, FromAreasWorker, ToAreasWorker } from './messages.ts';
import { loadParts } from './real-parts.ts';
import { AreasTransaction } from './transaction.ts';

const port = parentPort!;
const { documents, wish, made, partsModule } = workerData as AreasWorkerData;
const tell = (message: FromAreasWorker) => port.postMessage(message);

async function answer(transaction: AreasTransaction, message: ToAreasWorker): Promise<FromAreasWorker> {
  switch (message.type) {
    case 'begin':
      lockRestore(message.undoDir);
      transaction.begin(message.undoDir);
      return { type: 'done' };
    case 'apply-before':
      transaction.applyBefore();
      return { type: 'done' };
    case 'apply-after':
      return { type: 'applied', result: await transaction.applyAfter() };
    case 'roll-back':
      return { type: 'rolled-back', kept: transaction.rollBack() };
    case 'close':
      transaction.rollBack();
      return { type: 'done' };
  }
}

runWorker(port, async () => {
  const inbox = new Inbox<ToAreasWorker>(port);
  const transaction = new AreasTransaction(await loadParts(partsModule), documents, wish, made);
  tell({ type: 'planned', plan: transaction.plan });
  try {
    for (;;) {
      const message = await inbox.next();
      try {
        tell(await answer(transaction, message));
      } catch (error) {
        tell({ type: 'refused', error: toThreadError(error) });
      }
      if (message.type === 'close') return;
    }
  } finally {
    // Where it is asked to end amid a run too.
    try {
      transaction.rollBack();
    } finally {
      transaction.close();
    }
  }
});
