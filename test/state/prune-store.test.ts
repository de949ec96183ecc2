import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { Store, storeSource } from '../../src/state/store/index.ts';
import { pruneState, type Retention, verifyState } from '../../src/state/tools/index.ts';
import { keptSnapshots } from '../../src/state/tools/prune-state.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { bytesBelow } from '../support/trees.ts';
import { FolderStore } from './support/folder-store.ts';
import { identity, on, restoreTree, temporaryFolder } from './support/source-machine.ts';

const { stateId, stateKey } = identity;
const DAY = 86_400_000;
const now = 1_800_000_000_000;

interface Test {
  after(end: () => void): void;
}

/** Four snapshots of a home in which one file stays and one is new each time; they are 40, 30, 20 and 10 days old. */
async function fourSnapshots(t: Test): Promise<{ store: FolderStore; home: string }> {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'stays'), randomBytes(30_000));
  const store = new FolderStore(folder);
  for (let number = 1; number <= 4; number++) {
    writeFileSync(join(home, `new ${number}`), randomBytes(10_000));
    rmSync(join(home, `new ${number - 1}`), { force: true });
    await store.capture([home]);
    const writtenS = (now - (5 - number) * 10 * DAY) / 1000;
    utimesSync(store.descriptorFile(number), writtenS, writtenS);
  }
  return { store, home };
}

const prune = (store: FolderStore, retention: Retention, dryRun = false) =>
  store.open(
    async (opened) => {
      const [held] = await opened.states();
      return pruneState(opened, held!, { retention, now, dryRun });
    },
    { readOnly: dryRun },
  );

async function assertWhole(store: FolderStore): Promise<void> {
  const damages: unknown[] = [];
  const result = await store.open(async (opened) => {
    const [held] = await opened.states();
    return verifyState(opened, held!, stateKey, { ...on(), onDamage: (damage) => damages.push(damage) });
  });
  assert.deepEqual(damages, []);
  assert.equal(result.unreferencedPacks, 0);
}

const present = (store: FolderStore): number[] => [1, 2, 3, 4].filter((n) => existsSync(store.descriptorFile(n)));

test('what is kept is whole and can be restored, what is dropped is gone, and the bytes are told', async (t) => {
  const { store, home } = await fourSnapshots(t);
  const used = bytesBelow(store.dir);
  const planned = await prune(store, { last: 1 }, true);
  assert.equal(bytesBelow(store.dir), used, 'a dry run drops nothing');
  const result = await prune(store, { last: 1 });
  assert.deepEqual(result, planned);
  assert.deepEqual([result.kept, result.dropped], [[4], [1, 2, 3]]);
  assert.deepEqual(present(store), [4]);
  assert.equal(used - bytesBelow(store.dir), result.freedBytes);
  assert.deepEqual(
    store
      .packFiles()
      .map((path) => basename(path))
      .sort(),
    (await store.packsOf(4)).sort(),
  );
  await assertWhole(store);
  const into = join(temporaryFolder(t), 'into');
  await store.open((opened) =>
    restoreTree({ descriptor: readFileSync(store.descriptorFile(4)), packs: storeSource(opened, stateId) }, into),
  );
  assert.deepEqual(compareTrees(home, into).differences, []);
  const again = await prune(store, { last: 1 });
  assert.deepEqual([again.dropped, again.freedBytes], [[], 0]);
});

test('retention by age goes by the time of the descriptor’s file; either option keeps, the newest always stays', async (t) => {
  const { store } = await fourSnapshots(t);
  assert.deepEqual((await prune(store, { withinMs: DAY }, true)).kept, [4]);
  assert.deepEqual((await prune(store, { withinMs: 25 * DAY }, true)).kept, [3, 4]);
  assert.deepEqual((await prune(store, { withinMs: 25 * DAY, last: 3 }, true)).kept, [2, 3, 4]);
  assert.deepEqual((await prune(store, { withinMs: 35 * DAY, last: 1 }, true)).kept, [2, 3, 4]);
  assert.deepEqual((await prune(store, {}, true)).kept, [1, 2, 3, 4]);
  utimesSync(store.descriptorFile(1), (now + DAY) / 1000, (now + DAY) / 1000);
  const future = await prune(store, { withinMs: DAY }, true);
  assert.deepEqual([future.kept, future.ofTheFuture], [[1, 4], [1]]);
});

test('a snapshot is kept exactly where an option keeps it or it is the newest', () => {
  const files = fc
    .uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 10 })
    .chain((numbers) =>
      fc.tuple(
        ...numbers
          .sort((a, b) => a - b)
          .map((snapshot) => fc.nat(100).map((age) => ({ snapshot, sizeBytes: 1, writtenAtMs: now - age * DAY }))),
      ),
    );
  const wish = fc.record({
    last: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    withinMs: fc.option(
      fc.nat(100).map((days) => days * DAY),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(files, wish, (all, retention) => {
      const kept = keptSnapshots(all, retention, now);
      all.forEach((one, index) => {
        const back = all.length - index;
        const { last, withinMs } = retention;
        const stays =
          (last === undefined && withinMs === undefined) ||
          back === 1 ||
          (last !== undefined && back <= last) ||
          (withinMs !== undefined && now - one.writtenAtMs <= withinMs);
        assert.equal(kept.has(one.snapshot), stays);
      });
    }),
  );
});

test('without options only packs that nothing refers to go, and nothing else', async (t) => {
  const { store } = await fourSnapshots(t);
  rmSync(store.descriptorFile(2));
  const [pack] = store.packFiles();
  writeFileSync(`${pack}.part`, 'not ours');
  const others = store.packFiles().length;
  const result = await prune(store, {});
  assert.deepEqual([result.dropped, result.kept], [[], [1, 3, 4]]);
  assert.ok(result.droppedPacks > 0);
  assert.equal(store.packFiles().length, others - result.droppedPacks);
  assert.ok(existsSync(`${pack}.part`), 'what is no pack stays');
  await assertWhole(store);
});

test('a descriptor that cannot be read keeps everything: it might refer to any pack', async (t) => {
  const { store } = await fourSnapshots(t);
  const good = readFileSync(store.descriptorFile(1));
  for (const harm of [good.subarray(0, 100), Buffer.alloc(0), readFileSync(store.descriptorFile(2))]) {
    writeFileSync(store.descriptorFile(1), harm);
    const used = bytesBelow(store.dir);
    await assert.rejects(prune(store, { last: 1 }), { code: 'damaged', message: /snapshot 1 of state/ });
    await assert.rejects(prune(store, {}), { code: 'damaged' });
    assert.equal(bytesBelow(store.dir), used);
  }
});

test('a store that somebody has open is not pruned', async (t) => {
  const { store } = await fourSnapshots(t);
  const owner = await Store.open(store.dir);
  t.after(() => owner.close());
  await assert.rejects(prune(store, { last: 1 }), { code: 'failed', message: /in use/ });
  assert.deepEqual((await prune(store, { last: 1 }, true)).dropped, [1, 2, 3], 'a dry run only reads');
  assert.deepEqual(present(store), [1, 2, 3, 4]);
  assert.ok(statSync(store.descriptorFile(1)).size > 0);
});
