import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { close, createFile, makeFolder, namesIn, openFolder, openFolderAt } from '../../src/state/fs/calls.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { runs } from '../support/long.ts';
import { makeTree, touchExactly, treeOf } from './support/random-tree.ts';
import { captureTree, restoreTree, temporaryFolder } from './support/source-machine.ts';

test('restore(capture(tree)) = tree, and the sealed state stays within the bound of the plan', async (t) => {
  const folder = temporaryFolder(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(treeOf(3), async (nodes) => {
      const home = join(folder, `home${run}`);
      const target = join(folder, `target${run++}`);
      mkdirSync(home);
      makeTree(home, nodes);
      utimesSync(home, 1_000_000, 1_000_000.5);
      const captured = await captureTree(folder, [home]);
      const result = await restoreTree(captured, target);
      const { compared, differences } = compareTrees(home, target);
      assert.deepEqual(differences, []);
      assert.equal(compared.files, result.files);
      assert.equal(compared.folders, result.folders);
      assert.equal(compared.symlinks, result.symlinks);
      assert.equal(compared.hardlinks, result.hardlinks);
      assert.equal(compared.bytes, result.bytes);
      assert.deepEqual(result.withheld, { items: [], count: 0 });
      const sealed = captured.packs.totalBytes + captured.descriptor.length;
      assert.ok(sealed <= captured.plan.upperBoundBytes, `${sealed} > ${captured.plan.upperBoundBytes}`);
      for (const used of [home, target]) rmSync(used, { recursive: true, force: true });
    }),
    { numRuns: runs(7, 60), examples: [[[]]] },
  );
});

test('times keep their nanoseconds, on files, folders and links', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(join(home, 'sub'), { recursive: true });
  writeFileSync(join(home, 'now'), 'x');
  writeFileSync(join(home, 'old'), 'x');
  symlinkSync('now', join(home, 'link'));
  touchExactly(join(home, 'now'), '2024-02-29T12:34:56.123456789Z');
  touchExactly(join(home, 'old'), '1901-12-14T00:00:00.000000001Z');
  touchExactly(join(home, 'link'), '2200-01-01T00:00:00.999999999Z');
  touchExactly(join(home, 'sub'), '1969-12-31T23:59:59.987654321Z');
  await restoreTree(await captureTree(folder, [home]), join(folder, 'target'));
  assert.deepEqual(compareTrees(home, join(folder, 'target')).differences, []);
});

test('a tree deeper than one path can be is restored', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  const name = Buffer.from('d'.repeat(200));
  const depth = 120;
  const descend = (from: string, step: (folder: number) => void) => {
    let fd = openFolderAt(Buffer.from(from));
    for (let level = 0; level < depth; level++) {
      step(fd);
      const inner = openFolder(fd, name);
      close(fd);
      fd = inner;
    }
    return fd;
  };
  const deepest = descend(home, (fd) => makeFolder(fd, name));
  close(createFile(deepest, Buffer.from('file')));
  close(deepest);
  const target = join(folder, 'target');
  const captured = await captureTree(folder, [home]);
  assert.equal(captured.result.totals.folders, depth + 1);
  await restoreTree(captured, target);
  const restored = descend(target, (fd) => assert.deepEqual(namesIn(fd), [name]));
  assert.deepEqual(namesIn(restored), [Buffer.from('file')]);
  close(restored);
});

test('several paths keep their place beneath the target, and one inside another is taken once', async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['a/x', 'a/y', 'b']) mkdirSync(join(folder, 'home', name), { recursive: true });
  writeFileSync(join(folder, 'home/a/x/f'), 'one');
  writeFileSync(join(folder, 'home/b/g'), 'two');
  writeFileSync(join(folder, 'home/single'), 'three');
  writeFileSync(join(folder, 'home/left'), 'not captured');
  linkSync(join(folder, 'home/b/g'), join(folder, 'home/a/linked'));
  const paths = ['a', 'a/x', 'b', 'single', 'b'].map((name) => join(folder, 'home', name));
  const captured = await captureTree(folder, paths);
  assert.deepEqual(captured.result.totals, { files: 3, folders: 4, symlinks: 0, hardlinks: 1, specials: 0, bytes: 11 });
  const target = join(folder, 'target');
  await assert.rejects(restoreTree(captured, target), { code: 'usage' });
  await restoreTree(captured, target, { strip: false });
  const restored = join(target, folder, 'home');
  assert.deepEqual(readdirSync(restored).sort(), ['a', 'b', 'single']);
  for (const name of ['a', 'b']) {
    assert.deepEqual(compareTrees(join(folder, 'home', name), join(restored, name)).differences, []);
  }
});

test('a single captured file is stripped to its name', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'only'), 'content');
  await restoreTree(await captureTree(folder, [join(folder, 'only')]), join(folder, 'target'));
  assert.deepEqual(readdirSync(join(folder, 'target')), ['only']);
});
