/** A store in a folder: capture, prune, restore and undo, each killed again and again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Random, Run, Scenario, Tally } from '../scenario.ts';
import { assertSame, FolderWorld, remove } from '../support/folder-world.ts';
import { type Prey, randomStrike, type Strike } from '../support/strike.ts';
import { copyTree, makeTarget } from '../support/tree.ts';

const CAPTURE: Prey = {
  failpoints: [
    'store.folders-made',
    'store.tmp-emptied',
    'store.file-written',
    'store.file-renamed',
    'store.state-folder-made',
    'store.pack-stored',
    'store.pack-dropped',
    'home.file-written',
    'home.file-renamed',
    'cache.filled',
    'cache.committed',
    'folder.begun',
    'folder.sealed',
    'folder.keys-written',
    'folder.committed',
    'folder.snapshot-noted',
  ],
  passes: 120,
  lastsMs: 2500,
};
const PRUNE: Prey = {
  failpoints: ['store.tmp-emptied', 'store.snapshot-dropped', 'store.pack-dropped', 'prune.snapshots-dropped'],
  passes: 25,
  lastsMs: 700,
};
const RESTORE: Prey = {
  failpoints: [
    'restore.record-written',
    'restore.record-renamed',
    'restore.target-opened',
    'restore.journal-made',
    'restore.journal-written',
    'restore.plan-written',
    'restore.plan-sealed',
    'restore.folder-made',
    'restore.pre-image-linked',
    'restore.pre-image-moved',
    'restore.part-written',
    'restore.file-whole',
    'restore.node-made',
    'restore.item-placed',
    'restore.places-cleared',
    'restore.folder-finished',
    'restore.synced',
    'restore.journal-emptied',
    'restore.journal-record-removed',
    'restore.journal-removed',
    'restore.target-finished',
    'restore.done',
  ],
  passes: 1500,
  lastsMs: 1500,
};
const UNDO: Prey = {
  failpoints: [
    'undo.item-removed',
    'undo.item-put-back',
    'undo.item-cleared',
    'undo.folder-removed',
    'undo.folder-given-back',
    'undo.target-given-back',
    'undo.synced',
    'undo.target-left',
    'undo.noted',
    'undo.done',
    'restore.journal-emptied',
    'restore.journal-record-removed',
    'restore.record-written',
  ],
  passes: 700,
  lastsMs: 900,
};

const some = (random: Random, prey: Prey): Strike[] =>
  Array.from({ length: 2 + random.integer(4) }, () => randomStrike(random, prey));

async function captures(world: FolderWorld, count: number): Promise<void> {
  for (let capture = 0; capture < count; capture += 1) {
    if (capture > 0) world.change();
    await world.capture(some(world.run.random, CAPTURE));
  }
}

/** Into a new folder: everything, exactly; and after the undo the folder is not there. */
async function restoreWhole(world: FolderWorld, snapshot: number): Promise<void> {
  const { random, dir } = world.run;
  const into = join(dir, 'restored');
  await world.restore(into, snapshot, [], some(random, RESTORE));
  assertSame(world.versionOf(snapshot), into, `snapshot ${snapshot}, restored`);
  await world.undoAll(some(random, UNDO));
  remove(into);
}

/** Where other things are: as a restore that nobody kills does it, and after the undo nothing differs. */
async function restoreOver(world: FolderWorld, snapshot: number): Promise<void> {
  const { random, dir } = world.run;
  const before = makeTarget(join(dir, 'target'), world.versionOf(snapshot), random);
  const [asked, alone] = [copyTree(before, join(dir, 'asked')), copyTree(before, join(dir, 'alone'))];
  const policy = random.pick(['keep-both', 'skip', 'replace', 'newer']);
  const more = ['--on-conflict', policy];
  await world.restore(alone, snapshot, more, []);
  await world.restore(asked, snapshot, more, some(random, RESTORE));
  // A folder that was there and is left as it is has the time at which something came into it.
  const isOfThen = (difference: string): boolean => {
    const [path] = difference.split(' has mtime ') as [string];
    return policy === 'skip' && path !== difference && existsSync(join(before, path));
  };
  assertSame(alone, asked, `snapshot ${snapshot}, restored with ${policy}`, isOfThen);
  await world.undoAll(some(random, UNDO));
  assertSame(before, asked, 'undone');
  assertSame(before, alone, 'undone, though nobody killed it');
  for (const one of [before, asked, alone]) remove(one);
}

async function run(given: Run): Promise<Tally> {
  const world = await FolderWorld.make(given);
  await captures(world, 3);
  const all = await world.snapshots();
  await restoreWhole(world, given.random.pick(all));
  await world.prune(2, some(given.random, PRUNE));
  const [oldest, newest] = (await world.snapshots()) as [number, number];
  await restoreWhole(world, newest);
  await restoreOver(world, given.random.pick([oldest, newest]));
  return { kills: world.kills };
}

/** The same once, so that it fits in the gate. */
async function runShort(given: Run): Promise<Tally> {
  const world = await FolderWorld.make(given);
  await captures(world, 1);
  await restoreWhole(world, (await world.snapshots()).at(-1)!);
  return { kills: world.kills };
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'folder-kills',
    about: 'a store in a folder: capture, prune, restore and undo end right, wherever they are killed',
    gateRuns: 0,
    run,
  },
  {
    name: 'folder-kills-short',
    about: 'a store in a folder: a capture, a restore and its undo end right, wherever they are killed',
    gateRuns: 1,
    run: runShort,
  },
];
