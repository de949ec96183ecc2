import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { ResettleError } from '../../common/errors.ts';
import type { Progress, Report } from '../../common/ports.ts';
import { damaged } from '../format/damaged.ts';
import { close, openFolderAt, useFileCalls } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { collectAfterPhase } from '../threads/collect.ts';
import { Inbox } from '../threads/inbox.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { runWorker } from '../threads/run-worker.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { Amendments } from './amendments.ts';
import { MetadataSetter } from './apply-metadata.ts';
import { BaseGuard } from './base-guard.ts';
import { Buckets } from './buckets.ts';
import { conflictLabel } from './conflict-name.ts';
import { ConflictReport } from './conflict-report.ts';
import { Decider, type DeciderParts } from './decide.ts';
import { DecisionWriter, hasPlan } from './decision-log.ts';
import { type Decisions, FreshDecisions, PlannedDecisions } from './decisions.ts';
import { DryRun, KEEPS_ALL, noteOf, scratchFolder } from './dry-run.ts';
import { ExtrasSpool } from './extras-spool.ts';
import { FilePlacer, type PlacerParts } from './file-placer.ts';
import { finishFolders, lastOfTarget } from './finish-folders.ts';
import { FolderWalk } from './folder-walk.ts';
import { formerOf } from './former.ts';
import { Giving } from './given.ts';
import { InPlace } from './in-place.ts';
import { LateList, LockList } from './late-list.ts';
import { LeftBehind } from './left-behind.ts';
import { LinkInodes } from './link-inodes.ts';
import { Losses } from './losses.ts';
import { makeFolders } from './make-folders.ts';
import { fetchManifest, walkManifest } from './manifest-walk.ts';
import type { FromRestoreWorker, RestoreWorkerData, ToRestoreWorker, WorkerResult } from './messages.ts';
import { OwnerMap, readOwnerIds } from './owner-map.ts';
import { OwnerPolicy } from './owner-policy.ts';
import { PackFeed } from './pack-feed.ts';
import { PartSpool } from './part-spool.ts';
import { placeLate } from './place-late.ts';
import { placeLocks } from './place-locks.ts';
import { placePacks } from './place-packs.ts';
import { hiddenNameOf, Places } from './places.ts';
import { PreImages } from './pre-images.ts';
import { onlyRoot, RestorePlan } from './restore-plan.ts';
import { Session } from './session.ts';
import { Skel } from './skel.ts';
import { Tally } from './tally.ts';
import { journalNameOf } from './target.ts';
import { Tree } from './tree.ts';

const port = parentPort!;
const data = workerData as RestoreWorkerData;
const { sealed, packs } = data;
const { totals } = sealed;
const root = data.root ?? '/';
const tell = (message: FromRestoreWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));
const feed = new PackFeed(packs, new Inbox<ToRestoreWorker>(port), tell);
const stripped = data.strip ? onlyRoot(sealed.roots) : undefined;
const label = conflictLabel(sealed.machineName, sealed.capturedAtNs);

const losses = new Losses();
const conflicts = new ConflictReport();
const tally = new Tally();
const owners = new OwnerPolicy();
const setter = new MetadataSetter(owners, losses);

interface DecideParts extends Pick<DeciderParts, 'base' | 'former' | 'keeps' | 'sink' | 'giving'> {
  readonly parts: PartSpool;
  readonly ownerMap: OwnerMap;
  readonly spool: string;
  readonly restoreId: string;
  readonly onEntry?: DeciderParts['onEntry'];
}

const onManifest = () =>
  teller.count(() => ({ phase: 'manifest', bytes: 0, totalBytes: 0, files: 0, totalFiles: totals.files }));
const newWalk = () => new FolderWalk(stripped, data.only);
const newGuard = (restoreId: string) =>
  new BaseGuard([journalNameOf(data.descriptorHash), hiddenNameOf(restoreId)], stripped);

function decide({ parts, ownerMap, spool, restoreId, ...rest }: DecideParts): void {
  const inodes = new LinkInodes(join(spool, 'there'));
  const walk = newWalk();
  const decider = new Decider({
    ...rest,
    walk,
    guard: newGuard(restoreId),
    setter,
    policy: data.onConflict ?? 'keep-both',
    label,
    skel: new Skel(root),
    inodes,
  });
  try {
    walkManifest(parts, totals, decider, ownerMap);
  } finally {
    decider.close();
    inodes.close();
  }
  walk.end();
}

function resultOf(restoreId: string, resumed: boolean): WorkerResult {
  return {
    restoreId,
    resumed,
    ...tally.counts,
    conflicts: conflicts.counts,
    conflictItems: conflicts.report(),
    withheld: both(losses.report(), owners.report()),
  };
}

const both = (a: Report, b: Report): Report => ({ items: [...a.items, ...b.items], count: a.count + b.count });

/** Where every decision comes from: an earlier run's plan, or the look of the target now. */
function decisionsOf(
  session: Session,
  places: Places,
  parts: PartSpool,
  giving: Giving,
  ownerMap: OwnerMap,
): {
  decisions: Decisions;
  seal(): void;
} {
  const { target, planFile } = session;
  if (target.resumed && hasPlan(planFile)) return { decisions: new PlannedDecisions(planFile), seal() {} };
  const writer = new DecisionWriter(planFile);
  const found = formerOf(target.base);
  const former = { ...found, mtimeNs: session.formerTimeNs ?? found.mtimeNs };
  if (target.wasEmpty && !data.only) {
    return { decisions: new FreshDecisions(writer, former), seal: () => writer.seal() };
  }
  const { keeps } = places.at(0);
  const { spool, base } = { spool: target.spool, base: target.base };
  decide({ parts, ownerMap, spool, restoreId: session.restoreId, base, former, keeps, sink: writer, giving });
  writer.seal();
  return { decisions: new PlannedDecisions(planFile), seal() {} };
}

/** Once true, an error leaves something that a later run goes on with. */
let hasChanged = false;

/** Makes the folders, and puts every file into its place. Returns what tells the progress of what follows. */
async function placeFiles(
  plan: RestorePlan,
  buckets: Buckets,
  parts: PlacerParts,
): Promise<(phase: string) => Progress> {
  makeFolders(parts);
  const placer = new FilePlacer(parts, plan.partials);
  const progress = (phase: string) => ({
    phase,
    bytes: plan.keptBytes + placer.bytes,
    totalBytes: totals.bytes,
    files: plan.keptFiles + placer.files,
    totalFiles: totals.files,
  });
  try {
    await placePacks(buckets, feed, data, placer, () => {
      throwIfStopped();
      teller.count(() => progress('restore'));
    });
  } finally {
    placer.close();
  }
  if (placer.files !== plan.toPlace || placer.unfinished > 0) {
    throw damaged('not every file of the manifest became whole');
  }
  return progress;
}

async function restore(session: Session, giving: Giving, ownerMap: OwnerMap): Promise<void> {
  const { target, restoreId } = session;
  const { spool } = target;
  const tree = new Tree(target);
  const places = new Places({ journal: target.journalName, hidden: hiddenNameOf(restoreId) }, session.undoDir, owners);
  const amendments = new Amendments(session.planFile);
  const inodes = new LinkInodes(join(spool, 'inodes'));
  const extras = new ExtrasSpool(join(spool, 'extras'));
  try {
    places.addBase(target.base, target.journal);
    const parts = new PartSpool(join(spool, 'parts'), sealed.parts);
    await fetchManifest(parts, packs.length, feed, data, onManifest);
    const { decisions, seal } = decisionsOf(session, places, parts, giving, ownerMap);
    const inPlace = new InPlace(tree, new PreImages(places, tree), amendments, conflicts, label);
    const left = new LeftBehind(tree, places, inPlace, setter, inodes);
    const buckets = new Buckets(spool);
    const late = new LateList(join(spool, 'late'));
    const locks = new LockList(join(spool, 'locks'));
    const plan = new RestorePlan({
      tree,
      walk: newWalk(),
      guard: newGuard(restoreId),
      decisions,
      amendments,
      giving,
      owners,
      left,
      extras,
      buckets,
      late,
      locks,
      losses,
      conflicts,
      tally,
      packIds: packs.map((pack) => pack.id),
    });
    try {
      walkManifest(parts, totals, plan, ownerMap);
    } finally {
      plan.close();
      decisions.close();
      parts.close();
    }
    seal();
    buckets.flush();
    tree.close();
    collectAfterPhase();

    hasChanged = true;
    const placing = { tree, places, inPlace, setter, extras, inodes, losses, tally };
    const progress = await placeFiles(plan, buckets, placing);
    teller.now(progress('restore'));
    placeLate(late, placing, () => teller.count(() => progress('restore')));
    placeLocks(locks, placing);
    places.clear();
    finishFolders(placing, () => teller.count(() => progress('folders')));
    noteWhatIsNotKept(places, tree);
    places.sync();
    const preImages = places.shownPreImages;
    const finishTarget = lastOfTarget(placing);
    // Not everywhere can a file go that is open.
    amendments.close();
    inodes.close();
    extras.close();
    target.removeJournal();
    finishTarget();
    session.finish(preImages);
    teller.now(progress('folders'));
    tell({ type: 'done', result: resultOf(restoreId, target.resumed) });
  } finally {
    amendments.close();
    inodes.close();
    extras.close();
    tree.close();
    places.close();
  }
}

/** What every item of a file system lacks is listed once. */
function noteWhatIsNotKept(places: Places, tree: Tree): void {
  for (const { keeps, host } of places.all) {
    const shown = () => tree.showFolder(host);
    if (!keeps.modes) losses.add(shown, 'this file system keeps no modes');
    if (!keeps.times) losses.add(shown, 'this file system does not keep times to the nanosecond');
  }
}

async function dryRun(giving: Giving, ownerMap: OwnerMap): Promise<void> {
  const scratch = scratchFolder(data.scratchDir);
  let base: number | undefined;
  try {
    base = openIfFolder(data.target);
    const parts = new PartSpool(join(scratch.path, 'parts'), sealed.parts);
    try {
      await fetchManifest(parts, packs.length, feed, data, onManifest);
      const sink = new DryRun((items) => tell({ type: 'items', items }), tally, conflicts);
      const onEntry = noteOf(giving, owners, losses);
      const { restoreId } = data;
      decide({
        parts,
        ownerMap,
        spool: scratch.path,
        restoreId,
        base,
        former: undefined,
        keeps: KEEPS_ALL,
        sink,
        giving,
        onEntry,
      });
      sink.flush();
    } finally {
      parts.close();
    }
    tell({ type: 'done', result: resultOf(data.restoreId, false) });
  } finally {
    if (base !== undefined) close(base);
    scratch.remove();
  }
}

function openIfFolder(path: string): number | undefined {
  try {
    return openFolderAt(Buffer.from(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new ResettleError('failed', `cannot restore into ${path}: ${reasonOf(error)}`, {
      hint: 'give a folder that you can write to',
      cause: error,
    });
  }
}

const WITHDRAWN: ReadonlySet<string> = new Set(['usage', 'not-found', 'refused']);

async function run(): Promise<void> {
  if (data.fileCalls) useFileCalls(data.fileCalls);
  const ownerMap = new OwnerMap(readOwnerIds(root), data.mapUsers ?? []);
  const giving = new Giving(ownerMap, owners.asRoot, data.allowPrivileged === true);
  if (data.dryRun) {
    await dryRun(giving, ownerMap);
    return;
  }
  const session = new Session(data);
  try {
    await restore(session, giving, ownerMap);
  } catch (error) {
    const isAnswer = error instanceof ResettleError && WITHDRAWN.has(error.code);
    if (isAnswer && !hasChanged && !session.target.resumed) session.withdraw();
    throw error;
  } finally {
    session.target.close();
  }
}

runWorker(port, run);
