import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { items } from './support/fake-areas.ts';
import { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

test('what has no good place is withheld, with the reason; the rest of the area goes on', async (t) => {
  const scene = new Scene(t, {
    files: {
      '/usr/lib/': '',
      '/lib': { link: 'usr/lib' },
      '/etc/cups': { link: '/srv/cups' },
      '/srv/cups/': '',
      '/etc/folder/': '',
      '/etc/file': '',
      '/etc/last': { link: '/etc/file' },
    },
    documents: {
      services: items(
        { kind: 'file', path: '/lib/x', text: 'x' },
        { kind: 'file', path: '/etc/cups/a/b', text: 'x' },
        { kind: 'file', path: '/etc/folder', text: 'x' },
        { kind: 'link', path: '/etc/folder', target: 'x' },
        { kind: 'remove', path: '/etc/folder' },
        { kind: 'folder', path: '/etc/file' },
        { kind: 'file', path: '/etc/file/below', text: 'x' },
        { kind: 'metadata', path: '/etc/last', mode: 0o600 },
        { kind: 'metadata', path: '/etc/none', mode: 0o600 },
        { kind: 'file', path: '/etc/pipe', text: 'x' },
        { kind: 'file', path: '/etc/last', text: 'replaces the link' },
        { kind: 'link', path: '/etc/planned', target: 'folder' },
        { kind: 'file', path: '/etc/planned/through', text: 'x' },
      ),
    },
  });
  execFileSync('mkfifo', [join(scene.root, 'etc/pipe')]);
  const before = treeOf(scene.root);
  const transaction = scene.plan();
  const withheld = transaction.plan.withheld.map(({ id, detail }) => `${id.slice('path:'.length)}: ${detail}`);
  transaction.close();
  assert.deepEqual(withheld, [
    '/lib/x: /lib is a symbolic link, and nothing is written through one',
    '/etc/cups/a/b: /etc/cups is a symbolic link, and nothing is written through one',
    '/etc/folder: a folder is in the place of /etc/folder',
    '/etc/folder: a folder is in the place of /etc/folder',
    '/etc/folder: a folder is in the place of /etc/folder',
    '/etc/file: something else is where /etc/file would be a folder',
    '/etc/file/below: /etc/file is no folder',
    '/etc/last: /etc/last is no file or folder',
    '/etc/none: /etc/none is no file or folder',
    '/etc/pipe: /etc/pipe is neither a file nor a link',
    '/etc/planned/through: /etc/planned is a symbolic link, and nothing is written through one',
  ]);
  await scene.restore();
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), ['/etc', '/etc/last', '/etc/planned']);
  assert.equal(readFileSync(join(scene.root, 'etc/last'), 'utf8'), 'replaces the link');
});

test('a path that one area makes a file does not become a folder for another, nor a folder a file', async (t) => {
  const scene = new Scene(t, {
    files: { '/etc/link': { link: 'x' } },
    documents: {
      environment: items(
        { kind: 'file', path: '/etc/a', text: 'x' },
        { kind: 'file', path: '/etc/b/c', text: 'x' },
        { kind: 'remove', path: '/etc/link' },
      ),
      hostname: items(
        { kind: 'folder', path: '/etc/a' },
        { kind: 'metadata', path: '/etc/b', mode: 0o711 },
        { kind: 'file', path: '/etc/b', text: 'x' },
        { kind: 'file', path: '/etc/link/c', text: 'x' },
        { kind: 'folder', path: '/etc/b', mode: 0o700 },
      ),
    },
  });
  const before = treeOf(scene.root);
  const transaction = scene.plan();
  transaction.close();
  assert.deepEqual(
    transaction.plan.withheld.map(({ detail }) => detail),
    [
      'something else is where /etc/a would be a folder',
      'a folder is in the place of /etc/b',
      '/etc/link would have to become a folder',
    ],
  );
  assert.deepEqual((await scene.restore()).applied, ['environment', 'hostname']);
  assert.equal(lstatSync(join(scene.root, 'etc/b')).mode & 0o7777, 0o700);
  takeBackLocked(scene.parts, scene.undoDir, PHASES);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
});

test('security and software are planned only where they are asked for', (t) => {
  const documents = { security: items({ kind: 'file', path: '/etc/a', text: 'x' } as const) };
  const unasked = new Scene(t, { documents }).plan();
  assert.deepEqual(
    unasked.plan.items.map(({ id, action }) => `${id} ${action}`),
    ['area:security withhold'],
  );
  assert.deepEqual(unasked.plan.paths, []);
  const asked = new Scene(t, { documents, wish: { asked: ['security'] } }).plan();
  assert.deepEqual(asked.plan.withheld, []);
  assert.deepEqual(asked.plan.paths, ['/etc', '/etc/a']);
  for (const transaction of [unasked, asked]) transaction.close();
});

test('an area that cannot be planned, and one of a later version, are problems; the others go on', (t) => {
  const scene = new Scene(t, {
    documents: {
      network: items({ kind: 'file', path: '/etc/a', text: 'x' }),
      environment: items({ kind: 'file', path: '/etc/b', text: 'x' }),
      services: items({ kind: 'file', path: '/etc/c', text: 'x' }),
      ttys: items({ kind: 'file', path: '/etc/d', text: 'x' }),
    },
    behaviours: { network: { failsToPlan: true } },
    wish: { areas: ['network', 'environment', 'ttys'] },
  });
  const machine = JSON.parse(readFileSync(join(scene.documents, 'machine.json'), 'utf8'));
  machine.areas.find((area: { name: string }) => area.name === 'ttys').version = 9;
  writeFileSync(join(scene.documents, 'machine.json'), JSON.stringify(machine));
  const transaction = scene.plan();
  transaction.close();
  assert.deepEqual(
    transaction.plan.problems.map(({ what, why }) => `${what}: ${why}`),
    [
      'area ttys: it is of a later version of resettle; restore it with that one',
      'area network: it cannot be planned: this plan fails',
    ],
  );
  assert.deepEqual(transaction.plan.paths, ['/etc', '/etc/a', '/etc/b']);
});

test('an immutable file is withheld, with the way to change that', (t) => {
  const scene = new Scene(t, {
    files: { '/etc/hosts': 'old' },
    documents: { network: items({ kind: 'file', path: '/etc/hosts', text: 'x' }) },
  });
  const path = join(scene.root, 'etc/hosts');
  try {
    execFileSync('chattr', ['+i', path], { stdio: 'pipe' });
  } catch {
    t.skip('this file system has no such mark');
    return;
  }
  try {
    const transaction = scene.plan();
    transaction.close();
    assert.match(transaction.plan.withheld[0]!.detail, /marked as immutable; chattr -ia/);
  } finally {
    execFileSync('chattr', ['-i', path]);
  }
});
