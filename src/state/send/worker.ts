import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { DIRECT_PACK_BYTES } from '../../common/limits.ts';
import type { DirectAsk, Progress } from '../../common/ports.ts';
import { FrameLine, type MadePack } from '../capture/frame-line.ts';
import { LevelChooser } from '../capture/level-chooser.ts';
import { digestOfNames, readOwnerNames } from '../capture/owner-names.ts';
import { readPlan } from '../capture/read-plan.ts';
import { LEVEL_DIRECT_MIN } from '../format/compression.ts';
import { runsOf } from '../format/entry-set.ts';
import { Identities } from '../plan/identities.ts';
import { Known } from '../plan/known.ts';
import { reportOf } from '../plan/left-out.ts';
import { select } from '../plan/rule-filter.ts';
import { Scan } from '../plan/scan.ts';
import { StatCache } from '../plan/stat-cache.ts';
import { upperBoundBytes } from '../plan/upper-bound.ts';
import { collectAfterPhase } from '../threads/collect.ts';
import { Inbox } from '../threads/inbox.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { runWorker } from '../threads/run-worker.ts';
import { stopRequested, throwIfStopped } from '../threads/stop.ts';
import { toThreadError } from '../threads/thread-error.ts';
import { AnswerFiles } from './answer-files.ts';
import { sumSizes } from './entry-sizes.ts';
import type { FromSendWorker, SendWorkerData, ToSendWorker } from './messages.ts';
import { OpenedPlan } from './opened-plan.ts';
import { PackBuffers } from './pack-buffers.ts';
import { PlanFolder } from './plan-folder.ts';
import { PlanWriter } from './write-plan.ts';

const port = parentPort!;
const data = workerData as SendWorkerData;
const { stateId, stateKey, scratch, tree } = data;
const inbox = new Inbox<ToSendWorker>(port);
const tell = (message: FromSendWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const ended = new Int32Array(data.ended);
const buffers = new PackBuffers(inbox);
const excluded = new Identities([...data.exclude, ...[scratch, data.planDir].map((path) => Buffer.from(path))]);

/** Scans, and writes everything of the plan but its descriptor, which is signed elsewhere. */
async function makePlan(folder: PlanFolder, wanted: NonNullable<SendWorkerData['wanted']>): Promise<void> {
  const selection = select(wanted.paths, wanted.filter);
  const names = readOwnerNames(join(tree.root, 'etc'));
  const planPath = join(scratch, 'plan');
  const cache = StatCache.open(join(scratch, 'cache'), { state: stateId, owners: digestOfNames(names) })!;
  try {
    const onProgress = (progress: Progress) => tell({ type: 'progress', answer: 0, progress });
    const known = new Known(cache, new Set());
    cache.begin();
    const scan = new Scan({
      ...selection,
      tree,
      excluded,
      spoolPath: planPath,
      known,
      settledBeforeNs: 0n,
      onProgress,
    }).run();
    cache.commit();
    collectAfterPhase();
    const written = new PlanWriter({ folder, stateId, stateKey, names, cache }).write(readPlan(planPath));
    const { totals } = written;
    const leftOut = scan.leftOut.get();
    folder.writeSummary({
      ...totals,
      newFiles: totals.files,
      newBytes: totals.bytes,
      upperBoundBytes: upperBoundBytes(scan.counts),
      skipped: reportOf(leftOut),
      excluded: scan.excluded,
      leftByRules: scan.leftByRules.get(),
      byRoot: [],
    });
    failpoint('send.summary-written');
    const { bytes, files } = totals;
    onProgress({ phase: 'scan', bytes, totalBytes: bytes, files, totalFiles: files });
    tell({ type: 'made', made: { ...written, roots: selection.roots, leftOut } });
  } finally {
    cache.close();
  }
  for (;;) {
    const message = await inbox.next();
    if (message.type !== 'describe') continue;
    folder.writeDescriptor(message.descriptor);
    failpoint('send.descriptor-written');
    return;
  }
}

/** The plan's packs, as they lie there. */
async function answerPlan(plan: OpenedPlan, handOver: HandOver): Promise<void> {
  for (const [index, pack] of plan.packs.entries()) {
    const buffer = await buffers.take();
    plan.readPack(index, new Uint8Array(buffer));
    handOver(pack, buffer);
  }
}

async function answerFiles(plan: OpenedPlan, answer: number, ask: DirectAsk, handOver: HandOver): Promise<void> {
  const total = sumSizes(plan.folder.sizesFile, plan.entries, runsOf(ask.entries, plan.entries));
  const phase = ask.what === 'compare' ? 'compare' : 'send';
  const teller = new ProgressTeller((progress) => tell({ type: 'progress', answer, progress }));
  const at = (bytes: number, files: number): Progress => ({
    phase,
    bytes,
    totalBytes: total.bytes,
    files,
    totalFiles: total.files,
  });
  const files = new AnswerFiles(ask, {
    plan,
    tree,
    excluded,
    scratchDir: scratch,
    throwIfEnded: () => throwIfEnded(answer),
    onRead: (bytes, count) => teller.count(() => at(bytes, count)),
  });
  teller.now(at(0, 0));
  const line = new FrameLine({
    stateKey,
    stateId,
    packBytes: DIRECT_PACK_BYTES,
    levels: new LevelChooser(LEVEL_DIRECT_MIN),
    take: () => buffers.take(),
    takeIdleMs: () => buffers.takeIdleMs(),
    handOver: (_index, pack, buffer) => handOver(pack, buffer),
  });
  await line.run(files.frames());
  teller.now(at(total.bytes, total.files));
}

type HandOver = (pack: MadePack, buffer: ArrayBuffer) => void;

function throwIfEnded(answer: number): void {
  throwIfStopped();
  if (Atomics.load(ended, 0) >= answer) throw new ResettleError('interrupted', 'interrupted');
}

async function answer(plan: OpenedPlan, number: number, ask: DirectAsk): Promise<void> {
  const handOver: HandOver = ({ id, sizeBytes }, buffer) => {
    throwIfEnded(number);
    tell({ type: 'pack', answer: number, id, sizeBytes, buffer }, [buffer]);
  };
  buffers.begin(number);
  if (ask.what === 'plan') await answerPlan(plan, handOver);
  else await answerFiles(plan, number, ask, handOver);
}

async function send(): Promise<void> {
  const folder = new PlanFolder(data.planDir);
  if (data.wanted) await makePlan(folder, data.wanted);
  const plan = await OpenedPlan.open(folder, stateId, stateKey);
  collectAfterPhase();
  tell({ type: 'ready', plan: plan.summary, descriptor: plan.descriptor });
  for (;;) {
    const message = await inbox.next();
    if (message.type === 'buffer') buffers.giveBack(message.answer, message.buffer, message.idleMs);
    if (message.type !== 'ask') continue;
    let error: unknown;
    try {
      await answer(plan, message.answer, message.ask);
    } catch (thrown) {
      if (stopRequested()) throw thrown;
      error = thrown;
    }
    tell({ type: 'answered', answer: message.answer, error: error === undefined ? undefined : toThreadError(error) });
  }
}

runWorker(port, send);
