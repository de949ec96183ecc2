import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { TestFile } from '../support/machine.ts';
import { endOfFile, forgeMachine } from './support/forged.ts';
import { planForged } from './support/planned.ts';
import { type Outcome, restoreEveryWay } from './support/restored.ts';
import { accounts, HOSTILE_KEY, homeOf, person, personal, targetWith } from './support/target.ts';

const LETS_IN = [
  '.ssh/authorized_keys',
  '.ssh/authorized_keys2',
  '.ssh/rc',
  '.ssh/environment',
  '.rhosts',
  '.shosts',
  // Where a link of the target leads from ~/.ssh/linked.
  'dotfiles/keys',
];
const SHELL = '#!/bin/sh\necho owned\n';
const of = (uid: number, content: string, mode = 0o644): TestFile => ({ content, uid, gid: uid, mode });

const END = endOfFile();
let outcomes: Outcome[];

before(async () => {
  const snapshot = await forgeMachine(END, {
    areas: {
      accounts: accounts([
        person('bob', 1005),
        person('carl', 1006),
        person('eve', 1007, { directory: '/home/bob/.gnupg' }),
        person('mal', 1008, { directory: '/var/lib' }),
        person('dora', 1010),
        person('frank', 1011),
        person('gus', 1012, { directory: '/home/carl/in' }),
        person('zed', 1014),
      ]),
      homes: {
        homes: [
          homeOf('bob', 1005),
          homeOf('carl', 1006),
          homeOf('dora', 1010),
          homeOf('frank', 1011),
          { ...homeOf('zed', 1014), link: '/home/led' },
        ],
      },
    },
    roots: [
      ...[
        '/home/bob',
        '/home/carl',
        '/home/bob/.gnupg',
        '/var/lib',
        '/home/dora',
        '/home/frank',
        '/home/led',
        '/home/zed',
      ].map((path) => personal(path)),
      ...['/etc/cron.d', '/usr/bin', '/root/.ssh', '/var/spool/cron', '/home/other', '/var/mail/root'].map((path) =>
        personal(path),
      ),
      // Neither in the manifest nor anybody's; and one within another.
      ...['/home/absent', '/home/carl/in'].map((path) => personal(path)),
    ],
    files: {
      '/home/bob/': { uid: 1005, gid: 1005 },
      '/home/bob/mine': of(1005, 'mine'),
      '/home/bob/.config/cron.d/evil': of(1005, '* * * * * root id\n'),
      ...Object.fromEntries(LETS_IN.map((name) => [`/home/bob/${name}`, of(1005, HOSTILE_KEY, 0o600)])),
      '/home/carl/': { uid: 1006, gid: 1006 },
      '/home/carl/.ssh/authorized_keys': of(1006, HOSTILE_KEY, 0o600),
      '/home/carl/setuid': of(1006, SHELL, 0o4755),
      '/home/carl/setgid': of(1006, SHELL, 0o2755),
      '/home/carl/roots': { content: SHELL, mode: 0o755 },
      '/home/carl/capable': of(1006, SHELL, 0o755),
      '/home/carl/linked': of(1006, 'linked'),
      '/home/carl/in/file': of(1012, 'in'),
      '/var/lib/dpkg/info/bash.postinst': of(1008, SHELL, 0o755),
      '/home/dora/cron.d/evil': of(1010, '* * * * * root id\n'),
      '/home/frank/file': of(1011, 'x'),
      '/home/led/file': of(1014, 'x'),
      '/home/zed': { link: 'led' },
      '/home/bob/.gnupg/gpg.conf': of(1007, 'x'),
      '/etc/cron.d/evil': '* * * * * root id\n',
      '/usr/bin/ls': { content: SHELL, mode: 0o755 },
      '/root/.ssh/authorized_keys': HOSTILE_KEY,
      '/var/spool/cron/root': '* * * * * id\n',
      '/home/other/file': of(1013, 'x'),
      '/var/mail/root': 'From mallory\n',
    },
    dress: (root) => {
      symlinkSync('/etc/shadow', join(root, 'home/carl/shadow'));
      symlinkSync('../../../../etc', join(root, 'home/carl/up'));
      linkSync(join(root, 'home/carl/linked'), join(root, 'home/carl/other-name'));
      execFileSync('mknod', [join(root, 'home/carl/disk'), 'b', '8', '0']);
      execFileSync('mkfifo', [join(root, 'home/carl/pipe')]);
      execFileSync('setfattr', [
        ...['-n', 'security.capability', '-v', '0x0100000200200000000000000000000000000000'],
        join(root, 'home/carl/capable'),
      ]);
    },
    paths: [...['/home', '/var/lib', '/etc/cron.d', '/usr/bin', '/root/.ssh', '/var/spool/cron', '/var/mail/root']],
  });
  outcomes = await restoreEveryWay(END, snapshot, TARGET_WITH_TRAPS);
});

/** Somebody with an account here has laid links where a restore will write. */
const TARGET_WITH_TRAPS = targetWith({
  '/home/bob/.config': { link: '/etc' },
  '/home/bob/.ssh/linked': { link: '../dotfiles/keys' },
  '/home/dora': { link: '/etc' },
  '/home/frank/': { uid: 1000, gid: 1000 },
  '/home/led/': { uid: 1000, gid: 1000 },
  '/var/lib/dpkg/info/': {},
});

/** In each way: what a test says of it. */
function inEveryWay(look: (outcome: Outcome) => void): () => void {
  return () => {
    for (const outcome of outcomes) {
      assert.equal(outcome.error, undefined);
      look(outcome);
    }
  };
}

const isChanged = ({ changed }: Outcome, path: string): boolean =>
  changed.some((one) => one === path || one.startsWith(`${path}/`));
const isTold = ({ skipped }: Outcome, path: string, reason: RegExp): boolean =>
  skipped.some((one) => `/${one.path}`.replace('//', '/') === path && reason.test(one.reason));

test(
  'a home of somebody who is here gets nothing by which others come in, unless that is allowed',
  inEveryWay((outcome) => {
    assert.equal(outcome.system.facts('/home/bob/mine')?.uid, 1000);
    for (const name of LETS_IN) {
      const isAllowed = outcome.way.allowPrivileged;
      assert.equal(outcome.system.facts(`/home/bob/${name}`) !== undefined, isAllowed, name);
      assert.equal(isTold(outcome, `/home/bob/${name}`, /lets others in/), !isAllowed, name);
    }
  }),
);

test(
  'somebody who is new brings his own keys',
  inEveryWay(({ system }) => {
    assert.equal(system.text('/home/carl/.ssh/authorized_keys'), HOSTILE_KEY);
  }),
);

test(
  'no setuid, setgid, capability, device or root’s ownership comes into a home, whoever asks',
  inEveryWay(({ system }) => {
    for (const name of ['setuid', 'setgid', 'roots', 'capable']) {
      const { mode, uid, gid } = system.facts(`/home/carl/${name}`)!;
      assert.deepEqual([mode, uid, gid], [0o755, 1006, 1006], name);
    }
    const said = execFileSync('getfattr', ['-d', '-m', '-', join(system.root, 'home/carl/capable')], {
      encoding: 'utf8',
    });
    assert.doesNotMatch(said, /capability/);
    assert.equal(system.facts('/home/carl/disk'), undefined);
    assert.equal(system.facts('/home/carl/pipe')?.kind, 'other');
  }),
);

test(
  'links come as links: what they lead to is neither read nor written',
  inEveryWay(({ system }) => {
    assert.equal(system.readLink('/home/carl/shadow'), '/etc/shadow');
    assert.equal(system.readLink('/home/carl/up'), '../../../../etc');
    assert.equal(system.text('/home/carl/other-name'), 'linked');
  }),
);

test(
  'a home within another’s, the system’s, or one that is another’s already is none: its files stay out, and it is said',
  inEveryWay((outcome) => {
    assert.ok(!isChanged(outcome, '/var/lib/dpkg'));
    for (const path of ['/var/lib', '/home/bob/.gnupg', '/home/frank', '/home/dora', '/home/led']) {
      assert.ok(isTold(outcome, path, /home|folder|belongs|nobody|comes/), path);
    }
    for (const path of ['/home/frank/file', '/home/led/file']) assert.equal(outcome.system.facts(path), undefined);
  }),
);

test(
  'a root that is called personal and is a folder of the system, root’s or nobody’s is not believed',
  inEveryWay((outcome) => {
    for (const path of ['/etc/cron.d', '/usr/bin', '/root/.ssh', '/var/spool/cron', '/var/mail/root', '/home/other']) {
      assert.ok(!isChanged(outcome, path), path);
      assert.ok(isTold(outcome, path, /nobody who comes/), path);
    }
  }),
);

test(
  'a root that the manifest does not hold is passed over',
  inEveryWay((outcome) => {
    assert.ok(!isChanged(outcome, '/home/absent'));
  }),
);

test(
  'nothing is written through a link that somebody laid on the target',
  inEveryWay((outcome) => {
    assert.equal(outcome.system.facts('/etc/cron.d/evil'), undefined);
    assert.equal(outcome.system.readLink('/home/dora'), '/etc');
    assert.equal(outcome.system.readLink('/home/bob/.config'), '/etc');
  }),
);

test(
  'an account whose home would be a folder of the system has none',
  inEveryWay(({ system }) => {
    assert.match(system.text('/etc/passwd')!, /^mal:x:1008:1008::\/nonexistent:/m);
    assert.match(system.text('/etc/passwd')!, /^bob:x:1000:1000:Bob:\/home\/bob:/m);
  }),
);

test('somebody whose home is that of one who is here gets one of his own, and neither gets the other’s files', (t) => {
  const users = [person('bob', 1005), person('nob', 1009, { directory: '/home/bob' })];
  const { items, owners } = planForged(t, {
    areas: { accounts: accounts(users), homes: { homes: [homeOf('bob', 1005), homeOf('nob', 1009, '/home/bob')] } },
    roots: [personal('/home/bob')],
  });
  assert.equal(owners.users.find(({ from }) => from === 'nob')?.toHome, '/home/nob');
  const added = items.find(({ id }) => id === 'user:nob')!.detail;
  assert.match(added, /the home \/home\/nob /);
  const homes = items.filter(({ id }) => id.startsWith('home:')).map(({ action }) => action);
  // Nobody's files go to two: the one home comes to the one who has it here.
  assert.equal(homes.length, 2);
});
