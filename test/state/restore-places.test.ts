import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { DOCUMENTS_NAME } from '../../src/state/plan/source-tree.ts';
import { FolderWalk } from '../../src/state/restore/folder-walk.ts';
import type { RestorePlace } from '../../src/state/restore/index.ts';
import { undoRestore } from '../../src/state/restore/index.ts';
import { captureTree, on, restoreTree, temporaryFolder } from './support/source-machine.ts';

const names = (path: string) =>
  path
    .split('/')
    .filter(Boolean)
    .map((name) => Buffer.from(name));
const place = (path: string, more: Omit<RestorePlace, 'path'>): RestorePlace => ({ path: names(path), ...more });

/** A machine in a folder: two homes with what no home may bring, a tool of root's, a mail spool, documents beside it. */
function machine(temporary: string): { root: string; documents: string } {
  const root = join(temporary, 'old');
  const documents = join(temporary, 'scratch');
  for (const home of ['ann', 'bob']) {
    mkdirSync(join(root, 'home', home, 'deep'), { recursive: true });
    writeFileSync(join(root, 'home', home, 'deep/tool'), '#!/bin/sh\n');
    execFileSync('setfacl', ['-m', 'u:1001:rw', join(root, 'home', home, 'deep/tool')]);
    chmodSync(join(root, 'home', home, 'deep/tool'), 0o4755);
    writeFileSync(join(root, 'home', home, 'mine'), home);
    chownSync(join(root, 'home', home, 'mine'), home === 'ann' ? 1000 : 1001, home === 'ann' ? 1000 : 1001);
  }
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/local/bin/tool'), '#!/bin/sh\n');
  chmodSync(join(root, 'usr/local/bin/tool'), 0o4755);
  mkdirSync(join(root, 'var/mail'), { recursive: true });
  writeFileSync(join(root, 'var/mail/ann'), 'a letter');
  chownSync(join(root, 'var/mail/ann'), 1000, 8);
  mkdirSync(join(documents, DOCUMENTS_NAME), { recursive: true });
  writeFileSync(join(documents, DOCUMENTS_NAME, 'machine.json'), '{}');
  return { root, documents };
}

const ROOTS = ['/home/ann', '/home/bob', '/usr/local', '/var/mail/ann', `/${DOCUMENTS_NAME}`];
const PLACES = [
  place('/home/ann', { name: Buffer.from('anna'), personal: { uid: 2000, gid: 2000 } }),
  place('/home/bob', { personal: { uid: 1001, gid: 1001 } }),
  place('/var/mail/ann', { name: Buffer.from('anna'), personal: { uid: 2000, gid: 8 } }),
];
const OWNERS = { users: [[1000, 2000]], groups: [[1000, 2000]] } as const;

test('a machine in a folder is captured as seen inside it, with documents that stand beside it', async (t) => {
  const temporary = temporaryFolder(t);
  const tree = machine(temporary);
  const captured = await captureTree(temporary, ROOTS, { tree });
  const target = join(temporary, 'all');
  await restoreTree(captured, target, { strip: false });
  assert.deepEqual(readdirSync(target).sort(), [DOCUMENTS_NAME, 'home', 'usr', 'var']);
  assert.equal(readFileSync(join(target, DOCUMENTS_NAME, 'machine.json'), 'utf8'), '{}');
  await assert.rejects(captureTree(temporary, ['/home/eve'], { tree }), { code: 'not-found' });
});

test('a link of another machine does not lead into this one', async (t) => {
  const temporary = temporaryFolder(t);
  const tree = machine(temporary);
  symlinkSync('/etc', join(tree.root, 'conf'));
  symlinkSync('/', join(tree.root, 'all'));
  await assert.rejects(captureTree(temporary, ['/conf/passwd'], { tree }), /cannot capture/);
  await assert.rejects(captureTree(temporary, ['/all/etc'], { tree }), /cannot capture/);
});

test('a home goes to its user’s name and number, and brings nothing of root’s whoever asks', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await captureTree(temporary, ROOTS, { tree: machine(temporary) });
  const target = join(temporary, 'new');
  mkdirSync(join(target, 'home/anna'), { recursive: true });
  writeFileSync(join(target, 'home/anna/there'), 'before');
  const only = ROOTS.slice(0, 4).map(names);
  const options = { strip: false, root: target, only, places: PLACES, owners: OWNERS, allowPrivileged: true };
  const undoDir = join(temporary, 'restores/test');
  const result = await restoreTree(captured, target, { ...options, undoDir });
  assert.deepEqual(readdirSync(join(target, 'home')).sort(), ['anna', 'bob']);
  assert.deepEqual(readdirSync(join(target, 'home/anna')).sort(), ['deep', 'mine', 'there']);
  assert.deepEqual(readdirSync(target).sort(), ['home', 'usr', 'var']);
  const of = (path: string) => {
    const { mode, uid, gid } = lstatSync(join(target, path));
    return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
  };
  assert.equal(of('home/anna/mine'), '644 2000:2000');
  assert.equal(of('home/anna/deep'), '755 2000:2000');
  assert.equal(of('home/anna/deep/tool'), '755 2000:2000');
  assert.equal(of('home/bob/deep/tool'), '755 1001:1001');
  assert.equal(of('usr/local/bin/tool'), '4755 0:0');
  assert.equal(of('var/mail/anna'), '644 2000:8');
  const acl = execFileSync('getfacl', ['-n', '-c', '-p', join(target, 'home/anna/deep/tool')], { encoding: 'utf8' });
  assert.match(acl, /^user:1001:rw-/m);
  const told = result.withheld.items.map(({ path, reason }) => `${path}: ${reason}`);
  assert.ok(told.includes('home/anna/deep/tool: restored without setuid'), told.join('\n'));
  assert.ok(
    told.some((line) => line.startsWith('home/bob/deep/tool: it was root’s')),
    told.join('\n'),
  );

  const again = await restoreTree(captured, target, { ...options, restoreId: 'again', dryRun: true });
  assert.deepEqual(again.conflicts, { keptBoth: 0, skipped: 0, replaced: 0 });
  const undone = await undoRestore({ undoDir }, on());
  assert.equal(undone.kept.count, 0);
  assert.deepEqual(readdirSync(join(target, 'home/anna')), ['there']);
  assert.deepEqual(readdirSync(target), ['home']);
});

test('two users who change names with each other both arrive', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await captureTree(temporary, ROOTS.slice(0, 2), { tree: machine(temporary) });
  const target = join(temporary, 'new');
  mkdirSync(target);
  const places = [place('/home/ann', { name: Buffer.from('bob') }), place('/home/bob', { name: Buffer.from('ann') })];
  await restoreTree(captured, target, { strip: false, root: target, only: ROOTS.slice(0, 2).map(names), places });
  assert.equal(readFileSync(join(target, 'home/bob/mine'), 'utf8'), 'ann');
  assert.equal(readFileSync(join(target, 'home/ann/mine'), 'utf8'), 'bob');
});

test('what a place leaves out does not come, with all beneath it, and is listed', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await captureTree(temporary, ROOTS.slice(0, 2), { tree: machine(temporary) });
  const places = [
    place('/home/ann/deep', { leftOut: 'it is in use' }),
    place('/home/bob/mine', { leftOut: 'it is bob’s own' }),
    place('/home/ann', { name: Buffer.from('anna') }),
  ];
  const only = ROOTS.slice(0, 2).map(names);
  for (const dryRun of [true, false]) {
    const target = join(temporary, `target-${dryRun}`);
    mkdirSync(target);
    const options = { strip: false, root: target, only, places, dryRun };
    const { withheld } = await restoreTree(captured, target, { ...options, restoreId: `test-${dryRun}` });
    const told = withheld.items.map(({ path, reason }) => `${path}: ${reason}`);
    assert.ok(told.includes('home/anna/deep: it is in use'), told.join());
    assert.ok(told.includes('home/bob/mine: it is bob’s own'), told.join());
    assert.ok(!told.some((line) => line.startsWith('home/anna/deep/')), told.join());
    if (dryRun) continue;
    assert.deepEqual(readdirSync(join(target, 'home/anna')), ['mine']);
    assert.deepEqual(readdirSync(join(target, 'home/bob')), ['deep']);
  }
});

test('what was asked for beneath a place that is left out is not missed', () => {
  const path = (...names: string[]) => names.map((name) => Buffer.from(name));
  const only = [path('home', 'ann', 'bob'), path('home', 'zoe')];
  const walk = new FolderWalk(undefined, only, [{ path: path('home', 'ann'), leftOut: 'it is another’s' }]);
  walk.enter(undefined, Buffer.alloc(0));
  const { number: home } = walk.enter(0, Buffer.from('home'));
  assert.equal(walk.enter(home, Buffer.from('ann')).isSelected, false);
  assert.throws(() => walk.end(), { code: 'not-found', message: /home\/zoe/ });
  assert.equal(walk.enter(home, Buffer.from('zoe')).isSelected, true);
  walk.end();
});
