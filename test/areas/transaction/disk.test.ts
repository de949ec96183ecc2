import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Journal } from '../../../src/state/areas/transaction/journal.ts';
import { readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { mountTmpfs, noTmpfs, remount, unmount } from '../../support/disks.ts';
import { type FakeDocuments, items } from './support/fake-areas.ts';
import { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

const DOCUMENTS: FakeDocuments = {
  network: items(
    { kind: 'file', path: '/etc/hosts', text: 'new\n' },
    { kind: 'file', path: '/etc/deep/new', text: 'new\n' },
  ),
  services: items(
    { kind: 'file', path: '/etc/large', text: 'x'.repeat(300_000) },
    { kind: 'remove', path: '/etc/gone' },
  ),
};

/** A machine whose `/etc` is a small disk of its own. */
function sceneOnDisk(t: TestContext, sizeBytes: number): { scene: Scene; disk: string } {
  const scene = new Scene(t, { documents: DOCUMENTS });
  const disk = join(scene.root, 'etc');
  mkdirSync(disk);
  mountTmpfs(disk, sizeBytes);
  scene.cleanUps.push(() => unmount(disk));
  writeFileSync(join(disk, 'hosts'), 'old\n');
  writeFileSync(join(disk, 'gone'), 'gone\n');
  return { scene, disk };
}

test('a disk that gets full between files and the rest: everything is put back', { skip: noTmpfs }, async (t) => {
  const { scene, disk } = sceneOnDisk(t, 512 * 1024);
  const before = treeOf(scene.root);
  const transaction = scene.plan();
  transaction.begin(scene.undoDir);
  transaction.applyBefore();
  writeFileSync(join(disk, 'filler'), 'x'.repeat(400_000));
  await assert.rejects(transaction.applyAfter(), /cannot change \/etc\/large: no space left/);
  transaction.close();
  rmSync(join(disk, 'filler'));
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), ['/etc']);
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'rolled-back');
});

test('a disk that is read-only stops the run at its first change', { skip: noTmpfs }, (t) => {
  const { scene, disk } = sceneOnDisk(t, 4 * 1024 * 1024);
  const before = treeOf(scene.root);
  const transaction = scene.plan();
  transaction.begin(scene.undoDir);
  remount(disk, 'ro');
  assert.throws(() => transaction.applyBefore(), /cannot change \/etc\/deep: the file system is read-only/);
  transaction.close();
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
});

test('a disk that becomes read-only amid the run: it says that it is between, and the next run puts it back', {
  skip: noTmpfs,
}, async (t) => {
  const { scene, disk } = sceneOnDisk(t, 4 * 1024 * 1024);
  const before = treeOf(scene.root);
  const onPoint = (point: string) => {
    if (point === 'after: intent') remount(disk, 'ro');
  };
  await assert.rejects(
    scene.restore({ onPoint }),
    /read-only; and then \d+ changes of system areas could not be put back/,
  );
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'applying');
  remount(disk, 'rw');
  takeBackLocked(scene.parts, scene.undoDir, 'unfinished');
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'rolled-back');
});

test('a full disk under the journal: nothing is changed, or everything is put back all the same', {
  skip: noTmpfs,
}, async (t) => {
  const scene = new Scene(t, { files: { '/etc/hosts': 'old\n', '/etc/gone': 'gone\n' }, documents: DOCUMENTS });
  const home = join(scene.top, 'home');
  mountTmpfs(home, 128 * 1024);
  scene.cleanUps.push(() => unmount(home));
  const before = treeOf(scene.root);
  await assert.rejects(scene.restore(), /cannot write down in .*: no space left/);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  execFileSync('mount', ['-o', 'remount,size=640k', home]);
  const onPoint = (point: string) => {
    if (point !== 'before: done') return;
    const fill = `cat /dev/zero >"$1/filler" 2>/dev/null; true`;
    execFileSync('sh', ['-c', fill, 'sh', home]);
  };
  await assert.rejects(scene.restore({ onPoint }), /cannot write .*: no space left/);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
});

test('a line of the journal that does not fit leaves no part of itself, and what is noted later can be read', {
  skip: noTmpfs,
}, (t) => {
  const scene = new Scene(t, { files: { '/etc/hosts': 'old\n', '/etc/gone': 'gone\n' }, documents: DOCUMENTS });
  const home = join(scene.top, 'home');
  mountTmpfs(home, 1024 * 1024);
  scene.cleanUps.push(() => unmount(home));
  const transaction = scene.plan();
  transaction.begin(scene.undoDir);
  transaction.close();
  const journal = Journal.open(scene.undoDir)!;
  journal.note({ did: 'stopping', units: ['first.service'] });
  execFileSync('sh', ['-c', 'cat /dev/zero >"$1/filler" 2>/dev/null; true', 'sh', home]);
  const long = Array.from({ length: 2000 }, () => 'some.service');
  assert.throws(() => journal.note({ did: 'stopping', units: long }), /no space left/);
  rmSync(join(home, 'filler'));
  journal.note({ did: 'started', units: ['last.service'] });
  journal.close();
  const again = Journal.open(scene.undoDir)!;
  again.close();
  assert.deepEqual(again.entries, [
    { did: 'stopping', units: ['first.service'] },
    { did: 'started', units: ['last.service'] },
  ]);
});
