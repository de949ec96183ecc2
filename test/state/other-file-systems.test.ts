import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { undoRestore } from '../../src/state/restore/index.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { ExfatDisk, mountTmpfs, noExfat, noTmpfs, remount, unmount } from '../support/disks.ts';
import { captureTree, on, restoreTree } from './support/source-machine.ts';

const all = (path: string): string[] => readdirSync(path, { recursive: true }).map(String).sort();
const read = (path: string) => readFileSync(path, 'utf8');

/** A folder in which the test may mount something; unmounted before it goes. */
function mountableFolder(t: { after(end: () => Promise<void>): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-state-'));
  t.after(async () => {
    for (const end of toEnd.splice(0)) await end();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** What is to be unmounted when the test ends. */
const toEnd: (() => Promise<void> | void)[] = [];

test('a file system that is mounted beneath the target gets its files, and an undo reaches it', {
  skip: noTmpfs,
}, async (t) => {
  const temporary = mountableFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'mnt/inner'), { recursive: true });
  writeFileSync(join(home, 'a'), 'captured');
  linkSync(join(home, 'a'), join(home, 'mnt/linked'));
  writeFileSync(join(home, 'mnt/replaced'), 'captured');
  writeFileSync(join(home, 'mnt/inner/new'), 'captured');
  writeFileSync(join(home, 'mnt/gone'), 'captured');
  symlinkSync('new', join(home, 'mnt/inner/link'));
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mountTmpfs(join(target, 'mnt'), 10_000_000);
  toEnd.push(() => unmount(join(target, 'mnt')));
  writeFileSync(join(target, 'mnt/replaced'), 'mine');
  mkdirSync(join(target, 'mnt/gone'));
  writeFileSync(join(target, 'mnt/gone/kept'), 'mine');
  const before = join(temporary, 'before');
  execFileSync('cp', ['-a', target, before]);
  const undoDir = join(temporary, 'undo/m');
  const options = { onConflict: 'replace', undoDir, restoreId: 'm' } as const;
  const result = await restoreTree(captured, target, options);
  assert.equal(result.conflicts.replaced, 2);
  assert.deepEqual(result.withheld.items, [
    { path: 'mnt/linked', reason: 'restored as a copy: the target takes no hard link there' },
  ]);
  const { differences } = compareTrees(home, target);
  assert.deepEqual(differences.sort(), ['./mnt/.resettle-undo-m is too many', './mnt/linked is linked to other names']);
  const { kept } = await undoRestore({ undoDir }, on());
  assert.deepEqual(kept.items, []);
  assert.deepEqual(compareTrees(before, target).differences, []);
});

test('a full or read-only target stops the restore, which goes on when there is room', { skip: noTmpfs }, async (t) => {
  const temporary = mountableFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(home);
  for (let index = 0; index < 8; index++) writeFileSync(join(home, `${index}`), Buffer.alloc(500_000, index));
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mountTmpfs(target, 2_500_000);
  toEnd.push(() => unmount(target));
  await assert.rejects(restoreTree(captured, target), (error: Error & { hint?: string; cause?: { code?: string } }) => {
    assert.match(error.message, /no space left/);
    assert.match(error.hint ?? '', /again/);
    assert.equal(error.cause?.code, 'ENOSPC');
    return true;
  });
  remount(target, 'ro');
  await assert.rejects(restoreTree(captured, target), /read-only/);
  remount(target, 'rw,size=20000000');
  const result = await restoreTree(captured, target);
  assert.equal(result.resumed, true);
  assert.deepEqual(compareTrees(home, target).differences, []);
});

test('onto exFAT everything comes that it can hold, and each kind of loss is listed', { skip: noExfat }, async (t) => {
  const temporary = mountableFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'folder'), { recursive: true });
  writeFileSync(join(home, 'folder/a'), 'a');
  linkSync(join(home, 'folder/a'), join(home, 'folder/b'));
  symlinkSync('a', join(home, 'folder/link'));
  execFileSync('mkfifo', [join(home, 'fifo')]);
  writeFileSync(join(home, 'Case'), 'upper');
  writeFileSync(join(home, 'case'), 'lower');
  writeFileSync(join(home, 'what?'), 'a name that it refuses');
  writeFileSync(join(home, 'private'), 'x');
  chmodSync(join(home, 'private'), 0o600);
  const LONG_AGO_S = 1_600_000_000;
  for (const name of ['folder/a', 'Case', 'case', 'private']) utimesSync(join(home, name), LONG_AGO_S, LONG_AGO_S);
  const captured = await captureTree(temporary, [home]);
  const disk = new ExfatDisk(temporary, 64_000_000);
  toEnd.push(() => disk.remove());
  await disk.plugIn();
  const target = join(disk.dir, 'target');
  const undoDir = join(temporary, 'undo/x');
  const result = await restoreTree(captured, target, { undoDir, restoreId: 'x' });
  const { items } = result.withheld;
  const reasonFor = (path: string) => items.filter((item) => item.path === path).map(({ reason }) => reason);
  assert.equal(read(join(target, 'folder/a')), 'a');
  assert.equal(read(join(target, 'folder/b')), 'a');
  assert.match(reasonFor('folder/b').join(), /as a copy/);
  assert.match(reasonFor('folder/link').join(), /not restored, a symbolic link/);
  assert.match(reasonFor('fifo').join(), /not restored/);
  assert.match(reasonFor('what?').join(), /not restored/);
  assert.match(reasonFor('.').join(), /keeps no modes/);
  assert.match(reasonFor('.').join(), /nanosecond/);
  assert.deepEqual([read(join(target, 'Case')), read(join(target, 'case (laptop 2023-11-14)'))], ['upper', 'lower']);
  assert.deepEqual([result.files, result.hardlinks, result.symlinks, result.specials], [4, 1, 0, 0]);
  for (const name of ['folder/a', 'folder/b', 'Case', 'case (laptop 2023-11-14)', 'private']) {
    const { mtimeMs } = statSync(join(target, name));
    assert.ok(Math.abs(mtimeMs - LONG_AGO_S * 1000) <= 2000, `${name}: ${new Date(mtimeMs).toISOString()}`);
  }
  const before = all(target);
  const again = await restoreTree(captured, target);
  assert.deepEqual(all(target), before, 'a second restore finds everything there');
  assert.equal(again.files, 4);
  const { kept } = await undoRestore({ undoDir }, on());
  assert.deepEqual(kept.items, []);
  assert.equal(existsSync(target), false);
  assert.ok(statSync(disk.dir).isDirectory());
});
