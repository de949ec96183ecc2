/** Store folders from somebody else: what lies in them is no pack, no key, no folder, but leads elsewhere or never ends. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/common/clock.ts';
import { ResettleError } from '../../../src/common/errors.ts';
import { Store } from '../../../src/state/store/index.ts';
import { Layout } from '../../../src/state/store/layout.ts';
import { listEntries, openSnapshotFile, pruneState, verifyState } from '../../../src/state/tools/index.ts';
import { file, folder } from '../../state/support/forge.ts';
import { identity } from '../../state/support/source-machine.ts';
import { Forging } from './support/forging.ts';
import { Guard, type Scene } from './support/guard.ts';
import { inScene } from './support/run-state.ts';

const { stateId, stateKey } = identity;

/** The target of the scene becomes a store with one snapshot, as files. */
async function storeIn({ target }: Scene): Promise<Layout> {
  const snapshot = new Forging();
  snapshot.blocks([
    { path: [], entries: [folder('r')] },
    { path: ['r'], entries: [file('a')] },
  ]);
  const layout = new Layout(target);
  for (const path of [layout.tmp, layout.snapshots(stateId), layout.keys(stateId)])
    mkdirSync(path, { recursive: true });
  writeFileSync(layout.marker, JSON.stringify({ format: 1, store: 'ab'.repeat(32) }));
  for (const [id, bytes] of snapshot.packs.packs) {
    mkdirSync(layout.packFolder(stateId, id), { recursive: true });
    writeFileSync(layout.pack(stateId, id), bytes);
  }
  writeFileSync(layout.snapshot(stateId, 1), await snapshot.describe());
  return layout;
}

async function inStore<T>(layout: Layout, readOnly: boolean, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await Store.open(layout.dir, { readOnly });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Drops what a retention of one snapshot drops, as `store prune` does. */
const prune = (layout: Layout) =>
  inStore(layout, false, async (store) => {
    for (const held of await store.states()) {
      await pruneState(store, held, { retention: { last: 1 }, now: systemClock.now(), dryRun: false });
    }
  });

/** What `store verify` finds. */
const verify = (layout: Layout) =>
  inStore(layout, true, async (store) => {
    const reasons: string[] = [];
    const signal = new AbortController().signal;
    for (const held of await store.states()) {
      await verifyState(store, held, stateKey, {
        onDamage: ({ reason }) => reasons.push(reason),
        onProgress() {},
        signal,
      });
    }
    return reasons;
  });

/** A folder of the store is moved out, and a link to a canary's folder is put in its place. */
const LINKS: Readonly<Record<string, (layout: Layout) => string>> = {
  'its folder of unfinished files': (layout) => layout.tmp,
  'its folder of states': (layout) => layout.states,
  'the folder of a state': (layout) => layout.state(stateId),
  'the folder of snapshots': (layout) => layout.snapshots(stateId),
  'the folder of keys': (layout) => layout.keys(stateId),
  'the folder of packs': (layout) => layout.packs(stateId),
  'one folder among those of packs': (layout) => join(layout.packs(stateId), readdirSync(layout.packs(stateId))[0]!),
  'the folder of damaged packs': (layout) => layout.damaged(stateId),
};

for (const [what, pathOf] of Object.entries(LINKS)) {
  test(`hostile store: ${what} is a link to a folder outside, which an owner would empty`, () =>
    inScene(async (scene) => {
      const layout = await storeIn(scene);
      // What an owner drops is named as packs are.
      writeFileSync(join(scene.outside, 'ab'.repeat(32)), 'mine');
      mkdirSync(join(scene.outside, 'ab'));
      writeFileSync(join(scene.outside, 'ab', 'cd'.repeat(32)), 'mine');
      const path = pathOf(layout);
      rmSync(path, { recursive: true, force: true });
      symlinkSync(scene.outside, path);
      const guard = new Guard(scene);
      await assert.rejects(
        prune(layout),
        (error) => error instanceof ResettleError && error.code === 'damaged' && /is a link/.test(error.message),
      );
      guard.check();
    }));
}

test('hostile store: none yet, but a link in place of its folder of unfinished files', () =>
  inScene(async (scene) => {
    mkdirSync(scene.target);
    symlinkSync(scene.outside, join(scene.target, 'tmp'));
    const guard = new Guard(scene);
    await assert.rejects(Store.open(scene.target, { create: true }), { code: 'damaged' });
    guard.check();
  }));

/** Every pack of the state: those of files, and those of manifests, which other code reads. */
const packsOf = (layout: Layout): string[] =>
  readdirSync(layout.packs(stateId)).flatMap((prefix) =>
    readdirSync(join(layout.packs(stateId), prefix)).map((name) => join(layout.packs(stateId), prefix, name)),
  );

/** What stands where a pack should. */
const PACKS: Readonly<Record<string, (path: string, scene: Scene) => void>> = {
  'a FIFO that nobody writes to': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdirSync(path),
  'a link to a file outside': (path, { outside }) => symlinkSync(join(outside, 'folder', 'x'), path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a link to a device that never ends': (path) => symlinkSync('/dev/zero', path),
  'a file of 8 EiB less one, of nothing but a hole': (path) => sparse(path, 2 ** 43),
};

for (const [what, put] of Object.entries(PACKS)) {
  test(`hostile store: where a pack should be is ${what}`, () =>
    inScene(async (scene) => {
      const layout = await storeIn(scene);
      const paths = packsOf(layout);
      assert.ok(paths.length > 1);
      for (const path of paths) {
        renameSync(path, `${path}.whole`);
        put(path, scene);
        assert.ok((await verify(layout)).length > 0, 'it is damage');
        rmSync(path, { recursive: true });
        renameSync(`${path}.whole`, path);
      }
      assert.deepEqual(await verify(layout), [], 'and nothing else was');
    }));
}

/** What stands where a small file should. */
const SMALL: Readonly<Record<string, (path: string) => void>> = {
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a file of 1 GiB': (path) => sparse(path, 2 ** 30),
};

for (const [what, put] of Object.entries(SMALL)) {
  test(`hostile store: its marker is ${what}`, () =>
    inScene(async (scene) => {
      const layout = await storeIn(scene);
      rmSync(layout.marker);
      put(layout.marker);
      await assert.rejects(verify(layout), { code: 'damaged' });
    }));
  test(`hostile store: a descriptor is ${what}`, () =>
    inScene(async (scene) => {
      const layout = await storeIn(scene);
      rmSync(layout.snapshot(stateId, 1));
      put(layout.snapshot(stateId, 1));
      assert.equal((await verify(layout)).length, 1);
      await assert.rejects(prune(layout), { code: 'damaged' });
    }));
}

test('hostile store: a snapshot under the number of another, and one of another state', () =>
  inScene(async (scene) => {
    const layout = await storeIn(scene);
    renameSync(layout.snapshot(stateId, 1), layout.snapshot(stateId, 7));
    assert.deepEqual(await verify(layout), ['it is of snapshot 1']);
    await assert.rejects(prune(layout), { code: 'damaged' });
  }));

test('hostile store: names of packs, keys and snapshots that climb are no names', () =>
  inScene(async (scene) => {
    const layout = await storeIn(scene);
    for (const name of ['..age', 'code.age.age', `${'1'.repeat(30)}`, '01', '-1']) {
      writeFileSync(join(layout.snapshots(stateId), name), 'x');
      writeFileSync(join(layout.keys(stateId), `${name}.age`), 'x');
    }
    const guard = new Guard(scene);
    assert.deepEqual(await verify(layout), []);
    await prune(layout);
    guard.check();
  }));

test('hostile store: a listing of paths that climb or speak to the terminal is escaped, or refused', () =>
  inScene(async (scene) => {
    const layout = await storeIn(scene);
    const snapshot = new Forging();
    snapshot.blocks([
      { path: [], entries: [folder('r')] },
      { path: ['r'], entries: [file('\u001b]0;owned\u0007'), file('a\nb')] },
    ]);
    for (const [id, bytes] of snapshot.packs.packs) {
      mkdirSync(layout.packFolder(stateId, id), { recursive: true });
      writeFileSync(layout.pack(stateId, id), bytes);
    }
    const told: string[] = [];
    const opened = await openSnapshotFile(await snapshot.describe(), stateKey);
    const pathOf = (id: Parameters<Layout['pack']>[1]) => layout.pack(stateId, id);
    await listEntries(
      opened,
      { stateId, stateKey },
      pathOf,
      ({ path }) => told.push(path),
      new AbortController().signal,
    );
    assert.deepEqual(told, ['/r', '/r/\\x1b]0;owned\\x07', '/r/a\\x0ab']);
  }));

function sparse(path: string, bytes: number): void {
  const fd = openSync(path, 'wx');
  ftruncateSync(fd, bytes);
  closeSync(fd);
}
