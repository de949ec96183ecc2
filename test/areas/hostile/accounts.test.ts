import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ResettleError } from '../../../src/common/errors.ts';
import { endOfFile, forgeMachine } from './support/forged.ts';
import { planForged } from './support/planned.ts';
import { type Outcome, restoreEveryWay } from './support/restored.ts';
import { accounts, person, TARGET, targetWith } from './support/target.ts';

const END = endOfFile();
const HASH = '$y$j9T$attacker';
const shadow = (password: string) => ({ shadow: { password, last_change: 0, min: 0, max: 99_999 } });
let outcomes: Outcome[];

before(async () => {
  const users = [
    person('toor', 0),
    person('root', 1500),
    person('bob', 1600, { ...shadow(HASH), shell: '/bin/sh', directory: '/', gid: 0 }),
    person('daemon', 1700),
    person('system', 33),
    person('low', 999),
    person('nobody2', 65_534),
    person('high', 4_000_000_000),
    person('clash', 1000),
    person('twin', 1800),
    person('twin2', 1800),
    person('wheel', 1900, { gid: 0 }),
    person('sudoer', 1901, { gid: 27 }),
    person('admins', 1902),
    person('climber', 1903, { directory: '/etc/profile.d', shell: '/tmp/evil' }),
    person('open', 1904, shadow('')),
    person('locked', 1905, shadow('!')),
    person('ranges', 1906, {
      subuids: [
        { start: 0, count: 65_536 },
        { start: 100_000, count: 65_536 },
      ],
    }),
    person('named', 1907),
    person('insudo', 1908, { gid: 28 }),
  ];
  const forged = accounts(users, {
    groups: [
      ...users
        .filter(({ gid }) => gid !== 28)
        .map(({ username, gid }) => ({ groupname: username, gid, members: ['bob'] })),
      { groupname: 'docker', gid: 1950, members: ['twin', 'bob'] },
      { groupname: 'sudo', gid: 1951, members: ['twin'] },
      { groupname: 'root', gid: 1952, members: ['twin'] },
      { groupname: 'zero', gid: 0, members: ['twin'] },
      { groupname: 'users2', gid: 1953, members: ['twin', 'bob'] },
    ],
    memberships: [
      { groupname: 'sudo', members: ['twin', 'bob', 'named'] },
      { groupname: 'shadow', members: ['twin'] },
      { groupname: 'bob', members: ['twin'] },
      { groupname: 'users', members: ['twin'] },
    ],
    // A table by which files of 4000 would become root's, and those of bob another's.
    system_users: [
      { username: 'root', uid: 4000 },
      { username: 'www-data', uid: 1000 },
      { username: 'bob', uid: 33 },
    ],
    system_groups: [
      { groupname: 'root', gid: 4000 },
      { groupname: 'sudo', gid: 28 },
    ],
  });
  const snapshot = await forgeMachine(END, {
    areas: { accounts: forged, homes: { homes: [] } },
    files: { '/data/root-to-be': { content: 'x', uid: 4000, gid: 4000 } },
    paths: ['/data'],
  });
  const target = targetWith({
    '/etc/sudoers': { content: 'root ALL=(ALL:ALL) ALL\nnamed ALL=(ALL) ALL\n%admins ALL=(ALL) ALL\n', mode: 0o440 },
  });
  outcomes = await restoreEveryWay(END, snapshot, target);
});

const everyWay = (look: (outcome: Outcome) => void) => () => {
  for (const outcome of outcomes) {
    assert.equal(outcome.error, undefined);
    look(outcome);
  }
};
const fieldsOf = ({ system }: Outcome, path: string, name: string): string[] | undefined =>
  system
    .text(path)!
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':');
const userOf = (outcome: Outcome, name: string) => fieldsOf(outcome, '/etc/passwd', name);
const membersOf = (outcome: Outcome, group: string): string[] =>
  (fieldsOf(outcome, '/etc/group', group)?.[3] ?? '').split(',').filter(Boolean);

test(
  'nobody comes with the id 0, nor a second root',
  everyWay((outcome) => {
    assert.equal(userOf(outcome, 'toor'), undefined);
    assert.deepEqual(userOf(outcome, 'root'), ['root', 'x', '0', '0', 'root', '/root', '/bin/bash']);
    assert.equal(outcome.item('user:toor').action, 'withhold');
  }),
);

test(
  'nobody comes with an id of the system’s, of nobody, or beyond people’s',
  everyWay((outcome) => {
    for (const name of ['system', 'low', 'nobody2', 'high']) {
      const uid = Number(userOf(outcome, name)?.[2] ?? 1000);
      assert.ok(uid >= 1000 && uid <= 60_000, `${name} ${uid}`);
    }
  }),
);

test(
  'who is called as an account of the system is gets another name',
  everyWay((outcome) => {
    assert.deepEqual(userOf(outcome, 'daemon')?.slice(0, 3), ['daemon', 'x', '1']);
  }),
);

test(
  'who has the id of somebody who is here gets another one',
  everyWay((outcome) => {
    assert.equal(userOf(outcome, 'bob')?.[2], '1000');
    assert.notEqual(userOf(outcome, 'clash')?.[2], '1000');
  }),
);

test(
  'two of one id come as one',
  everyWay((outcome) => {
    assert.equal(userOf(outcome, 'twin')?.[2], '1800');
    assert.equal(userOf(outcome, 'twin2'), undefined);
  }),
);

test(
  'who is here keeps id, home and shell, and the password unless that is allowed',
  everyWay((outcome) => {
    assert.deepEqual(userOf(outcome, 'bob'), ['bob', 'x', '1000', '1000', 'Bob', '/home/bob', '/bin/bash']);
    const isChanged = fieldsOf(outcome, '/etc/shadow', 'bob')?.[1] === HASH;
    assert.equal(isChanged, outcome.way.allowPrivileged);
  }),
);

test(
  'nobody’s own group is root’s, and no group of root’s comes',
  everyWay((outcome) => {
    assert.equal(userOf(outcome, 'wheel')?.[3] === '0', false);
    assert.deepEqual(membersOf(outcome, 'root'), []);
    assert.equal(fieldsOf(outcome, '/etc/group', 'zero'), undefined);
  }),
);

test(
  'who would have a group by which people become root comes only where it is allowed',
  everyWay((outcome) => {
    const { allowPrivileged } = outcome.way;
    assert.equal(userOf(outcome, 'sudoer')?.[3], '1901', 'a number alone is no group');
    for (const name of ['insudo', 'named']) assert.equal(userOf(outcome, name) !== undefined, allowPrivileged, name);
    for (const group of ['sudo', 'shadow'])
      assert.equal(membersOf(outcome, group).includes('twin'), allowPrivileged, group);
    assert.equal(fieldsOf(outcome, '/etc/group', 'docker') !== undefined, allowPrivileged);
  }),
);

test(
  'nobody joins the group of somebody who is here, nor that one a group, unless that is allowed',
  everyWay((outcome) => {
    const { allowPrivileged } = outcome.way;
    assert.equal(membersOf(outcome, 'bob').includes('twin'), allowPrivileged);
    assert.equal(membersOf(outcome, 'users2').includes('bob'), allowPrivileged);
  }),
);

test(
  'a home that is none and a shell that is none are not given',
  everyWay((outcome) => {
    const [, , , , , home, shell] = userOf(outcome, 'climber')!;
    assert.equal(home, '/nonexistent');
    assert.match(shell!, /nologin|false/);
  }),
);

test(
  'nobody comes in without a password, and who was locked stays it',
  everyWay((outcome) => {
    assert.equal(fieldsOf(outcome, '/etc/shadow', 'open')?.[1], '!');
    assert.equal(fieldsOf(outcome, '/etc/shadow', 'locked')?.[1], '!');
  }),
);

test(
  'subordinate ids are neither real ids nor another’s',
  everyWay((outcome) => {
    const lines = outcome.system
      .text('/etc/subuid')!
      .trim()
      .split('\n')
      .map((line) => line.split(':'));
    const ranges = lines.map(([, start, count]) => [Number(start), Number(start) + Number(count)] as const);
    for (const [from, to] of ranges) {
      assert.ok(from >= 65_536);
      assert.equal(ranges.filter((other) => from < other[1] && other[0] < to).length, 1, 'no two overlap');
    }
  }),
);

test(
  'no table of owners makes a file root’s',
  everyWay((outcome) => {
    const { uid, gid } = outcome.system.facts('/data/root-to-be')!;
    assert.deepEqual([uid, gid], [4000, 4000]);
  }),
);

const ABUSES: readonly (readonly [from: string, to: string])[] = [
  ['twin', 'root'],
  ['twin', '0'],
  ['twin', '00'],
  ['root', 'bob'],
  ['0', 'bob'],
  ['toor', 'bob'],
  ['twin', 'www-data'],
  ['twin', '33'],
  ['twin', '999'],
  ['twin', '65534'],
  ['twin', 'a:b'],
  ['twin', 'x\ny'],
  ['twin', '../x'],
  ['33', 'bob'],
  ['nobody-here', 'bob'],
];

for (const [from, to] of ABUSES) {
  test(`--map-user ${JSON.stringify(`${from}=${to}`)} is refused before anything is done`, (t) => {
    const areas = { accounts: accounts([person('twin', 1800), person('toor', 0)]) };
    const isUsage = (error: unknown) => error instanceof ResettleError && error.code === 'usage';
    assert.throws(() => planForged(t, { areas }, { mapUsers: [{ from, to }] }), isUsage);
  });
}

test('--map-user gives an account that is here what is somebody’s, and its own password and groups stay unless allowed', (t) => {
  const areas = {
    accounts: accounts([person('twin', 1800, shadow(HASH))], {
      memberships: [{ groupname: 'sudo', members: ['twin'] }],
    }),
  };
  const plan = planForged(t, { areas }, { mapUsers: [{ from: 'twin', to: 'bob' }], allowPrivileged: false });
  assert.deepEqual(plan.paths, []);
  assert.equal(plan.items.find(({ id }) => id === 'password:twin')?.action, 'keep');
});

/** Machines that are not as they should be: nothing is thrown, nothing is made worse, and it is said. */
const passwd = TARGET['/etc/passwd'] as string;
const BROKEN: readonly (readonly [reason: string, target: Readonly<Record<string, string>>])[] = [
  ['no passwd', { '/etc/group': '' }],
  ['no shadow', { '/etc/passwd': passwd, '/etc/group': '' }],
  ['empty files', { '/etc/passwd': '', '/etc/shadow': '', '/etc/group': '' }],
  [
    'lines of too few fields',
    { '/etc/passwd': `${passwd}broken:x:1\n::\n:::::::::\n`, '/etc/shadow': 'x\n', '/etc/group': ':::\nx\n' },
  ],
  [
    'ids that are none',
    {
      '/etc/passwd': `${passwd}a:x:-1:-1::/:/\nb:x:0x0:0::/:/\nc:x:99999999999:1::/:/\n`,
      '/etc/shadow': '',
      '/etc/group': 'g:x:abc:\n',
    },
  ],
  [
    'bytes that are no text',
    {
      '/etc/passwd': `${passwd}\u0000\u00ff:x:1500:1500::/home/\u00ff:/bin/sh\n`,
      '/etc/shadow': '\u0000',
      '/etc/group': '\u0000',
    },
  ],
  ['NIS at the end', { '/etc/passwd': `${passwd}+::::::\n`, '/etc/shadow': '+::::::::\n', '/etc/group': '+:::\n' }],
  ['no line end', { '/etc/passwd': passwd.trimEnd(), '/etc/shadow': 'root:*:1::::::', '/etc/group': 'root:x:0:' }],
  [
    'a login.defs that is turned round',
    {
      '/etc/passwd': passwd,
      '/etc/shadow': '',
      '/etc/group': '',
      '/etc/login.defs': 'UID_MIN 60000\nUID_MAX 1000\nGID_MIN 0\n',
    },
  ],
];

for (const [reason, target] of BROKEN) {
  test(`a target with ${reason}: accounts are added well or withheld`, (t) => {
    const areas = { accounts: accounts([person('carl', 1006), person('bob', 1007)]) };
    try {
      const { items } = planForged(t, { areas }, { target });
      assert.ok(items.some(({ id }) => id === 'user:carl'));
      for (const line of items.flatMap(({ difference }) => difference))
        assert.doesNotMatch(line, /^\+ (?!root:)[^:]*:[^:]*:0*:/);
    } catch (error) {
      assert.ok(error instanceof ResettleError && error.code === 'failed', String(error));
    }
  });
}
