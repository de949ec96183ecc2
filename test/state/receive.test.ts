import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { DirectAsk } from '../../src/common/ports.ts';
import { EncodedEntries } from '../../src/state/format/entry-set.ts';
import { undoRestore } from '../../src/state/restore/index.ts';
import { makeAllKinds } from '../cli/support/all-kinds.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { makeBulk, makeHome } from '../support/trees.ts';
import { LocalAsker, planOf, receive } from './support/direct-move.ts';
import { makeTree, touchExactly, treeOf } from './support/random-tree.ts';
import { temporaryFolder } from './support/source-machine.ts';

const exactTime = (ns: bigint): string => `@${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;

const same = (a: string, b: string) => assert.deepEqual(compareTrees(a, b).differences, []);

/** About 40 MB that do not compress: files of one piece, of many, and links. */
function makeBulkyHome(folder: string): string {
  const home = join(folder, 'home');
  makeBulk(join(home, 'large'), 24, 3);
  makeBulk(join(home, 'medium'), 12, 40);
  makeHome(home);
  linkSync(join(home, 'large/bulk-1'), join(home, 'again'));
  utimesSync(join(home, 'large'), 1e9, 1e9);
  return home;
}

test('every kind of item arrives as it was', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeAllKinds(join(folder, 'home'));
  const sending = await planOf(t, home);
  const asker = new LocalAsker(sending);
  const result = await receive(sending, asker, join(folder, 'target'), { allowPrivileged: true });
  same(home, join(folder, 'target'));
  assert.equal(result.files, sending.plan.files);
  assert.equal(result.bytes, sending.plan.bytes);
  assert.deepEqual(result.withheld.items, []);
  assert.deepEqual(
    asker.asks.map(({ what }) => what),
    ['plan', 'content'],
  );
  assert.deepEqual(
    readdirSync(join(folder, 'target')).filter((name) => name.startsWith('.resettle')),
    [],
  );
});

test('any tree arrives as it was', async (t) => {
  await fc.assert(
    fc.asyncProperty(treeOf(3), async (tree) => {
      const folder = temporaryFolder(t);
      const home = join(folder, 'home');
      mkdirSync(home);
      makeTree(home, tree);
      const sending = await planOf(t, home);
      await receive(sending, new LocalAsker(sending), join(folder, 'target'), { allowPrivileged: true });
      same(home, join(folder, 'target'));
      await sending.close();
      rmSync(folder, { recursive: true, force: true });
    }),
    { numRuns: 15 },
  );
});

test('a stream that breaks off is gone on with; hardly anything comes twice', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  const sending = await planOf(t, home);
  const straight = new LocalAsker(sending);
  await receive(sending, straight, join(folder, 'straight'));
  let breaks = 0;
  const asker = new LocalAsker(sending, {
    beforePack: (taken) => {
      if (taken < 2 * (breaks + 1)) return true;
      breaks += 1;
      return breaks > 4;
    },
  });
  const result = await receive(sending, asker, join(folder, 'target'));
  same(home, join(folder, 'target'));
  assert.equal(breaks >= 4, true);
  assert.equal(result.resumed, false);
  // At each break a segment that was being gathered, and the block that was begun.
  assert.ok(asker.bytes < straight.bytes + 4 * 2.2e6, `${asker.bytes} instead of ${straight.bytes}`);
});

for (const dies of [1, 3, 6]) {
  test(`a receiver that is ended after ${dies} packs is gone on with by another process`, async (t) => {
    const folder = temporaryFolder(t);
    const home = makeBulkyHome(folder);
    const target = join(folder, 'target');
    const sending = await planOf(t, home);
    const straight = new LocalAsker(sending);
    await receive(sending, straight, join(folder, 'straight'));
    const abort = new AbortController();
    const first = new LocalAsker(sending, {
      beforePack: async (taken) => {
        if (taken === dies) abort.abort(new Error('killed'));
        return true;
      },
    });
    await assert.rejects(receive(sending, first, target, { signal: abort.signal }));
    const second = new LocalAsker(sending);
    const result = await receive(sending, second, target);
    same(home, target);
    assert.equal(result.resumed, true);
    assert.equal(result.files, sending.plan.files);
    assert.equal(result.bytes, sending.plan.bytes);
    assert.ok(second.bytes < straight.bytes - (dies - 1) * 3.5e6, `${second.bytes} of ${straight.bytes} after ${dies}`);
  });
}

test('what was damaged in place meanwhile is asked for again', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  const abort = new AbortController();
  const asker = new LocalAsker(sending, {
    beforePack: (taken) => {
      if (taken === 8) abort.abort(new Error('killed'));
      return true;
    },
  });
  await assert.rejects(receive(sending, asker, target, { signal: abort.signal }));
  const whole = readdirSync(join(target, 'large'));
  assert.ok(whole.length > 0);
  // As a power cut can leave it: the size and the time are right, the content is not.
  const victim = join(target, 'large', whole[0]!);
  const { mtimeNs } = statSync(victim, { bigint: true });
  const bytes = readFileSync(victim);
  bytes.fill(0, 1_000_000, 3_000_000);
  writeFileSync(victim, bytes);
  touchExactly(victim, exactTime(mtimeNs));
  await receive(sending, new LocalAsker(sending), target);
  same(home, target);
});

test('files that change, vanish or grow after the plan arrive as they are when they are read', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  appendFileSync(join(home, 'large/bulk-0'), randomBytes(2_500_000));
  appendFileSync(join(home, 'run.sh'), 'echo more\n');
  truncateSync(join(home, 'medium/bulk-3'), 17);
  rmSync(join(home, 'medium/bulk-4'));
  rmSync(join(home, 'medium/bulk-5'));
  mkdirSync(join(home, 'medium/bulk-5'));
  writeFileSync(join(home, 'marker.txt'), '');
  const result = await receive(sending, new LocalAsker(sending), target);
  rmSync(join(home, 'medium/bulk-5'), { recursive: true });
  const { differences } = compareTrees(home, target);
  assert.deepEqual(
    // The folder itself is as it was planned.
    differences.filter((line) => !line.startsWith('./medium has mtime')),
    [],
  );
  assert.deepEqual(result.withheld.items.map(({ path }) => path).sort(), ['medium/bulk-4', 'medium/bulk-5']);
  assert.equal(result.files, sending.plan.files - 2);
  assert.ok(!existsSync(join(target, 'medium/bulk-4')));
});

test('what is there already is compared by its hashes and not sent', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  const target = join(folder, 'target');
  const first = await planOf(t, home);
  await receive(first, new LocalAsker(first), target);
  // The same size and time, another content: only its hash tells.
  const changed = join(home, 'medium/bulk-7');
  const { mtimeNs, size } = statSync(changed, { bigint: true });
  writeFileSync(changed, randomBytes(Number(size)));
  touchExactly(changed, exactTime(mtimeNs));
  const again = await planOf(t, home);
  const asker = new LocalAsker(again);
  const undoDir = join(folder, 'again');
  const result = await receive(again, asker, target, { onConflict: 'replace', restoreId: 'again', undoDir });
  same(home, target);
  assert.deepEqual(
    asker.asks.map(({ what }) => what),
    ['plan', 'compare', 'content'],
  );
  assert.ok(asker.bytes < 2 * Number(size), `${asker.bytes} bytes for a file of ${size}`);
  assert.equal(result.conflicts.replaced, 1);
});

test('other files of the same names are kept, and undo puts all back as it was', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  const target = join(folder, 'target');
  makeHome(target, 'other');
  writeFileSync(join(target, 'run.sh'), '#!/bin/sh\necho mine\n');
  const before = join(folder, 'before');
  const planBefore = await planOf(t, target);
  await receive(planBefore, new LocalAsker(planBefore), before);
  same(target, before);
  const restoreId = 'to-be-undone';
  const undoDir = join(folder, restoreId);
  const sending = await planOf(t, home);
  // What is read is not what was planned: undo knows it again all the same.
  appendFileSync(join(home, 'marker.txt'), 'more');
  appendFileSync(join(home, 'large/bulk-1'), 'more, and it has another name');
  const result = await receive(sending, new LocalAsker(sending), target, { restoreId, undoDir });
  assert.ok(result.conflicts.keptBoth >= 1);
  assert.equal(readFileSync(join(target, 'run.sh'), 'utf8'), '#!/bin/sh\necho mine\n');
  const undone = await undoRestore({ undoDir }, { onProgress() {}, signal: new AbortController().signal });
  assert.deepEqual(undone.kept.items, []);
  same(before, target);
});

test('a dry run tells what would happen and changes nothing', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeHome(join(folder, 'home'));
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  const asker = new LocalAsker(sending);
  const result = await receive(sending, asker, target, { dryRun: true, scratchDir: folder });
  assert.equal(result.files, sending.plan.files);
  assert.ok(!existsSync(target));
  assert.deepEqual(
    asker.asks.map(({ what }) => what),
    ['plan'],
  );
});

test('packs that are damaged on their way, and plans of another key, end it; nothing half is in place', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  const flips = new LocalAsker(sending, {
    onWay: (bytes, { what }) => {
      if (what === 'content') bytes[bytes.length >> 1]! ^= 1;
    },
  });
  await assert.rejects(receive(sending, flips, target), { code: 'damaged' });
  const flipsPlan = new LocalAsker(sending, { onWay: (bytes) => (bytes[bytes.length - 1]! ^= 1) });
  await assert.rejects(receive(sending, flipsPlan, join(folder, 'other')), { code: 'damaged' });
  await assert.rejects(receive(sending, new LocalAsker(sending), target, { stateKey: randomBytes(32) }), {
    code: /damaged|refused/,
  });
  await receive(sending, new LocalAsker(sending), target);
  same(home, target);
});

test('only files are asked for, each once', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeAllKinds(join(folder, 'home'));
  const sending = await planOf(t, home);
  const asker = new LocalAsker(sending);
  await receive(sending, asker, join(folder, 'target'));
  const content = asker.asks.filter(({ what }): boolean => what === 'content') as DirectAsk[];
  assert.equal(content.length, 1);
  const asked = new EncodedEntries(content[0]!.entries);
  let count = 0;
  for (let entry = 0; entry < 100_000; entry++) count += asked.has(entry) ? 1 : 0;
  assert.equal(count, sending.plan.files);
});

test('a large file is in its place when it has come, not when all have', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  // Their ends would all fit into one segment.
  for (const name of ['a', 'b', 'c']) writeFileSync(join(home, name), randomBytes(10 * 1024 * 1024 + 7));
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  const placed: string[][] = [];
  const asker = new LocalAsker(sending, {
    beforePack: () => {
      placed.push(readdirSync(target).filter((name) => !name.startsWith('.')));
      return true;
    },
  });
  await receive(sending, asker, target);
  same(home, target);
  // One pack may still be in use.
  assert.ok(placed.at(-1)!.length >= 1, placed.map(String).join(' | '));
});

test('bytes of an unfinished file that are not those that came are asked for again', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'one'), randomBytes(30_000_000));
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  const abort = new AbortController();
  const asker = new LocalAsker(sending, {
    beforePack: (taken) => {
      if (taken === 4) abort.abort(new Error('killed'));
      return true;
    },
  });
  await assert.rejects(receive(sending, asker, target, { signal: abort.signal }));
  const journal = readdirSync(target).find((name) => name.startsWith('.resettle-restore-'))!;
  const tmp = join(target, journal, 'tmp');
  const [unfinished] = readdirSync(tmp);
  const bytes = readFileSync(join(tmp, unfinished!));
  bytes.fill(0, 1_000_000, 2_000_000);
  writeFileSync(join(tmp, unfinished!), bytes);
  await receive(sending, new LocalAsker(sending), target);
  same(home, target);
});

test('setuid is withheld and listed', async (t) => {
  const folder = temporaryFolder(t);
  const home = makeBulkyHome(folder);
  chmodSync(join(home, 'run.sh'), 0o4755);
  const target = join(folder, 'target');
  const sending = await planOf(t, home);
  const result = await receive(sending, new LocalAsker(sending), target);
  assert.deepEqual(result.withheld.items, [{ path: 'run.sh', reason: 'restored without setuid' }]);
  assert.equal(statSync(join(target, 'run.sh')).mode & 0o7777, 0o755);
});

test('a plan of which a pack is missing is refused', async (t) => {
  const folder = temporaryFolder(t);
  const sending = await planOf(t, makeHome(join(folder, 'home')));
  const silent = { ask: async () => true };
  await assert.rejects(receive(sending, silent, join(folder, 'target')), {
    code: 'damaged',
    message: /fewer packs/,
  });
});
