import { parentPort, workerData } from 'node:worker_threads';
import { verifyRestored } from '../../restore/verify-restored.ts';
import { ProgressTeller } from '../../threads/progress.ts';
import { runWorker } from '../../threads/run-worker.ts';
import type { ChecklistWorkerData, FromChecklistWorker } from './messages.ts';
import { checklistOfRestore } from './of-restore.ts';
import { loadParts } from './parts.ts';

const port = parentPort!;
const { undoDir, nowMs, partsModule } = workerData as ChecklistWorkerData;
const tell = (message: FromChecklistWorker) => port.postMessage(message);
const teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));

runWorker(port, async () => {
  let files = 0;
  const found = verifyRestored(undoDir, () => {
    files += 1;
    teller.count(() => ({ phase: 'check', bytes: 0, totalBytes: 0, files, totalFiles: 0 }));
  });
  tell({ type: 'done', checklist: checklistOfRestore(undoDir, found, await loadParts(partsModule), nowMs) });
});
