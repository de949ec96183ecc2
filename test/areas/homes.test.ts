import assert from 'node:assert/strict';
import { chmodSync, chownSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { mountOf, mountsOf } from '../../src/state/areas/base/mounts.ts';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import type { System } from '../../src/state/areas/base/system.ts';
import { homesArea } from '../../src/state/areas/homes/index.ts';
import type { HomesContent } from '../../src/state/areas/homes/schema.ts';
import { ABOUT, capture, machineWith, planFor, type TestFile, verdicts } from './support/machine.ts';

const PASSWD = [
  'root:x:0:0::/root:/bin/sh',
  'www-data:x:33:33::/var/www:/bin/sh',
  'ann:x:1000:1000::/home/ann:/bin/sh',
  'bob:x:1001:1001::/home/bob:/bin/sh',
  'nohome:x:1002:1002::/nonexistent:/bin/sh',
  'evil:x:1003:1003::/etc:/bin/sh',
  'gone:x:1004:1004::/home/gone:/bin/sh',
  'nobody:x:65534:65534::/nonexistent:/bin/sh',
  '',
].join('\n');

function machine(t: TestContext, more: Record<string, TestFile> = {}) {
  return machineWith(t, {
    '/etc/passwd': PASSWD,
    '/etc/group': 'ann:x:1000:\nbob:x:1001:\n',
    '/home/ann/': { mode: 0o700, uid: 1000, gid: 1000 },
    '/home/bob/': { mode: 0o755, uid: 1001, gid: 1001 },
    '/home/gone': { content: '' },
    '/var/mail/ann': { content: 'From bob\n', mode: 0o660, uid: 1000, gid: 8 },
    '/var/mail/bob': '',
    ...more,
  });
}

const plainly = (system: System): System =>
  new Proxy(system, {
    get: (target, key) => {
      if (key === 'asRoot') return false;
      const value = target[key as keyof System];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

test('homes of people and their unread mail are taken, and what cannot be is named', (t) => {
  const { content, roots, couldNot } = capture(homesArea, machine(t));
  assert.deepEqual(roots, [
    { path: '/home/ann', isPersonal: true },
    { path: '/var/mail/ann', isPersonal: true },
    { path: '/home/bob', isPersonal: true },
  ]);
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    ['home of evil', 'home of gone'],
  );
  assert.deepEqual((content as HomesContent).homes[0], {
    username: 'ann',
    directory: '/home/ann',
    uid: 1000,
    gid: 1000,
    mode: 0o700,
    entries: 0,
    mail: '/var/mail/ann',
  });
});

test('on the source itself every item is the same', (t) => {
  const there = machine(t);
  const items = verdicts(homesArea.check(capture(homesArea, there).content, there, ABOUT));
  assert.deepEqual(items, { 'home:ann': 'same', 'mail:ann': 'same', 'home:bob': 'same' });
});

test('only those who are asked for are taken, and a plain user takes his own only', (t) => {
  const there = machine(t);
  assert.deepEqual(capture(homesArea, there, ['bob']).roots, [{ path: '/home/bob', isPersonal: true }]);
  // The tests run as root, whose home is nobody's here.
  const own = homesArea.capture(plainly(there), { nowMs: 0 });
  assert.deepEqual([own?.roots, own?.content], [[], { homes: [] }]);
  assert.deepEqual(own?.couldNot, [
    { what: 'homes of ann, bob, gone', why: 'this user cannot read them; capture as root to carry them' },
  ]);
});

test('a home on a server stays there, and one behind a link is taken where it lies', (t) => {
  const there = machine(t, {
    '/etc/fstab': '# homes\nserver:/home /home/bob nfs4 defaults 0 0\nUUID=1 /data ext4 defaults 0 2\n',
    '/data/ann/': { mode: 0o700, uid: 1000, gid: 1000 },
  });
  rmSync(join(there.root, 'home/ann'), { recursive: true });
  symlinkSync('/data/ann', join(there.root, 'home/ann'));
  const { content, roots, couldNot } = capture(homesArea, there, ['ann', 'bob']);
  assert.deepEqual(
    roots?.map(({ path }) => path),
    ['/home/ann', '/data/ann', '/var/mail/ann'],
  );
  assert.match(couldNot[0]?.why ?? '', /server:\/home \(nfs4\)/u);
  const [ann, bob] = (content as HomesContent).homes;
  assert.deepEqual([ann?.link, ann?.mount?.path, bob?.mount?.type], ['/data/ann', '/data', 'nfs4']);
  const items = verdicts(homesArea.check(content, there, ABOUT));
  assert.deepEqual([items['home:ann'], items['home:bob']], ['same', 'same']);
  assert.equal(planFor(homesArea, content, there).find(({ id }) => id === 'home:bob')?.action, 'ask');
});

test('a home of somebody whom only a directory knows is named', (t) => {
  const there = machine(t, { '/home/ldap-dora/': { uid: 1_482_400_123 }, '/home/lost+found/': {} });
  assert.ok(capture(homesArea, there).couldNot.some(({ what }) => what === '/home/ldap-dora'));
  assert.ok(!capture(homesArea, there).couldNot.some(({ what }) => what === '/home/lost+found'));
});

test('an encrypted home that is closed is named', (t) => {
  const there = machine(t, { '/home/.ecryptfs/ann/.Private/': {} });
  assert.match(capture(homesArea, there, ['ann']).couldNot[0]?.why ?? '', /encrypted and not open/u);
});

test('the plan says what happens to each home, and changes nothing by itself', (t) => {
  const { content } = capture(homesArea, machine(t));
  const target = machineWith(t, {
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n',
    '/home/bob/': { uid: 1001, gid: 1001 },
  });
  const items = planFor(homesArea, content, target, { allowPrivileged: false });
  assert.deepEqual(
    items.map(({ id, action, changes }) => [id, action, changes.length]),
    [
      ['home:ann', 'add', 0],
      ['mail:ann', 'add', 0],
      ['home:bob', 'merge', 0],
    ],
  );
});

test('a home is withheld where its user is missing, another’s folder lies there, or root is needed', (t) => {
  const { content } = capture(homesArea, machine(t), ['ann']);
  const detail = (target: System) => {
    const [item] = planFor(homesArea, content, target);
    assert.equal(item?.action, 'withhold');
    return item.detail;
  };
  assert.match(detail(machineWith(t, { '/etc/passwd': '' })), /no user ann here/u);
  assert.match(
    detail(machineWith(t, { '/etc/passwd': PASSWD, '/home/ann/': { uid: 1001 } })),
    /belongs to the id 1001/u,
  );
  assert.match(detail(machineWith(t, { '/etc/passwd': PASSWD, '/home/ann': { link: '/etc' } })), /no folder here/u);
  assert.match(detail(machineWith(t, { '/etc/passwd': 'ann:x:0:0::/home/ann:/bin/sh\n' })), /root’s here/u);
  assert.match(detail(plainly(machineWith(t, { '/etc/passwd': PASSWD }))), /needs root/u);
});

test('a plain user’s own home goes on', (t) => {
  const { content } = capture(homesArea, machine(t), ['ann']);
  const me = process.geteuid?.() ?? 0;
  const uid = me === 0 ? 1000 : me;
  const geteuid = process.geteuid;
  t.after(() => Object.assign(process, { geteuid }));
  Object.assign(process, { geteuid: () => uid });
  const target = plainly(
    machineWith(t, { '/etc/passwd': `ann:x:${uid}:1000::/home/ann:/bin/sh\n`, '/home/ann/': { uid } }),
  );
  assert.equal(planFor(homesArea, content, target)[0]?.action, 'merge');
});

test('what breaks after a restore is seen', (t) => {
  const there = machine(t);
  const { content } = capture(homesArea, there, ['ann']);
  const breaks: [string, (root: string) => void][] = [
    ['home:ann', (root) => rmSync(join(root, 'home/ann'), { recursive: true })],
    ['home:ann', (root) => chownSync(join(root, 'home/ann'), 1001, 1000)],
    ['home:ann', (root) => chownSync(join(root, 'home/ann'), 1000, 1001)],
    ['home:ann', (root) => chmodSync(join(root, 'home/ann'), 0o777)],
    ['home:ann', (root) => writeFileSync(join(root, 'etc/passwd'), PASSWD.replace(':/home/ann:', ':/home/other:'))],
    ['home:ann', (root) => writeFileSync(join(root, 'etc/passwd'), PASSWD.replace(/^ann:.*\n/mu, ''))],
    ['mail:ann', (root) => rmSync(join(root, 'var/mail/ann'))],
    ['mail:ann', (root) => chownSync(join(root, 'var/mail/ann'), 0, 8)],
  ];
  for (const [id, breakIt] of breaks) {
    const target = machine(t);
    breakIt(target.root);
    const item = homesArea.check(content, target, ABOUT).find((one) => one.id === id);
    assert.equal(item?.verdict, 'failed', id);
    assert.ok(item?.remedy, id);
  }
});

test('another name, id and place are changes that were wished', (t) => {
  const { content } = capture(homesArea, machine(t), ['ann']);
  const target = machineWith(t, {
    '/etc/passwd': 'anna:x:1005:1005::/home/anna:/bin/sh\n',
    '/home/anna/': { mode: 0o700, uid: 1005, gid: 1005 },
    '/var/mail/anna': { uid: 1005 },
  });
  const owners = {
    ...OWNERS_AS_CAPTURED,
    user: () => 'anna',
    uid: () => 1005,
    gid: () => 1005,
    home: (path: string) => `${path}a`,
  };
  const items = verdicts(homesArea.check(content, target, { ...ABOUT, owners }));
  assert.deepEqual(items, { 'home:ann': 'changed', 'mail:ann': 'changed' });
});

test('a forged document names no home outside of where homes are', (t) => {
  const { content } = capture(homesArea, machine(t), ['ann']);
  const [ann] = (content as HomesContent).homes;
  for (const more of [
    { directory: '/etc' },
    { directory: '/' },
    { directory: '/root' },
    { directory: '/home/../etc' },
    { link: '/usr/bin' },
    { mail: '/var/mail/../../etc/shadow' },
    { mail: '/etc/shadow' },
    { username: '../x' },
  ]) {
    assert.equal(homesArea.schema.safeParse({ homes: [{ ...ann, ...more }] }).success, false, JSON.stringify(more));
  }
});

test('mounts are read with their blanks, and the deepest one holds a path', (t) => {
  const there = machineWith(t, {
    '/etc/fstab':
      '/dev/a / ext4 x 0 1\n/dev/b /home ext4 x 0 2\n//s/x /home/my\\040files cifs x 0 0\n# /dev/c /home/ann ext4\nshort line\n',
  });
  const mounts = mountsOf(there);
  assert.equal(mountOf(mounts, '/home/my files/a')?.type, 'cifs');
  assert.equal(mountOf(mounts, '/home/ann')?.device, '/dev/b');
  assert.equal(mountOf(mounts, '/opt'), undefined);
});
