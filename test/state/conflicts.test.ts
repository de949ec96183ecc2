import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { conflictLabel, conflictName } from '../../src/state/restore/conflict-name.ts';
import type { ConflictPolicy, RestoreItem } from '../../src/state/restore/index.ts';
import { restoreSnapshot } from '../../src/state/restore/index.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { type Captured, captureTree, identity, restoreTree, temporaryFolder } from './support/source-machine.ts';

const LABEL = ' (laptop 2023-11-14)';
const read = (path: string) => readFileSync(path, 'utf8');
const all = (path: string): string[] => readdirSync(path, { recursive: true }).map(String).sort();

/** A captured home, and a target in which something stands in the way of nearly everything. */
async function scene(temporary: string): Promise<{ captured: Captured; home: string; target: string }> {
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'both/inner'), { recursive: true });
  mkdirSync(join(home, 'folder-here'));
  writeFileSync(join(home, 'folder-here/x'), 'captured x');
  writeFileSync(join(home, 'both/inner/deep'), 'captured deep');
  writeFileSync(join(home, 'both/same'), 'the same');
  writeFileSync(join(home, 'both/retimed'), 'the same too');
  writeFileSync(join(home, 'both/thesis.odt'), 'captured thesis');
  writeFileSync(join(home, 'file-here'), 'captured file');
  writeFileSync(join(home, 'new'), 'captured new');
  symlinkSync('captured', join(home, 'link'));
  symlinkSync('same', join(home, 'same-link'));
  for (const name of ['both/same', 'both/thesis.odt', 'both/inner/deep', 'file-here', 'folder-here', 'both/retimed']) {
    utimesSync(join(home, name), 1e9, 1e9);
  }
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mkdirSync(join(target, 'both/inner'), { recursive: true });
  mkdirSync(join(target, 'file-here'));
  writeFileSync(join(target, 'file-here/y'), 'my y');
  writeFileSync(join(target, 'both/inner/deep'), 'my deep');
  writeFileSync(join(target, 'both/same'), 'the same');
  writeFileSync(join(target, 'both/retimed'), 'the same too');
  writeFileSync(join(target, 'both/thesis.odt'), 'my thesis');
  writeFileSync(join(target, 'folder-here'), 'my file');
  writeFileSync(join(target, 'mine'), 'mine');
  symlinkSync('mine', join(target, 'link'));
  symlinkSync('same', join(target, 'same-link'));
  utimesSync(join(target, 'both/same'), 1e9, 1e9);
  // Older than what was captured, and younger.
  utimesSync(join(target, 'both/thesis.odt'), 5e8, 5e8);
  utimesSync(join(target, 'both/inner/deep'), 15e8, 15e8);
  return { captured, home, target };
}

test('keep-both: what is there keeps its name, and the restored one gets another', async (t) => {
  const { captured, target } = await scene(temporaryFolder(t));
  const inode = lstatSync(join(target, 'both/same')).ino;
  const result = await restoreTree(captured, target);
  assert.equal(read(join(target, 'both/thesis.odt')), 'my thesis');
  assert.equal(read(join(target, `both/thesis${LABEL}.odt`)), 'captured thesis');
  assert.equal(read(join(target, 'both/inner/deep')), 'my deep');
  assert.equal(read(join(target, `both/inner/deep${LABEL}`)), 'captured deep');
  assert.equal(read(join(target, 'folder-here')), 'my file');
  assert.equal(read(join(target, `folder-here${LABEL}/x`)), 'captured x');
  assert.equal(read(join(target, 'file-here/y')), 'my y');
  assert.equal(read(join(target, `file-here${LABEL}`)), 'captured file');
  assert.equal(readlinkSync(join(target, 'link')), 'mine');
  assert.equal(readlinkSync(join(target, `link${LABEL}`)), 'captured');
  assert.equal(read(join(target, 'mine')), 'mine');
  assert.equal(read(join(target, 'new')), 'captured new');
  assert.equal(lstatSync(join(target, 'both/same')).ino, inode, 'what is as captured is not touched');
  assert.equal(statSync(join(target, 'both/retimed')).mtimeMs, 1e12, 'the same content gets the captured time');
  assert.deepEqual(result.conflicts, { keptBoth: 5, skipped: 0, replaced: 2 });
  assert.equal(result.conflictItems.count, 7);
  assert.deepEqual(result.conflictItems.items.map(({ path }) => path).sort(), [
    'both/inner/deep',
    'both/retimed',
    'both/thesis.odt',
    'file-here',
    'folder-here',
    'link',
    'same-link',
  ]);
});

test('keep-both a second time finds what the first one left, and puts no name on top of another', async (t) => {
  const { captured, target } = await scene(temporaryFolder(t));
  await restoreTree(captured, target);
  const before = all(target);
  const { conflicts } = await restoreTree(captured, target);
  assert.deepEqual(conflicts, { keptBoth: 0, skipped: 0, replaced: 0 });
  assert.deepEqual(all(target), before);
  writeFileSync(join(target, `both/thesis${LABEL}.odt`), 'mine too');
  await restoreTree(captured, target);
  const thesis = readdirSync(join(target, 'both')).filter((name) => name.startsWith('thesis'));
  assert.deepEqual(thesis.sort(), [`thesis${LABEL.slice(0, -1)} 2).odt`, `thesis${LABEL}.odt`, 'thesis.odt'].sort());
});

test('skip: what is there stays, and the others come', async (t) => {
  const { captured, target } = await scene(temporaryFolder(t));
  utimesSync(join(target, 'both'), 7e8, 7e8);
  const before = all(target);
  const result = await restoreTree(captured, target, { onConflict: 'skip' });
  assert.deepEqual(all(target), [...before, 'new'].sort());
  assert.equal(read(join(target, 'both/thesis.odt')), 'my thesis');
  assert.equal(statSync(join(target, 'both')).mtimeMs, 7e11);
  // The folder that was not restored, and what lies in it.
  assert.deepEqual(result.conflicts, { keptBoth: 0, skipped: 6, replaced: 0 });
});

test('replace: what is there becomes a pre-image, whole folders too', async (t) => {
  const { captured, home, target } = await scene(temporaryFolder(t));
  const result = await restoreTree(captured, target, { onConflict: 'replace' });
  const hidden = join(target, '.resettle-undo-test');
  const kept = readdirSync(hidden).map((name) => join(hidden, name));
  assert.equal(kept.length, 7);
  assert.ok(kept.some((path) => lstatSync(path).isFile() && read(path) === 'my thesis'));
  assert.ok(kept.some((path) => existsSync(join(path, 'y')) && read(join(path, 'y')) === 'my y'));
  assert.deepEqual(result.conflicts, { keptBoth: 0, skipped: 0, replaced: 7 });
  assert.deepEqual(compareTrees(home, target).differences.sort(), [
    './.resettle-undo-test is too many',
    './mine is too many',
  ]);
});

test('newer: the captured one comes where it is the younger', async (t) => {
  const { captured, target } = await scene(temporaryFolder(t));
  await restoreTree(captured, target, { onConflict: 'newer' });
  assert.equal(read(join(target, 'both/thesis.odt')), 'captured thesis');
  assert.equal(read(join(target, 'both/inner/deep')), 'my deep');
  assert.ok(!all(target).some((name) => name.includes('laptop')));
});

test('a restore over its own result changes nothing', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'sub'), { recursive: true });
  writeFileSync(join(home, 'sub/a'), 'a'.repeat(3_000_000));
  writeFileSync(join(home, 'empty'), '');
  linkSync(join(home, 'sub/a'), join(home, 'sub/b'));
  symlinkSync('a', join(home, 'sub/c'));
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  await restoreTree(captured, target);
  const inodes = () => all(target).map((name) => `${name} ${lstatSync(join(target, name)).ino}`);
  const before = inodes();
  captured.packs.asked.length = 0;
  for (const onConflict of ['keep-both', 'skip', 'replace', 'newer'] as const) {
    const result = await restoreTree(captured, target, { onConflict });
    assert.deepEqual(result.conflicts, { keptBoth: 0, skipped: 0, replaced: 0 }, onConflict);
    assert.equal(result.hardlinks, 1);
    assert.deepEqual(inodes(), before);
  }
  assert.deepEqual(compareTrees(home, target).differences, []);
  assert.equal(captured.packs.asked.length, 4, 'only the manifest is fetched');
});

test('files that nobody touched since /etc/skel are replaced', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  const root = join(temporary, 'root');
  mkdirSync(join(root, 'etc/skel/.config'), { recursive: true });
  writeFileSync(join(root, 'etc/skel/.bashrc'), 'skeleton');
  writeFileSync(join(root, 'etc/skel/.config/user-dirs'), 'skeleton of dirs');
  mkdirSync(join(home, 'ann/.config'), { recursive: true });
  mkdirSync(join(home, 'bob'));
  for (const name of ['ann/.bashrc', 'bob/.bashrc', 'ann/.config/user-dirs'])
    writeFileSync(join(home, name), 'captured');
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mkdirSync(join(target, 'ann/.config'), { recursive: true });
  mkdirSync(join(target, 'bob'));
  writeFileSync(join(target, 'ann/.bashrc'), 'skeleton');
  writeFileSync(join(target, 'ann/.config/user-dirs'), 'skeleton of dirs');
  writeFileSync(join(target, 'bob/.bashrc'), 'skeleton, and mine');
  const { conflicts } = await restoreTree(captured, target, { root });
  assert.deepEqual(conflicts, { keptBoth: 1, skipped: 0, replaced: 2 });
  assert.equal(read(join(target, 'ann/.bashrc')), 'captured');
  assert.equal(read(join(target, 'bob/.bashrc')), 'skeleton, and mine');
});

test('skipping a file does not lose its other names', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'a'), 'captured');
  linkSync(join(home, 'a'), join(home, 'b'));
  linkSync(join(home, 'a'), join(home, 'c'));
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mkdirSync(target);
  writeFileSync(join(target, 'a'), 'mine');
  const result = await restoreTree(captured, target, { onConflict: 'skip' });
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => read(join(target, name))),
    ['mine', 'captured', 'captured'],
  );
  assert.equal(statSync(join(target, 'b')).ino, statSync(join(target, 'c')).ino);
  assert.deepEqual(result.conflicts, { keptBoth: 0, skipped: 1, replaced: 0 });
});

test('what appears while a restore runs is not overwritten', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'sub'), { recursive: true });
  for (const name of ['a', 'sub/b']) writeFileSync(join(home, name), 'captured');
  symlinkSync('a', join(home, 'link'));
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  const source = {
    async get(...all: Parameters<typeof captured.packs.get>) {
      // By now it was decided, and the folders are made.
      if (existsSync(join(target, 'sub')))
        for (const name of ['a', 'sub/b', 'link']) writeFileSync(join(target, name), 'mine');
      await captured.packs.get(...all);
    },
  };
  const { conflicts } = await restoreTree({ ...captured, packs: source }, target);
  assert.deepEqual(
    ['a', 'sub/b', 'link'].map((name) => read(join(target, name))),
    ['mine', 'mine', 'mine'],
  );
  assert.deepEqual(
    [`a${LABEL}`, `sub/b${LABEL}`].map((name) => read(join(target, name))),
    ['captured', 'captured'],
  );
  assert.equal(readlinkSync(join(target, `link${LABEL}`)), 'a');
  assert.equal(conflicts.keptBoth, 3);
});

test('a file that has something where the captured one has a hole is another one', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  const target = join(temporary, 'target');
  for (const folder of [home, target]) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'sparse'), 'data');
    truncateSync(join(folder, 'sparse'), 3_000_000);
  }
  const captured = await captureTree(temporary, [home]);
  const changed = openSync(join(target, 'sparse'), 'r+');
  writeSync(changed, 'mine', 2_500_000);
  closeSync(changed);
  const { conflicts } = await restoreTree(captured, target);
  assert.deepEqual(conflicts, { keptBoth: 1, skipped: 0, replaced: 0 });
});

test('only what is asked for is restored, other names of files too; what is not there is said', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'a/deep'), { recursive: true });
  mkdirSync(join(home, 'b'));
  writeFileSync(join(home, 'a/first'), 'linked');
  linkSync(join(home, 'a/first'), join(home, 'b/second'));
  writeFileSync(join(home, 'a/deep/x'), 'x');
  writeFileSync(join(home, 'b/y'), 'y');
  const captured = await captureTree(temporary, [home]);
  const names = (path: string) =>
    join(home, path)
      .slice(1)
      .split('/')
      .map((name) => Buffer.from(name));
  const target = join(temporary, 'target');
  await assert.rejects(restoreTree(captured, target, { only: [names('a/none')] }), { code: 'not-found' });
  assert.equal(existsSync(target), false);
  const result = await restoreTree(captured, target, { only: [names('b/second'), names('a/deep')] });
  assert.deepEqual(all(target), ['a', 'a/deep', 'a/deep/x', 'b', 'b/second']);
  assert.equal(read(join(target, 'b/second')), 'linked');
  assert.equal(statSync(join(target, 'b/second')).nlink, 1);
  assert.deepEqual([result.files, result.hardlinks, result.folders], [1, 1, 1]);
});

test('where nobody named a path himself, what the capture left out of it stops no restore', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'x'), 'x');
  const captured = await captureTree(temporary, [home]);
  const names = (path: string) =>
    path
      .slice(1)
      .split('/')
      .map((name) => Buffer.from(name));
  const only = [names(home), names('/var/lib/fprint')];
  const target = join(temporary, 'target');
  await assert.rejects(restoreTree(captured, target, { only }), { code: 'not-found' });
  await restoreTree(captured, target, { only, mayLack: true });
  assert.deepEqual(compareTrees(home, target).differences, []);
});

test('a dry run tells everything and changes nothing', async (t) => {
  const temporary = temporaryFolder(t);
  const { captured, target } = await scene(temporary);
  mkdirSync(join(temporary, 'scratch'));
  const before = all(temporary);
  const mtime = statSync(target, { bigint: true }).mtimeNs;
  const dry = async (onConflict: ConflictPolicy, into: string) => {
    const items: RestoreItem[] = [];
    const options = {
      descriptor: captured.descriptor,
      stateKey: identity.stateKey,
      expected: { stateId: identity.stateId, source: identity.source, association: undefined },
      target: into,
      strip: true,
      source: captured.packs,
      restoreId: 'dry',
      dryRun: true,
      scratchDir: join(temporary, 'scratch'),
      onConflict,
    };
    const onItem = (item: RestoreItem) => items.push(item);
    const result = await restoreSnapshot(options, { onProgress() {}, onItem, signal: new AbortController().signal });
    return { result, items };
  };
  const { result, items } = await dry('keep-both', target);
  assert.deepEqual(result.conflicts, { keptBoth: 5, skipped: 0, replaced: 2 });
  const actions = Object.fromEntries(items.map(({ path, action }) => [path, action]));
  assert.deepEqual(actions, {
    both: 'merge',
    'both/inner': 'merge',
    [`both/inner/deep${LABEL}`]: 'keep-both',
    'both/retimed': 'replace',
    'both/same': 'identical',
    [`both/thesis${LABEL}.odt`]: 'keep-both',
    [`file-here${LABEL}`]: 'keep-both',
    [`folder-here${LABEL}`]: 'keep-both',
    [`folder-here${LABEL}/x`]: 'create',
    [`link${LABEL}`]: 'keep-both',
    new: 'create',
    'same-link': 'replace',
  });
  const fresh = await dry('keep-both', join(temporary, 'nowhere'));
  assert.ok(fresh.items.every(({ action }) => action === 'create'));
  assert.equal(fresh.result.files, captured.result.totals.files);
  assert.deepEqual(all(temporary), before);
  assert.equal(statSync(target, { bigint: true }).mtimeNs, mtime);
});

test('other names are safe: short enough, cut between characters, without what a machine’s name must not bring', () => {
  const name = (text: string, attempt = 1) => conflictName(Buffer.from(text), 'pc 2024-01-02', attempt, false);
  assert.equal(name('a.odt').toString(), 'a (pc 2024-01-02).odt');
  assert.equal(name('.bashrc').toString(), '.bashrc (pc 2024-01-02)');
  assert.equal(name('a.tar.gz', 3).toString(), 'a.tar (pc 2024-01-02 3).gz');
  assert.equal(name('v1.2 of a long sentence').toString(), 'v1.2 of a long sentence (pc 2024-01-02)');
  const long = name(`${'東'.repeat(84)}.odt`);
  assert.ok(long.length <= 255 && long.length > 250);
  assert.equal(Buffer.from(long.toString()).equals(long), true);
  assert.equal(conflictName(Buffer.from('a.b'), 'pc', 1, true).toString(), 'a.b (pc)');
  assert.equal(conflictLabel('../../etc\n\u0000x', 0n), '..-..-etc--x 1970-01-01');
  assert.equal(conflictLabel('', 0n), 'restored 1970-01-01');
  assert.equal(conflictLabel('é'.repeat(100), 0n), `${'é'.repeat(32)} 1970-01-01`);
});
