import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { pipe } from 'it-pipe';
import { type FolderPath, packBytesFor } from '../format/index.ts';
import { Identities } from '../plan/identities.ts';
import { Known } from '../plan/known.ts';
import { reportOf } from '../plan/left-out.ts';
import { type Selection, select } from '../plan/rule-filter.ts';
import { Scan, type ScanResult } from '../plan/scan.ts';
import { StatCache } from '../plan/stat-cache.ts';
import { partBytesFor, upperBoundBytes } from '../plan/upper-bound.ts';
import { collectAfterPhase } from '../threads/collect.ts';
import { Inbox } from '../threads/inbox.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { runWorker } from '../threads/run-worker.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { Checkpoint } from './checkpoint.ts';
import { Gatherer } from './gatherer.ts';
import type { CaptureWorkerData, FromCaptureWorker, ToCaptureWorker } from './messages.ts';
import { digestOfNames, type OwnerNames, readOwnerNames } from './owner-names.ts';
import { PackLine } from './pack-line.ts';
import type { SegmentFinder } from './part-builder.ts';
import { readPlan } from './read-plan.ts';
import { snapshotOf } from './snapshot-of.ts';
import { ManifestWriter, type WrittenPart } from './write-manifest.ts';

const port = parentPort!;
const data = workerData as CaptureWorkerData;
const inbox = new Inbox<ToCaptureWorker>(port);
const tell = (message: FromCaptureWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));

const planPath = join(data.scratch, 'plan');
const entriesPath = join(data.scratch, 'entries');

async function next<T extends ToCaptureWorker['type']>(type: T): Promise<Extract<ToCaptureWorker, { type: T }>> {
  for (;;) {
    const message = await inbox.next();
    if (message.type === type) return message as Extract<ToCaptureWorker, { type: T }>;
  }
}

/** What the holder still has of earlier captures. */
async function confirmed(cache: StatCache): Promise<Known> {
  const packs = [...cache.packs.values()].map(({ id }) => id);
  if (packs.length === 0) return new Known(cache, new Set());
  tell({ type: 'known', packs });
  const { packs: missing } = await next('missing');
  return new Known(cache, new Set(missing));
}

function plan(selection: Selection, known: Known): ScanResult {
  const { cache } = known;
  const own = [...data.exclude, Buffer.from(data.scratch)];
  if (data.cacheFile) own.push(...['', '-wal', '-shm'].map((end) => Buffer.from(`${data.cacheFile}${end}`)));
  cache.begin();
  const scan = new Scan({
    ...selection,
    tree: data.tree,
    excluded: new Identities(own),
    spoolPath: planPath,
    known,
    settledBeforeNs: BigInt(Date.now() - data.settleMs) * 1_000_000n,
    onProgress: (progress) => tell({ type: 'progress', progress }),
  }).run();
  cache.commit();
  const { counts, leftOut, leftByRules, ...found } = scan;
  const { bytes, files } = found;
  teller.now({ phase: 'scan', bytes, totalBytes: bytes, files, totalFiles: files });
  collectAfterPhase();
  const upperBound = upperBoundBytes(counts);
  const skipped = reportOf(leftOut.get());
  tell({ type: 'planned', plan: { ...found, upperBoundBytes: upperBound, skipped, leftByRules: leftByRules.get() } });
  return scan;
}

/** Reads what is new, seals it, and writes the manifest; then waits until the snapshot is committed. */
async function send(
  roots: readonly FolderPath[],
  scan: ScanResult,
  known: Known,
  names: OwnerNames,
  remember: boolean,
): Promise<void> {
  const { cache } = known;
  const { leftOut, newBytes, newFiles } = scan;
  const numbers: number[] = [];
  const line = new PackLine(data.stateKey, data.stateId, inbox, packBytesFor(newBytes), (index, pack, buffer) => {
    numbers.push(cache.addPack(pack));
    tell({ type: 'pack', index, ...pack, buffer }, [buffer]);
  });
  const segments: SegmentFinder = {
    packOf: (segment) => numbers[line.places.packOf(segment)]!,
    frameOf: (segment) => line.places.frameOf(segment),
  };
  const onRead = (bytes: number, files: number) => {
    throwIfStopped();
    if (remember) checkpoint.maybe();
    teller.count(() => ({ phase: 'capture', bytes, totalBytes: newBytes, files, totalFiles: newFiles }));
  };
  const { scratch, settleMs } = data;
  const gatherer = new Gatherer({
    roots,
    tree: data.tree,
    entriesPath,
    leftOut,
    known,
    settleMs,
    scratchDir: scratch,
    onRead,
  });
  const checkpoint = new Checkpoint({
    cache,
    names,
    entriesPath,
    flush: gatherer.flush,
    pending: gatherer.pending,
    segments,
    isStored: (segment) => line.places.has(segment) && line.isStored(line.places.packOf(segment)),
  });
  let parts: WrittenPart[];
  try {
    await pipe(readPlan(planPath), gatherer.segments, line.content);
    cache.begin();
    const writer = new ManifestWriter({
      known,
      line,
      numberOfPack: (index) => numbers[index]!,
      segments,
      names,
      partBytes: partBytesFor(scan.counts.entries),
      remember,
    });
    parts = await writer.write(readPlan(entriesPath));
  } catch (error) {
    cache.rollback();
    if (remember) checkpoint.now();
    throw error;
  }
  const { packNumbers, ...snapshot } = snapshotOf(parts, cache.packs, numbers);
  tell({
    type: 'done',
    result: {
      ...snapshot,
      roots,
      leftOut: leftOut.get(),
      skipped: reportOf(leftOut.get()),
      newBytes: line.packs.reduce((sum, pack) => sum + pack.sizeBytes, 0),
    },
  });
  await next('committed');
  cache.settle(new Set(parts.map(({ number }) => number)), packNumbers);
  cache.commit();
  tell({ type: 'settled' });
}

async function capture(): Promise<void> {
  const selection = select(data.paths, data.filter);
  const names = readOwnerNames(join(data.tree.root, 'etc'));
  const identity = { state: data.stateId, owners: digestOfNames(names) };
  const kept = data.cacheFile === undefined ? undefined : StatCache.open(data.cacheFile, identity);
  // Beside another capture of the same state, and where nothing is kept, everything is read and sent.
  const cache = kept ?? StatCache.open(join(data.scratch, 'cache'), identity)!;
  try {
    const known = await confirmed(cache);
    const scan = plan(selection, known);
    await next('run');
    await send(selection.roots, scan, known, names, kept !== undefined);
  } finally {
    cache.close();
  }
}

runWorker(port, capture);
