import { parentPort, workerData } from 'node:worker_threads';
import { runWorker } from '../../threads/run-worker.ts';
import type { FromUndoAreasWorker, UndoAreasOptions } from './messages.ts';
import { loadParts } from './real-parts.ts';
import { PHASES } from './steps.ts';
import { takeBack } from './take-back.ts';

const port = parentPort!;
const { undoDir, part, partsModule } = workerData as UndoAreasOptions;

runWorker(port, async () => {
  const result = takeBack(await loadParts(partsModule), undoDir, part === 'unfinished' ? part : part ? [part] : PHASES);
  const message: FromUndoAreasWorker = { type: 'undone', result };
  port.postMessage(message);
});
