import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { exampleScene } from './support/example.ts';
import { items } from './support/fake-areas.ts';
import { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

test('what was planned is done, and nothing else', async (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  const { paths } = scene.plan().plan;
  const result = await scene.restore();
  assert.deepEqual(result, {
    applied: ['network', 'environment', 'services'],
    failed: [],
    wasWrong: [],
    notWoken: [],
    isLinkLost: false,
  });
  const after = treeOf(scene.root);
  // The folder that things came to and went from has another time.
  assert.deepEqual(
    differingPaths(before, after).filter((path) => path !== '/etc'),
    paths,
  );
  assert.deepEqual(paths.slice(0, 4), ['/etc/folder', '/etc/gone', '/etc/gone-link', '/etc/hosts']);
  assert.equal(readFileSync(join(scene.root, 'etc/hosts'), 'utf8'), 'newest hosts\n');
  const mode = (path: string) => (lstatSync(join(scene.root, path)).mode & 0o7777).toString(8);
  assert.deepEqual(
    ['etc/made', 'etc/made/setuid', 'etc/mode', 'etc/new/deep', 'etc/new/deep/file', 'etc/hosts'].map(mode),
    ['750', '4755', '4711', '755', '600', '600'],
  );
  assert.equal(lstatSync(join(scene.root, 'etc/new/deep/file')).uid, 9);
  const attributes = execFileSync('getfattr', ['-d', join(scene.root, 'etc/hosts')], { encoding: 'utf8' });
  assert.match(attributes, /user.note="kept"/);
  const outcome = readAreasOutcome(scene.undoDir)!;
  assert.equal(outcome.status, 'applied');
  assert.equal(outcome.items.length, 12);
  assert.equal(JSON.stringify(outcome).includes('newest'), false);
  assert.equal(existsSync(join(scene.undoDir, 'areas/staged')), false);
  assert.equal(lstatSync(join(scene.undoDir, 'areas')).mode & 0o777, 0o700);
  assert.equal(existsSync(join(scene.undoDir, 'areas/documents/network.json')), true);
});

test('an undo brings everything back: contents, owners, modes, times, ACLs, of folders too', async (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  await scene.restore();
  const result = takeBackLocked(scene.parts, scene.undoDir, PHASES);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  assert.equal(result.kept.count, 0);
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'undone');
  const again = takeBackLocked(scene.parts, scene.undoDir, PHASES);
  assert.deepEqual([again.removed, again.putBack], [0, 0]);
  assert.equal(existsSync(join(scene.undoDir, 'areas/before')), false);
});

test('the part after files is undone by itself, then the part before', async (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  await scene.restore();
  takeBackLocked(scene.parts, scene.undoDir, ['after']);
  assert.equal(readFileSync(join(scene.root, 'etc/hosts'), 'utf8'), 'newer hosts\n');
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'applied');
  takeBackLocked(scene.parts, scene.undoDir, ['before']);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
});

test('what somebody changed since stays, what was there before lies beside it, and both are told', async (t) => {
  const scene = exampleScene(t);
  await scene.restore();
  const at = (path: string) => join(scene.root, path);
  writeFileSync(at('etc/hosts'), 'a person was here\n');
  writeFileSync(at('etc/made/more'), 'more\n');
  writeFileSync(at('etc/new/deep/file'), 'changed\n');
  execFileSync('chmod', ['0700', at('etc/folder')]);
  const { kept } = takeBackLocked(scene.parts, scene.undoDir, PHASES);
  assert.equal(readFileSync(at('etc/hosts'), 'utf8'), 'a person was here\n');
  const told = kept.items.map(({ path }) => path).sort();
  assert.deepEqual(told, ['/etc/folder', '/etc/hosts', '/etc/made', '/etc/new', '/etc/new/deep', '/etc/new/deep/file']);
  const beside = kept.items.find(({ path, reason }) => path === '/etc/hosts' && reason.includes('beside'));
  const name = / is (\S+~) beside/.exec(beside!.reason)![1]!;
  assert.match(name, /^hosts\.before-\d{4}-\d\d-\d\d~$/);
  assert.equal(readFileSync(at(`etc/${name}`), 'utf8'), 'old hosts\n');
  assert.equal(lstatSync(at(`etc/${name}`)).mode & 0o7777, 0o640);
});

test('a change since the plan was made stops the run before anything is done', async (t) => {
  for (const spoil of [
    (root: string) => writeFileSync(join(root, 'etc/hosts'), 'other\n'),
    (root: string) => execFileSync('chmod', ['0600', join(root, 'etc/hosts')]),
    (root: string) => utimesSync(join(root, 'etc/gone'), 5, 5),
    (root: string) => writeFileSync(join(root, 'etc/other-link'), ''),
    (root: string) => execFileSync('chmod', ['0700', join(root, 'etc')]),
    (root: string) => execFileSync('setfattr', ['-n', 'user.note', '-v', 'x', join(root, 'etc/hosts')]),
    (root: string) => {
      execFileSync('mv', [join(root, 'etc'), join(root, 'etc2')]);
      symlinkSync('etc2', join(root, 'etc'));
    },
  ]) {
    const scene = exampleScene(t);
    const transaction = scene.plan();
    spoil(scene.root);
    const before = treeOf(scene.root);
    assert.throws(() => transaction.begin(scene.undoDir), { code: 'failed', hint: 'plan again' });
    assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
    assert.equal(readAreasOutcome(scene.undoDir), undefined);
    transaction.close();
  }
});

test('a change between two steps stops the run, everything goes back, and the changed thing stays as it is', async (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  const onPoint = (point: string) => {
    if (point === 'after: intent') writeFileSync(join(scene.root, 'etc/other-link'), 'somebody\n');
  };
  const message = '/etc/other-link was changed since the plan was made';
  await assert.rejects(scene.restore({ onPoint }), { message });
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), ['/etc/other-link']);
  assert.equal(readFileSync(join(scene.root, 'etc/other-link'), 'utf8'), 'somebody\n');
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'rolled-back');
  execFileSync('rm', [join(scene.root, 'etc/other-link')]);
  assert.deepEqual((await scene.restore()).applied, ['network', 'environment', 'services']);
});

test('what files of the same restore bring is no reason to stop, and comes back at an undo', async (t) => {
  const documents = {
    accounts: items({ kind: 'folder', path: '/home/ann', mode: 0o700, uid: 1000 }),
    display: items(
      { kind: 'file', path: '/home/ann/.config/monitors.xml', text: 'new\n', uid: 1000 },
      { kind: 'metadata', path: '/home/ann/x', mode: 0o600, uid: 1000 },
    ),
  };
  const files = { '/home/': '', '/home/ann/x': 'x' };
  const scene = new Scene(t, { files, documents, roots: ['/home/ann'] });
  const transaction = scene.plan();
  transaction.begin(scene.undoDir);
  transaction.applyBefore();
  execFileSync('sh', ['-c', 'mkdir -m 750 .config; echo captured >.config/monitors.xml; echo y >>x'], {
    cwd: join(scene.root, 'home/ann'),
  });
  const between = treeOf(scene.root);
  await transaction.applyAfter();
  assert.equal(readFileSync(join(scene.root, 'home/ann/.config/monitors.xml'), 'utf8'), 'new\n');
  assert.equal(readFileSync(join(scene.root, 'home/ann/x'), 'utf8'), 'xy\n');
  transaction.close();
  takeBackLocked(scene.parts, scene.undoDir, ['after']);
  assert.deepEqual(differingPaths(between, treeOf(scene.root)), []);
});

test('a folder of a restore is used once', async (t) => {
  const scene = exampleScene(t);
  await scene.restore();
  const transaction = scene.plan();
  assert.throws(() => transaction.begin(scene.undoDir), /is of another restore/);
  transaction.close();
});
