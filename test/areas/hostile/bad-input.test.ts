import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ResettleError } from '../../../src/common/errors.ts';
import { AREAS } from '../../../src/state/areas/registry.ts';
import { mountTmpfs, noTmpfs, remount, unmount } from '../../support/disks.ts';
import { capture, machineWith } from '../support/machine.ts';
import { forgeMachine } from './support/forged.ts';
import { planForged } from './support/planned.ts';
import { restoreOnto } from './support/restored.ts';
import { accounts, homeOf, person, personal, TARGET } from './support/target.ts';
import { HOSTILE_AREAS } from './support/wishes.ts';

const ALLOWED = { allowPrivileged: true, identity: 'same' } as const;
const SNAPSHOT = {
  areas: { ...HOSTILE_AREAS, accounts: accounts([person('carl', 1006)]), homes: { homes: [homeOf('carl', 1006)] } },
  roots: [personal('/home/carl')],
  files: { '/home/carl/': { uid: 1006, gid: 1006 }, '/home/carl/file': 'x'.repeat(100_000) },
} as const;

test('a root that is read-only stays as it was, and it is said', { skip: noTmpfs }, async (t) => {
  let root = '';
  try {
    const { error, changed } = await restoreOnto(t, await forgeMachine(t, SNAPSHOT), TARGET, ALLOWED, {
      mount: (at) => {
        root = at;
        mountTmpfs(at, 4 * 1024 * 1024);
      },
      dress: (at) => remount(at, 'ro'),
    });
    assert.ok(error instanceof ResettleError && error.code === 'failed', String(error));
    assert.match(error.message, /^cannot /);
    assert.deepEqual(changed, []);
  } finally {
    unmount(root);
  }
});

test('a root that is full stays as it was, but for what the file engine goes on with', { skip: noTmpfs }, async (t) => {
  let root = '';
  try {
    const { error, changed } = await restoreOnto(t, await forgeMachine(t, SNAPSHOT), TARGET, ALLOWED, {
      mount: (at) => {
        root = at;
        mountTmpfs(at, 1024 * 1024);
      },
      dress: (at) => {
        try {
          for (let count = 0; ; count++) writeFileSync(join(at, `filler-${count}`), Buffer.alloc(4096));
        } catch {
          // It is full now.
        }
      },
    });
    assert.ok(error instanceof ResettleError && error.code === 'no-space', String(error));
    assert.ok(!changed.some((path) => path.startsWith('/etc')), changed.join(' '));
  } finally {
    unmount(root);
  }
});

/** Machines that are no Debian: each area says what it cannot do, and none throws. */
const OTHERS: readonly (readonly [what: string, files: Parameters<typeof machineWith>[1]])[] = [
  ['an empty root', {}],
  [
    'a root without os-release and dpkg',
    { '/etc/passwd': TARGET['/etc/passwd']!, '/etc/group': 'root:x:0:\n', '/etc/shadow': 'root:*:1::::::\n' },
  ],
  [
    'a musl root with busybox',
    {
      '/etc/os-release': 'ID=alpine\nVERSION_ID=3.20\n',
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nann:x:1000:1000::/home/ann:/bin/ash\n',
      '/etc/group': 'root:x:0:root\nwheel:x:10:root,ann\nann:x:1000:\n',
      '/etc/shadow': 'root:::0:::::\nann:!:1::::::\n',
      '/bin/busybox': '',
      '/bin/ash': { link: '/bin/busybox' },
      '/lib/ld-musl-x86_64.so.1': '',
      '/lib/apk/db/installed': '',
      '/etc/crontabs/root': '* * * * * id\n',
      '/var/spool/cron/crontabs': { link: '/etc/crontabs' },
      '/etc/inittab': 'tty1::respawn:/sbin/getty 38400 tty1\n',
    },
  ],
  [
    'a root of which files are folders, and folders files',
    Object.fromEntries(
      ['os-release', 'passwd', 'group', 'shadow', 'hosts', 'hostname', 'fstab', 'environment', 'crontab'].map(
        (name) => [`/etc/${name}/x`, ''],
      ),
    ),
  ],
  [
    'a root of which folders are files',
    {
      '/etc/cron.d': '',
      '/etc/systemd': '',
      '/etc/NetworkManager': '',
      '/etc/cups': '',
      '/var/lib': '',
      '/home': '',
      '/etc/apt': '',
    },
  ],
  [
    'a root of bytes that are no text',
    Object.fromEntries(
      [
        'os-release',
        'passwd',
        'group',
        'shadow',
        'hosts',
        'hostname',
        'fstab',
        'environment',
        'crontab',
        'locale.gen',
        'shells',
        'cups/printers.conf',
        'netplan/x.yaml',
      ].map((name) => [`/etc/${name}`, Buffer.from([0xff, 0xfe, 0, 10, 13, 0x80, 58, 58])]),
    ),
  ],
  [
    'a root of links in a circle',
    Object.fromEntries(
      ['passwd', 'group', 'hosts', 'os-release', 'fstab', 'cron.d', 'systemd'].map((name) => [
        `/etc/${name}`,
        { link: name },
      ]),
    ),
  ],
];

for (const [what, files] of OTHERS) {
  test(`${what} is captured as far as it goes, without a throw`, (t) => {
    const machine = machineWith(t, { '/etc/': {}, ...files });
    for (const area of AREAS) {
      try {
        capture(area, machine);
      } catch (error) {
        assert.match(String(error), /there is nothing of/, area.name);
      }
    }
  });

  test(`${what} takes what it can of a restore, without a throw`, (t) => {
    const plan = planForged(t, { areas: SNAPSHOT.areas }, { target: files });
    assert.deepEqual(plan.problems, []);
    for (const path of plan.paths) assert.match(path, /^\/(?:etc|var|mnt|opt|usr)(?:\/|$)/);
  });
}

test('a user who is here with another id gets the files by name, and the ids of both stay their own', async (t) => {
  const areas = {
    accounts: accounts([person('bob', 2000), person('zoe', 1000)]),
    homes: { homes: [homeOf('bob', 2000), homeOf('zoe', 1000)] },
  };
  const snapshot = await forgeMachine(t, {
    areas,
    roots: [personal('/home/bob'), personal('/home/zoe')],
    files: {
      '/home/bob/mine': { content: 'b', uid: 2000, gid: 2000 },
      '/home/zoe/': { uid: 1000, gid: 1000 },
      '/home/zoe/mine': { content: 'z', uid: 1000, gid: 1000 },
      '/home/zoe/of-bob': { content: 'b', uid: 2000, gid: 2000 },
    },
  });
  const { system, error } = await restoreOnto(t, snapshot, TARGET, { allowPrivileged: false, identity: 'new' });
  assert.equal(error, undefined);
  const zoe = Number(/^zoe:x:(\d+):/m.exec(system.text('/etc/passwd')!)![1]);
  assert.ok(zoe > 1000);
  assert.equal(system.facts('/home/bob/mine')?.uid, 1000);
  assert.equal(system.facts('/home/zoe/mine')?.uid, zoe);
  assert.equal(system.facts('/home/zoe/of-bob')?.uid, 1000);
});
