import { parentPort, workerData } from 'node:worker_threads';
import { Inbox } from '../threads/inbox.ts';
import { runWorker } from '../threads/run-worker.ts';
import type { FromRestoreWorker, RestoreWorkerData, ToRestoreWorker } from './messages.ts';
import { PackWay } from './pack-way.ts';
import { RestoreRun } from './restore-run.ts';

const port = parentPort!;
const data = workerData as RestoreWorkerData;
const tell = (message: FromRestoreWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

runWorker(port, async () => {
  const way = new PackWay(data, new Inbox<ToRestoreWorker>(port), tell);
  await new RestoreRun(data, way, tell).run();
});
