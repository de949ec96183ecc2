import { parentPort, workerData } from 'node:worker_threads';
import type { RestoreWorkerData } from '../restore/messages.ts';
import { RestoreRun } from '../restore/restore-run.ts';
import { Inbox } from '../threads/inbox.ts';
import { runWorker } from '../threads/run-worker.ts';
import { AskLine } from './ask-line.ts';
import type { FromReceiveWorker, ToReceiveWorker } from './messages.ts';
import { ReceiveWay } from './receive-way.ts';

const port = parentPort!;
const data = workerData as RestoreWorkerData;
const tell = (message: FromReceiveWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

runWorker(port, async () => {
  const way = new ReceiveWay(data, new AskLine(new Inbox<ToReceiveWorker>(port), tell));
  await new RestoreRun(data, way, tell).run();
});
