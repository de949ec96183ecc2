import assert from 'node:assert/strict';
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { usrLocalArea } from '../../src/state/areas/usr-local/index.ts';
import type { UsrLocalContent } from '../../src/state/areas/usr-local/schema.ts';
import { UnownedPlaces } from '../../src/state/areas/usr-local/unowned.ts';
import { ABOUT, capture, machineWith, planFor, verdicts } from './support/machine.ts';

function machine(t: TestContext) {
  return machineWith(t, {
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    '/var/lib/dpkg/info/browser.list':
      '/.\n/opt\n/opt/vendor\n/opt/vendor/browser\n/opt/vendor/browser/run\n/opt/vendor/link\n',
    '/usr/local/bin/tool': { content: '#!/bin/sh\n', mode: 0o755 },
    '/usr/local/lib/python3/': {},
    '/opt/vendor/browser/run': 'x',
    '/opt/vendor/browser/__pycache__/run.pyc': 'x',
    '/opt/vendor/link': { link: '/x' },
    '/opt/vendor/licence.dat': 'x',
    '/opt/lab/bin/measure': 'x',
    '/opt/empty/deep/': {},
    '/srv/empty/': {},
    '/home/local/data/a': 'x',
  });
}

test('only places that no package owns and that hold something are taken', (t) => {
  const { content, roots, couldNot } = capture(usrLocalArea, machine(t));
  assert.deepEqual(couldNot, []);
  assert.deepEqual(
    roots?.map(({ path, isPersonal }) => [path, isPersonal]),
    [
      ['/usr/local', false],
      ['/opt/lab', false],
      ['/opt/vendor/licence.dat', false],
      ['/home/local', false],
    ],
  );
  assert.deepEqual((content as UsrLocalContent).places[0]?.names, ['bin', 'bin/tool', 'lib', 'lib/python3']);
});

test('own authorities are the area security’s: a restore without them lacks nothing of this area', (t) => {
  const there = machineWith(t, { '/usr/local/bin/tool': 'x', '/usr/local/share/ca-certificates/lab.crt': 'x' });
  const { content } = capture(usrLocalArea, there);
  rmSync(join(there.root, 'usr/local/share/ca-certificates'), { recursive: true });
  assert.deepEqual(verdicts(usrLocalArea.check(content, there, ABOUT)), { 'folder:/usr/local': 'same' });
});

test('a machine with nothing there has no such area, and a person called local keeps his home to himself', (t) => {
  const bare = machineWith(t, { '/usr/local/bin/': {}, '/usr/local/share/man/': {} });
  assert.equal(usrLocalArea.capture(bare, { nowMs: 0 }), undefined);
  const local = machineWith(t, { '/etc/passwd': 'local:x:1000:1000::/home/local:/bin/sh\n', '/home/local/a': 'x' });
  assert.equal(usrLocalArea.capture(local, { nowMs: 0 }), undefined);
});

test('on the source itself every item is the same, and what is lost later is seen', (t) => {
  const there = machine(t);
  const { content } = capture(usrLocalArea, there);
  const checked = () => verdicts(usrLocalArea.check(content, there, ABOUT));
  assert.ok(Object.values(checked()).every((verdict) => verdict === 'same'));
  assert.equal(usrLocalArea.check(content, there, ABOUT)[0]?.group, '/usr/local');
  rmSync(join(there.root, 'usr/local/bin/tool'));
  rmSync(join(there.root, 'opt/lab'), { recursive: true });
  writeFileSync(join(there.root, 'opt/lab'), 'a file now');
  rmSync(join(there.root, 'opt/vendor/licence.dat'));
  chownSync(join(there.root, 'home/local'), 1000, 1000);
  assert.deepEqual(checked(), {
    'folder:/usr/local': 'failed',
    'folder:/opt/lab': 'failed',
    'folder:/opt/vendor/licence.dat': 'failed',
    'folder:/home/local': 'person',
  });
  assert.match(usrLocalArea.check(content, there, ABOUT)[0]?.remedy ?? '', /bin\/tool/u);
});

test('all of it is root’s business: only where it is allowed', (t) => {
  const { content } = capture(usrLocalArea, machine(t));
  const target = machineWith(t, { '/usr/local/bin/': {} });
  const actions = (allowPrivileged: boolean) =>
    planFor(usrLocalArea, content, target, { allowPrivileged }).map(({ action, effect, changes }) => [
      action,
      effect,
      changes.length,
    ]);
  assert.deepEqual(actions(false)[0], ['withhold', 'root-file', 0]);
  assert.deepEqual(actions(true).slice(0, 2), [
    ['merge', 'root-file', 0],
    ['add', 'root-file', 0],
  ]);
});

test('a folder with more names than are looked at is taken, and that is known', (t) => {
  const there = machineWith(t, { '/srv/a/': {}, '/srv/b/': {}, '/srv/c/': {}, '/srv/d/': {} });
  const few = new UnownedPlaces(there, 3);
  assert.deepEqual([few.beneath('/srv'), few.isCutShort], [['/srv'], true]);
  const enough = new UnownedPlaces(there, 10);
  assert.deepEqual([enough.beneath('/srv'), enough.isCutShort], [[], false]);
});

test('a forged document names no place elsewhere', () => {
  const place = { kind: 'folder', mode: 0o755, uid: 0, gid: 0, names: [] };
  for (const path of ['/etc', '/usr/localx', '/usr', '/opt/../etc', '/srv/', 'opt', '/home/ann']) {
    assert.equal(usrLocalArea.schema.safeParse({ places: [{ ...place, path }] }).success, false, path);
  }
  assert.equal(usrLocalArea.schema.safeParse({ places: [{ ...place, path: '/usr/local/bin' }] }).success, true);
});
