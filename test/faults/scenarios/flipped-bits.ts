/** Bits that flip at rest, wherever bytes are kept: found and named, never believed; repaired where there is a copy. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../src/common/errors.ts';
import { associationId, peerIdText, stateId } from '../../../src/common/ids.ts';
import { Home } from '../../../src/node/home/home.ts';
import { openIdentity } from '../../../src/node/identity/identity.ts';
import { type Job, readJob, writeJob } from '../../../src/node/roles/source/jobs/jobs.ts';
import { readSourceState, type SourceState, writeSourceState } from '../../../src/node/roles/source/source-state.ts';
import { Journal, type JournalEntry } from '../../../src/state/records/journal.ts';
import type { RecordHash } from '../../../src/state/records/types.ts';
import { restoreSnapshot, undoRestore } from '../../../src/state/restore/index.ts';
import { Store, storeSource } from '../../../src/state/store/index.ts';
import { FolderStore } from '../../state/support/folder-store.ts';
import { identity, on } from '../../state/support/source-machine.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import type { Random, Run, Scenario } from '../scenario.ts';
import { filesBelow, flipBit } from '../support/flip.ts';
import { changeSmallTree, makeSmallTree } from '../support/small-tree.ts';

const FLIPS = 40;
const hex = (random: Random, bytes: number): string => random.bytes(bytes).toString('hex');

/** What reading came to: the value as it was, or an error of ours that says `damaged`. Anything else is the fault we look for. */
async function asWrittenOrDamaged<T>(
  read: () => T | Promise<T>,
  written: T,
  what: string,
): Promise<'read' | 'damaged'> {
  let value: T;
  try {
    value = await read();
  } catch (error) {
    assert.ok(error instanceof ResettleError && error.code === 'damaged', `${what}: ${String(error)}`);
    assert.ok(error.hint, `${what}: no remedy is named`);
    return 'damaged';
  }
  assert.deepEqual(value, written, `${what}: it was believed`);
  return 'read';
}

/** Keys, the keys of states, jobs, records: each with a bit flipped, forty times. */
async function homeBits(run: Run): Promise<Record<string, number>> {
  const { random } = run;
  const home = new Home(join(run.dir, 'home'));
  const { peerId, ageRecipient } = await openIdentity(home);
  const lineage = associationId(hex(random, 32));
  const state: SourceState = {
    stateId: stateId(hex(random, 32)),
    key: new Uint8Array(random.bytes(32)),
    recipients: [ageRecipient],
    snapshot: 3,
    signed: 3,
    descriptor: new Uint8Array(random.bytes(32)),
    places: [{ cache: hex(random, 8), points: [peerIdText(peerId)] }],
  };
  writeSourceState(home, lineage, state);
  const job: Job = {
    association: lineage,
    paths: ['/home/ann'],
    areas: [],
    root: '/',
    start: false,
    createdAtMs: 1,
    ended: null,
  };
  writeJob(home, job);
  const entries = Array.from({ length: 30 }, (_, index): JournalEntry => {
    return { number: index + 1, hash: hex(random, 32) as RecordHash, envelope: new Uint8Array(random.bytes(400)) };
  });
  const journal = new Journal(home.recordsPath);
  journal.change(entries, []);
  journal.close();

  const plain = (value: SourceState | undefined) =>
    value && { ...value, key: hexOf(value.key), descriptor: hexOf(value.descriptor!) };
  const reads: Readonly<Record<string, (at: Home, what: string) => Promise<'read' | 'damaged'>>> = {
    'identity.key': (at, what) => asWrittenOrDamaged(async () => (await openIdentity(at)).peerId, peerId, what),
    'age.key': (at, what) => asWrittenOrDamaged(async () => (await openIdentity(at)).ageRecipient, ageRecipient, what),
    [`states/${lineage}.json`]: (at, what) =>
      asWrittenOrDamaged(() => plain(readSourceState(at, lineage)), plain(state), what),
    [`jobs/${lineage}.json`]: (at, what) => asWrittenOrDamaged(() => readJob(at, lineage), job, what),
    'records.db': (at, what) => asWrittenOrDamaged(() => allOf(at.recordsPath), entries.map(shownEntry), what),
  };
  const tally: Record<string, number> = {};
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const copy = join(run.dir, 'copy');
    cpSync(home.dir, copy, { recursive: true });
    chmodSync(copy, 0o700);
    const name = random.pick(Object.keys(reads));
    const what = flipBit(join(copy, name), random);
    run.note(what);
    const end = await reads[name]!(new Home(copy), what);
    tally[end === 'read' ? 'flips that changed nothing' : 'flips that were named'] =
      (tally[end === 'read' ? 'flips that changed nothing' : 'flips that were named'] ?? 0) + 1;
    rmSync(copy, { recursive: true });
  }
  return tally;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const shownEntry = ({ number, hash, envelope }: JournalEntry): string => `${number} ${hash} ${hexOf(envelope)}`;

function allOf(path: string): string[] {
  const journal = new Journal(path);
  try {
    return journal.after(0, 1000).map(shownEntry);
  } finally {
    journal.close();
  }
}

/** A store in a folder: whatever file is hurt, a restore brings the right bytes or says what is damaged, and leaves no wrong file. */
async function storeBits(run: Run): Promise<Record<string, number>> {
  const { random } = run;
  const tree = makeSmallTree(join(run.dir, 'tree'), random);
  const store = new FolderStore(run.dir);
  await store.capture([tree]);
  const tally = { flips: 0, 'restores that were refused': 0, 'restores that were whole': 0 };
  for (let round = 0; round < 4; round += 1) {
    const hurt = join(run.dir, `hurt-${round}`);
    cpSync(store.dir, hurt, { recursive: true });
    const files = filesBelow(join(hurt, 'states'));
    for (let flip = 0; flip <= random.integer(3); flip += 1) {
      run.note(flipBit(random.pick(files), random));
      tally.flips += 1;
    }
    const into = join(run.dir, `into-${round}`);
    const whole = await restoreFrom(hurt, into, join(run.dir, `scratch-${round}`));
    tally[whole ? 'restores that were whole' : 'restores that were refused'] += 1;
    const wrong = compareTrees(tree, into).differences.filter((one) => /sha256|bytes instead|leads to/.test(one));
    assert.deepEqual(wrong, [], 'nothing damaged is in its place');
    if (whole) assert.deepEqual(compareTrees(tree, into).differences, []);
    rmSync(hurt, { recursive: true });
    rmSync(into, { recursive: true });
  }
  return tally;
}

async function restoreFrom(dir: string, target: string, scratchDir: string): Promise<boolean> {
  mkdirSync(target, { recursive: true });
  mkdirSync(scratchDir);
  const store = await Store.open(dir, { readOnly: true });
  try {
    const descriptor = (await store.readDescriptor(identity.stateId, 1))!;
    await restoreSnapshot(
      {
        ...{ descriptor, stateKey: identity.stateKey, target, strip: true, restoreId: 'bits', scratchDir },
        expected: { stateId: identity.stateId, source: identity.source, association: undefined },
        source: storeSource(store, identity.stateId),
      },
      on(),
    );
    return true;
  } catch (error) {
    assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
    return false;
  } finally {
    await store.close();
  }
}

/** The stat cache of a source: a hint, whatever becomes of it. */
async function cacheBits(run: Run): Promise<Record<string, number>> {
  const { random } = run;
  const tree = makeSmallTree(join(run.dir, 'tree'), random);
  const store = new FolderStore(run.dir);
  await store.capture([tree]);
  for (let round = 0; round < 2; round += 1) {
    for (let flip = 0; flip < 4; flip += 1) run.note(flipBit(join(run.dir, 'capture-scratch', 'cache.db'), random));
    changeSmallTree(tree, random);
    const snapshot = await store.capture([tree]);
    const into = join(run.dir, `into-${round}`);
    await store.open(async (opened) => {
      const descriptor = (await opened.readDescriptor(identity.stateId, snapshot))!;
      const scratchDir = join(run.dir, `scratch-${round}`);
      mkdirSync(scratchDir);
      await restoreSnapshot(
        {
          ...{ descriptor, stateKey: identity.stateKey, target: into, strip: true, restoreId: 'bits', scratchDir },
          expected: { stateId: identity.stateId, source: identity.source, association: undefined },
          source: storeSource(opened, identity.stateId),
        },
        on(),
      );
    });
    assert.deepEqual(compareTrees(tree, into).differences, []);
  }
  return { 'captures with a damaged stat cache': 2 };
}

/** What a restore keeps for its undo: a plan that is not as it was written is refused before anything is touched. */
async function undoBits(run: Run): Promise<Record<string, number>> {
  const { random } = run;
  const tree = makeSmallTree(join(run.dir, 'tree'), random);
  const store = new FolderStore(run.dir);
  await store.capture([tree]);
  const tally = { 'undos that were refused': 0, 'undos that were right': 0 };
  const target = join(run.dir, 'target');
  const undoDir = join(run.dir, 'home', 'bits');
  const before = makeSmallTree(join(run.dir, 'before'), random);
  writeFileSync(join(before, 'own'), 'what was there');
  cpSync(before, target, { recursive: true, preserveTimestamps: true });
  mkdirSync(undoDir, { recursive: true });
  mkdirSync(join(run.dir, 'scratch'));
  await store.open(async (opened) => {
    const descriptor = (await opened.readDescriptor(identity.stateId, 1))!;
    await restoreSnapshot(
      {
        ...{ descriptor, stateKey: identity.stateKey, target, strip: true, restoreId: 'bits' },
        ...{ scratchDir: join(run.dir, 'scratch'), undoDir, onConflict: 'replace' as const },
        expected: { stateId: identity.stateId, source: identity.source, association: undefined },
        source: storeSource(opened, identity.stateId),
      },
      on(),
    );
  });
  const restored = join(run.dir, 'restored');
  cpSync(target, restored, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  for (let round = 0; round < 5; round += 1) {
    const copy = join(run.dir, 'copy', 'bits');
    rmSync(join(run.dir, 'copy'), { recursive: true, force: true });
    cpSync(undoDir, copy, { recursive: true, verbatimSymlinks: true });
    run.note(flipBit(join(copy, random.pick(['plan', 'restore.json'])), random));
    await assert.rejects(undoRestore({ undoDir: copy }, on()), { code: 'damaged' });
    const differences = compareTrees(restored, target).differences.filter((one) => !/mtime/.test(one));
    assert.deepEqual(
      differences.filter((one) => /sha256|missing|too many/.test(one)),
      [],
      'nothing was touched',
    );
    tally['undos that were refused'] += 1;
  }
  await undoRestore({ undoDir }, on());
  const left = compareTrees(before, target).differences;
  assert.deepEqual(
    left.filter((one) => /sha256|missing|too many|bytes instead/.test(one)),
    [],
  );
  tally['undos that were right'] += 1;
  return tally;
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'home-bits',
    about: 'A bit that flips in HOME is named, and what it lies in is not believed',
    gateRuns: 1,
    run: homeBits,
  },
  { name: 'store-bits', about: 'Bits that flip in a store bring no wrong file', gateRuns: 1, run: storeBits },
  { name: 'cache-bits', about: 'Bits that flip in a stat cache change no snapshot', gateRuns: 1, run: cacheBits },
  {
    name: 'undo-bits',
    about: 'A bit that flips in the plan of a restore stops its undo before it begins',
    gateRuns: 1,
    run: undoBits,
  },
];
