import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { ResettleError } from '../../common/errors.ts';
import { damaged } from '../format/damaged.ts';
import { readPack } from '../format/pack-reader.ts';
import { collectAfterPhase } from '../threads/collect.ts';
import { Inbox } from '../threads/inbox.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { toThreadError } from '../threads/thread-error.ts';
import { Buckets } from './buckets.ts';
import { FilePlacer } from './file-placer.ts';
import { LinkInodes } from './link-inodes.ts';
import { LinkList } from './link-list.ts';
import { ManifestChecker } from './manifest-checker.ts';
import type { FromRestoreWorker, RestoreWorkerData, ToRestoreWorker } from './messages.ts';
import { OwnerPolicy } from './owner-policy.ts';
import { PackFeed } from './pack-feed.ts';
import { PartSpool } from './part-spool.ts';
import { placeLinks } from './place-links.ts';
import { placePacks } from './place-packs.ts';
import { PresentFiles } from './present-files.ts';
import { onlyRoot, RestorePlan } from './restore-plan.ts';
import { Target } from './target.ts';
import { Tree } from './tree.ts';

const port = parentPort!;
const data = workerData as RestoreWorkerData;
const { sealed, packs } = data;
const { totals } = sealed;
const tell = (message: FromRestoreWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));
const feed = new PackFeed(packs, new Inbox<ToRestoreWorker>(port), tell);

/** Fetches the manifest's packs and keeps its parts; nothing of them is believed before all have verified. */
async function fetchManifest(spool: PartSpool): Promise<void> {
  for await (const { index, bytes } of feed.fetch(spool.packs(packs.length))) {
    try {
      spool.take(index, readPack(bytes, data.stateKey, data.stateId));
    } catch (error) {
      if (error instanceof ResettleError && error.code === 'damaged') throw feed.damaged(index, error.message, error);
      throw error;
    }
    teller.count(() => ({ phase: 'manifest', bytes: 0, totalBytes: 0, files: 0, totalFiles: totals.files }));
  }
}

async function restore(target: Target): Promise<void> {
  const tree = new Tree(target);
  const owners = new OwnerPolicy();
  const inodes = new LinkInodes(join(target.spool, 'inodes'));
  const links = new LinkList(join(target.spool, 'links'));
  const buckets = new Buckets(target.spool);
  const parts = new PartSpool(join(target.spool, 'parts'), sealed.parts);
  const kept = { files: 0, bytes: 0 };
  const plan = new RestorePlan({
    tree,
    owners,
    present: new PresentFiles(tree, owners, inodes),
    buckets,
    links,
    stripped: data.strip ? onlyRoot(sealed.roots) : undefined,
    packIds: packs.map((pack) => pack.id),
    onFile: (bytes) => {
      kept.files += 1;
      kept.bytes += bytes;
    },
  });
  await fetchManifest(parts);
  const checker = new ManifestChecker(plan);
  for (const { part, entries } of parts.inOrder()) checker.part(part, entries);
  checker.end(totals);
  parts.close();
  buckets.flush();
  tree.close();
  collectAfterPhase();

  tree.make();
  const placer = new FilePlacer(tree, owners, inodes, plan.partials);
  const progress = (phase: string) => ({
    phase,
    bytes: kept.bytes + placer.bytes,
    totalBytes: totals.bytes,
    files: kept.files + placer.files,
    totalFiles: totals.files,
  });
  await placePacks(buckets, feed, data, placer, () => teller.count(() => progress('restore')));
  placer.close();
  if (kept.files + placer.files !== totals.files || placer.unfinished > 0) {
    throw damaged('not every file of the manifest became whole');
  }
  teller.now(progress('restore'));
  placeLinks(links, tree, owners, inodes);
  inodes.close();
  tree.finish(owners, () => teller.count(() => progress('folders')));
  target.removeJournal();
  tree.finishTarget();
  teller.now(progress('folders'));
  tell({ type: 'done', result: { ...totals, withheld: owners.report(), resumed: target.resumed } });
}

async function run(): Promise<void> {
  const target = new Target(data.target, {
    format: 1,
    state: data.stateId,
    snapshot: data.snapshot,
    descriptor: data.descriptorHash,
    restore: data.restoreId,
  });
  try {
    await restore(target);
  } finally {
    target.close();
  }
}

run().catch((error: unknown) => port.postMessage({ type: 'failed', error: toThreadError(error) }));
