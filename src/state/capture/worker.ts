import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { pipe } from 'it-pipe';
import { Identities } from '../plan/identities.ts';
import { reportOf } from '../plan/left-out.ts';
import { distinctRoots } from '../plan/roots.ts';
import { Scan } from '../plan/scan.ts';
import { upperBoundBytes } from '../plan/upper-bound.ts';
import { collectAfterPhase } from '../threads/collect.ts';
import { Inbox } from '../threads/inbox.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { toThreadError } from '../threads/thread-error.ts';
import { Gatherer } from './gatherer.ts';
import type { CaptureWorkerData, FromCaptureWorker, ToCaptureWorker } from './messages.ts';
import { PackLine } from './pack-line.ts';
import { readPlan } from './read-plan.ts';
import { writeManifest } from './write-manifest.ts';

const port = parentPort!;
const data = workerData as CaptureWorkerData;
const inbox = new Inbox<ToCaptureWorker>(port);
const tell = (message: FromCaptureWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));

async function capture(): Promise<void> {
  const planPath = join(data.scratch, 'plan');
  const entriesPath = join(data.scratch, 'entries');
  const roots = distinctRoots(data.paths);
  const excluded = new Identities([...data.exclude, Buffer.from(data.scratch)]);
  const scan = new Scan(roots, excluded, planPath, (progress) => tell({ type: 'progress', progress })).run();
  const { files, folders, symlinks, hardlinks, bytes, leftOut } = scan;
  teller.now({ phase: 'scan', bytes, totalBytes: bytes, files, totalFiles: files });
  collectAfterPhase();
  tell({
    type: 'planned',
    plan: {
      files,
      folders,
      symlinks,
      hardlinks,
      bytes,
      upperBoundBytes: upperBoundBytes(scan.counts),
      skipped: reportOf(leftOut.get()),
      excluded: scan.excluded,
    },
  });
  while ((await inbox.next()).type !== 'run');

  const line = new PackLine(data.stateKey, data.stateId, inbox, (id, sizeBytes, buffer) =>
    tell({ type: 'pack', id, sizeBytes, buffer }, [buffer]),
  );
  const gatherer = new Gatherer(roots, entriesPath, leftOut, (doneBytes, doneFiles) =>
    teller.count(() => ({
      phase: 'capture',
      bytes: doneBytes,
      totalBytes: bytes,
      files: doneFiles,
      totalFiles: files,
    })),
  );
  const places = await pipe(readPlan(planPath), gatherer.segments, line.content);
  const parts = await writeManifest(entriesPath, places, line);
  const packs = line.packs;
  tell({
    type: 'done',
    result: {
      packs,
      parts,
      roots,
      totals: gatherer.totals,
      leftOut: leftOut.get(),
      skipped: reportOf(leftOut.get()),
      sealedBytes: packs.reduce((sum, pack) => sum + pack.sizeBytes, 0),
    },
  });
}

capture().catch((error: unknown) => port.postMessage({ type: 'failed', error: toThreadError(error) }));
