import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AccountsContent, accountsArea, ownersFor, ownersOf } from '../../../src/state/areas/accounts/index.ts';
import type { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import type { System } from '../../../src/state/areas/base/system.ts';
import type { PlanItem } from '../../../src/state/areas/base/types.ts';
import { ABOUT, capture, machineWith, planFor, restore, type TestFile, verdicts } from '../support/machine.ts';

const YESCRYPT = '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7';
const SHA = `$6$saltsalt$${'a'.repeat(86)}`;

const BASE = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nlp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin\n',
  '/etc/shadow': { content: 'root:*:19000:0:99999:7:::\nlp:*:19000:0:99999:7:::\n', mode: 0o640, gid: 42 },
  '/etc/group': 'root:x:0:\nlp:x:7:\nsudo:x:27:\naudio:x:29:\nshadow:x:42:\nusers:x:100:\n',
  '/etc/gshadow': { content: 'root:*::\nlp:*::\nsudo:*::\naudio:*::\nshadow:*::\nusers:*::\n', mode: 0o640, gid: 42 },
  '/etc/subuid': '',
  '/etc/subgid': '',
  '/etc/shells': '/bin/sh\n/bin/bash\n/usr/bin/zsh\n',
  '/bin/sh': { mode: 0o755 },
  '/bin/bash': { mode: 0o755 },
  '/usr/sbin/nologin': { mode: 0o755 },
} as const;

interface Lines {
  readonly passwd?: string;
  readonly shadow?: string;
  readonly group?: string;
  readonly gshadow?: string;
}

function machine(t: TestContext, lines: Lines = {}, more: Record<string, TestFile> = {}): LocalSystem {
  return machineWith(t, {
    ...BASE,
    '/etc/passwd': BASE['/etc/passwd'] + (lines.passwd ?? ''),
    '/etc/shadow': { ...BASE['/etc/shadow'], content: BASE['/etc/shadow'].content + (lines.shadow ?? '') },
    '/etc/group': (lines.group ?? '') + BASE['/etc/group'],
    '/etc/gshadow': { ...BASE['/etc/gshadow'], content: BASE['/etc/gshadow'].content + (lines.gshadow ?? '') },
    ...more,
  });
}

const ANN = {
  passwd: 'ann:x:1000:1000:Ann Ö,,,:/home/ann:/bin/bash\nbob:x:1001:1001::/home/bob:/usr/bin/zsh\n',
  shadow: `ann:${YESCRYPT}:19500:0:90:7:14:20000:\nbob:${SHA}:19501:0:99999:7:::\n`,
  group: 'ann:x:1000:\nbob:x:1001:\nlab:x:1500:ann,bob\n',
  gshadow: 'ann:!::\nbob:!::\nlab:!::ann,bob\n',
};

function source(t: TestContext): LocalSystem {
  const there = machine(t, ANN, {
    '/etc/subuid': 'ann:100000:65536\nbob:165536:65536\n',
    '/etc/subgid': 'ann:100000:65536\nbob:165536:65536\n',
    '/usr/bin/zsh': { mode: 0o755 },
  });
  for (const file of ['group', 'gshadow']) {
    const path = join(there.root, 'etc', file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/^(sudo:.*)$/mu, '$1ann').replace(/^(audio:.*)$/mu, '$1ann,lp'));
  }
  return there;
}

interface Options {
  readonly allowPrivileged?: boolean;
  readonly mapUsers?: readonly { from: string; to: string }[];
}

function bring(content: unknown, target: System, { allowPrivileged = false, mapUsers = [] }: Options = {}): PlanItem[] {
  const owners = ownersOf(ownersFor(content as AccountsContent, target, mapUsers));
  return restore(accountsArea, content, target, { allowPrivileged, about: { owners } });
}

const actions = (items: readonly PlanItem[]) => Object.fromEntries(items.map(({ id, action }) => [id, action]));
const lineOf = (system: System, path: string, name: string) =>
  system
    .text(path)
    ?.split('\n')
    .find((line) => line.startsWith(`${name}:`));

test('people, their passwords and groups are captured, and nothing of the system but ids', (t) => {
  const { content, couldNot } = capture(accountsArea, source(t));
  const { users, groups, memberships, system_users } = content as AccountsContent;
  assert.deepEqual(couldNot, []);
  assert.deepEqual(users[0], {
    username: 'ann',
    uid: 1000,
    gid: 1000,
    description: 'Ann Ö,,,',
    directory: '/home/ann',
    shell: '/bin/bash',
    shadow: { password: YESCRYPT, last_change: 19500, min: 0, max: 90, warning: 7, inactive: 14, expire: 20000 },
    subuids: [{ start: 100_000, count: 65_536 }],
    subgids: [{ start: 100_000, count: 65_536 }],
  });
  assert.deepEqual(groups[2], { groupname: 'lab', gid: 1500, members: ['ann', 'bob'] });
  assert.deepEqual(memberships, [
    { groupname: 'sudo', members: ['ann'] },
    { groupname: 'audio', members: ['ann'] },
  ]);
  assert.deepEqual(system_users, [{ username: 'lp', uid: 7 }]);
});

test('only those who are asked for are captured, with the groups that they are in', (t) => {
  const { users, groups, memberships } = capture(accountsArea, source(t), ['bob']).content as AccountsContent;
  assert.deepEqual(
    users.map(({ username }) => username),
    ['bob'],
  );
  assert.deepEqual(
    groups.map(({ groupname, members }) => [groupname, members]),
    [
      ['bob', []],
      ['lab', ['bob']],
    ],
  );
  assert.deepEqual(memberships, []);
});

test('who is asked for and is no local person is named', (t) => {
  const { couldNot } = capture(accountsArea, source(t), ['bob', 'ldap-dora', 'lp']);
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    ['user ldap-dora', 'user lp'],
  );
});

test('on the source itself every item is the same', (t) => {
  const there = source(t);
  const { content } = capture(accountsArea, there);
  const items = accountsArea.check(content, there, { ...ABOUT, identity: 'same' });
  assert.ok(items.length >= 9);
  for (const item of items) assert.equal(item.verdict, 'same', `${item.id}: ${item.observed}`);
});

test('on an empty machine they are added as the tools would, with privileged groups only where that is allowed', (t) => {
  const { content } = capture(accountsArea, source(t));
  const target = machine(t);
  const items = bring(content, target);
  assert.deepEqual(actions(items), {
    'group:lab': 'add',
    'user:ann': 'add',
    'user:bob': 'add',
    'member:ann:lab': 'merge',
    'member:bob:lab': 'merge',
    'member:ann:sudo': 'withhold',
    'member:ann:audio': 'merge',
  });
  assert.equal(lineOf(target, '/etc/passwd', 'ann'), 'ann:x:1000:1000:Ann Ö,,,:/home/ann:/bin/bash');
  assert.equal(lineOf(target, '/etc/shadow', 'ann'), `ann:${YESCRYPT}:19500:0:90:7:14:20000:`);
  assert.equal(lineOf(target, '/etc/group', 'lab'), 'lab:x:1500:ann,bob');
  assert.equal(lineOf(target, '/etc/gshadow', 'lab'), 'lab:!::ann,bob');
  assert.equal(lineOf(target, '/etc/group', 'ann'), 'ann:x:1000:');
  assert.equal(lineOf(target, '/etc/subuid', 'bob'), 'bob:165536:65536');
  assert.equal(lineOf(target, '/etc/group', 'sudo'), 'sudo:x:27:');
  assert.equal(target.facts('/etc/shadow')?.mode, 0o640);
  assert.equal(target.facts('/etc/shadow')?.gid, 42);
  assert.equal(target.text('/etc/passwd-'), BASE['/etc/passwd']);
  const again = bring(content, target, { allowPrivileged: true });
  assert.deepEqual(
    again.filter(({ action }) => action !== 'same').map(({ id, action }) => `${id} ${action}`),
    // bob's shell is not here.
    ['user:bob keep', 'member:ann:sudo merge'],
  );
  assert.equal(lineOf(target, '/etc/group', 'sudo'), 'sudo:x:27:ann');
  assert.equal(lineOf(target, '/etc/gshadow', 'sudo'), 'sudo:*::ann');
});

test('who may add others to a group may do so again, by the new name, and nobody becomes one of a group that was there', (t) => {
  const gshadow = ANN.gshadow.replace('lab:!::', 'lab:!:ann,lp:');
  const { content } = capture(accountsArea, machine(t, { ...ANN, gshadow }));
  const [id, there] = ['administrator:ann:lab', machine(t)];
  assert.equal(actions(bring(content, there))[id], 'merge');
  assert.equal(lineOf(there, '/etc/gshadow', 'lab'), 'lab:!:ann:ann,bob');
  // grpck looks for her on the machine that runs it.
  assert.deepEqual(accountsArea.validate?.(there), []);
  assert.equal(actions(bring(content, there))[id], 'same');
  assert.equal(verdicts(accountsArea.check(content, there, ABOUT))[id], 'same');
  writeFileSync(
    join(there.root, 'etc/gshadow'),
    readFileSync(join(there.root, 'etc/gshadow'), 'utf8').replace(':ann:', '::'),
  );
  assert.equal(verdicts(accountsArea.check(content, there, ABOUT))[id], 'person');

  const taken = machine(t, { group: 'lab:x:1500:\n', gshadow: 'lab:!::\n' });
  assert.equal(actions(bring(content, taken))[id], 'withhold');
  const mapped = machine(t);
  bring(content, mapped, { mapUsers: [{ from: 'ann', to: 'anna' }] });
  assert.equal(lineOf(mapped, '/etc/gshadow', 'lab'), 'lab:!:anna:anna,bob');
});

test('useradd, groupadd and chpasswd write the same files', (t) => {
  const { content } = capture(accountsArea, source(t));
  const ours = machine(t, {}, { '/usr/bin/zsh': { mode: 0o755 } });
  const theirs = machine(t, {}, { '/usr/bin/zsh': { mode: 0o755 } });
  bring(content, ours);
  const run = (tool: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(tool, ['--prefix', theirs.root, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, `${tool}: ${stderr}`);
  };
  run('groupadd', '-g', '1500', 'lab');
  run('useradd', '-U', '-u', '1000', '-c', 'Ann Ö,,,', '-s', '/bin/bash', '-p', YESCRYPT, 'ann');
  run('useradd', '-U', '-u', '1001', '-s', '/usr/bin/zsh', '-p', SHA, 'bob');
  run('usermod', '-aG', 'lab,audio', 'ann');
  run('usermod', '-aG', 'lab', 'bob');
  for (const file of ['passwd', 'group', 'gshadow', 'subuid', 'subgid']) {
    assert.equal(ours.text(`/etc/${file}`), theirs.text(`/etc/${file}`), file);
  }
  // The dates are the captured ones, not today.
  const dateless = (system: System) => system.text('/etc/shadow')?.replaceAll(/^((?:[^:]*:){2}).*$/gmu, '$1');
  assert.equal(dateless(ours), dateless(theirs));
});

test('pwck and grpck have nothing to say of what was added, and what was wrong before is no problem', (t) => {
  const { content } = capture(accountsArea, source(t));
  const wrong = { passwd: 'broken line\ncarl:x:1300:4711::/home/carl:/bin/sh\n' };
  const target = machine(t, wrong);
  const items = bring(content, target, { allowPrivileged: true });
  const changed = new Set(items.flatMap(({ changes }) => changes.map(({ path }) => path)));
  assert.deepEqual(accountsArea.validate?.(target, changed), []);
  assert.ok(target.text('/etc/passwd')?.includes('broken line\ncarl:x:1300:4711::/home/carl:/bin/sh\n'));
  // By the tool itself, with all that it says.
  const [tool, ...paths] = ['pwck', join(target.root, 'etc/passwd'), join(target.root, 'etc/shadow')] as const;
  const pwck = spawnSync(tool, ['-r', ...paths], { encoding: 'utf8' });
  assert.match(pwck.stdout, /invalid password file entry/u);
  assert.doesNotMatch(pwck.stdout, /invalid user|duplicate|bob.*shadow|ann.*shadow/u);
});

test('a broken file is a problem, whichever way it is broken', (t) => {
  const { content } = capture(accountsArea, source(t));
  const breaks: [string, (text: string) => string][] = [
    ['/etc/passwd', (text) => `${text}garbage\n`],
    ['/etc/passwd', (text) => text.replace('bob:x:1001', 'bob:x:1000')],
    ['/etc/passwd', (text) => text.replace(':1000:1000:', ':1000:4711:')],
    ['/etc/shadow', (text) => text.replace(/^ann:.*\n/mu, '')],
    ['/etc/shadow', (text) => `${text}ann:x\n`],
    ['/etc/group', (text) => text.replace('lab:x:1500', 'lab:x:')],
    ['/etc/gshadow', (text) => `${text}nothing\n`],
  ];
  for (const [path, breakIt] of breaks) {
    const target = machine(t);
    bring(content, target);
    writeFileSync(join(target.root, path), breakIt(target.text(path) as string));
    const problems = accountsArea.validate?.(target, new Set(['/etc/passwd', '/etc/shadow', '/etc/group']));
    assert.ok(problems && problems.length > 0, `${path} ${breakIt}`);
    for (const { why } of problems) assert.doesNotMatch(why, /\$y\$/u);
  }
});

test('an account that is there keeps id, password, shell and groups, and privileged changes only bring password and groups', (t) => {
  const { content } = capture(accountsArea, source(t));
  const here = {
    passwd: 'ann:x:1007:100:Other:/data/ann:/bin/sh\n',
    shadow: `ann:${SHA}:19000:0:99999:7:::\n`,
  };
  const target = machine(t, here);
  const before = lineOf(target, '/etc/shadow', 'ann');
  const items = actions(bring(content, target));
  assert.equal(items['user:ann'], 'keep');
  assert.equal(items['password:ann'], 'keep');
  assert.equal(items['member:ann:lab'], 'keep');
  assert.equal(lineOf(target, '/etc/shadow', 'ann'), before);
  assert.equal(lineOf(target, '/etc/group', 'audio'), 'audio:x:29:');
  const allowed = bring(content, target, { allowPrivileged: true });
  assert.equal(actions(allowed)['password:ann'], 'replace');
  assert.equal(allowed.find(({ id }) => id === 'password:ann')?.effect, 'existing-account');
  assert.equal(lineOf(target, '/etc/passwd', 'ann'), 'ann:x:1007:100:Other:/data/ann:/bin/sh');
  assert.equal(lineOf(target, '/etc/shadow', 'ann'), `ann:${YESCRYPT}:19500:0:90:7:14:20000:`);
  assert.equal(lineOf(target, '/etc/group', 'audio'), 'audio:x:29:ann');
});

test('a locked or empty password never replaces one that is there', (t) => {
  for (const password of ['', '!', '*', `!${SHA}`]) {
    const from = machine(t, { ...ANN, shadow: `ann:${password}:19500:0:90:7:::\n` });
    const { content } = capture(accountsArea, from, ['ann']);
    const target = machine(t, { passwd: 'ann:x:1000:1000::/home/ann:/bin/sh\n', shadow: `ann:${SHA}:1::::::\n` });
    bring(content, target, { allowPrivileged: true });
    assert.equal(lineOf(target, '/etc/shadow', 'ann'), `ann:${SHA}:1::::::`);
  }
});

test('who had an empty password comes locked', (t) => {
  const { content } = capture(accountsArea, machine(t, { ...ANN, shadow: 'ann::19500:0:90:7:::\n' }), ['ann']);
  const target = machine(t);
  const items = bring(content, target);
  assert.match(items.find(({ id }) => id === 'user:ann')?.detail ?? '', /no password; root sets one/u);
  assert.equal(lineOf(target, '/etc/shadow', 'ann'), 'ann:!:19500:0:90:7:::');
});

test('a password that the target cannot check, or that is weak, is told of', (t) => {
  const noted = (password: string, more: Record<string, TestFile> = {}) => {
    const { content } = capture(accountsArea, machine(t, { ...ANN, shadow: `ann:${password}:19500::::::\n` }), ['ann']);
    const target = machine(t, {}, more);
    const { detail } = bring(content, target).find(({ id }) => id === 'user:ann') as PlanItem;
    const verdict = verdicts(accountsArea.check(content, target, ABOUT))['password:ann'];
    return { detail, verdict };
  };
  const old = { '/lib/x86_64-linux-gnu/libcrypt.so.1': { link: 'libcrypt-2.27.so' } };
  const now = { '/lib/x86_64-linux-gnu/libcrypt.so.1': { link: 'libcrypt.so.1.1.0' } };
  assert.match(noted(YESCRYPT, old).detail, /may not know its password, yescrypt/u);
  assert.equal(noted(YESCRYPT, old).verdict, 'person');
  assert.match(noted(YESCRYPT, now).detail, /; with its password$/u);
  assert.equal(noted(YESCRYPT, now).verdict, 'same');
  assert.match(noted('$1$salt$hash').detail, /MD5, which is weak/u);
  assert.match(noted('abJnggxhB/yWI').detail, /DES, which is weak/u);
});

test('an id that is taken becomes another, with its subordinate ids, and the checklist says what changed', (t) => {
  const { content } = capture(accountsArea, source(t));
  const target = machine(
    t,
    {
      passwd: 'zoe:x:1000:1000::/home/zoe:/bin/sh\n',
      shadow: 'zoe:*:1::::::\n',
      group: 'zoe:x:1000:\n',
      gshadow: 'zoe:!::\n',
    },
    { '/etc/subuid': 'zoe:100000:65536\n', '/usr/bin/zsh': { mode: 0o755 } },
  );
  const owners = ownersOf(ownersFor(content as AccountsContent, target, []));
  bring(content, target, { allowPrivileged: true });
  assert.equal(lineOf(target, '/etc/passwd', 'ann'), 'ann:x:1002:1002:Ann Ö,,,:/home/ann:/bin/bash');
  assert.equal(lineOf(target, '/etc/subuid', 'ann'), 'ann:231072:65536');
  assert.equal(owners.uid(100_005), 231_077);
  const items = verdicts(accountsArea.check(content, target, { ...ABOUT, owners }));
  assert.deepEqual(
    [items['user:ann'], items['subids:ann'], items['user:bob'], items['password:ann']],
    ['changed', 'changed', 'same', 'same'],
  );
  assert.ok(Object.values(items).every((verdict) => verdict === 'same' || verdict === 'changed'));
});

test('a person who gets another name gets group, home and crontab’s owner by it', (t) => {
  const { content } = capture(accountsArea, source(t), ['ann']);
  const target = machine(t);
  bring(content, target, { mapUsers: [{ from: 'ann', to: 'anna' }] });
  assert.equal(lineOf(target, '/etc/passwd', 'anna'), 'anna:x:1000:1000:Ann Ö,,,:/home/anna:/bin/bash');
  assert.equal(lineOf(target, '/etc/group', 'anna'), 'anna:x:1000:');
  assert.equal(lineOf(target, '/etc/group', 'lab'), 'lab:x:1500:anna');
  assert.equal(lineOf(target, '/etc/passwd', 'ann'), undefined);
});

test('a shell that the target lacks is replaced by one that allows no more', (t) => {
  const shells = {
    '/usr/bin/zsh': '/bin/bash',
    '/usr/bin/git-shell': '/usr/sbin/nologin',
    '/sbin/nologin': '/usr/sbin/nologin',
    '/bin/sh': '/bin/sh',
  };
  for (const [shell, expected] of Object.entries(shells)) {
    const { content } = capture(accountsArea, machine(t, { passwd: `ann:x:1000:1000::/home/ann:${shell}\n` }));
    const target = machine(t);
    const items = bring(content, target);
    assert.equal(lineOf(target, '/etc/passwd', 'ann')?.split(':')[6], expected);
    const { detail } = items.find(({ id }) => id === 'user:ann') as PlanItem;
    assert.equal(detail.includes('is not installed here'), shell !== expected, detail);
  }
});

test('broken lines of the source are named and left out, those of the target stay byte for byte', (t) => {
  const from = machine(t, {
    passwd: `${ANN.passwd}what is this\ncarl:x:abc:1002::/home/carl:/bin/sh\nann:x:1009:1009::/tmp:/bin/sh\ndo ra:x:1010:1010::/home/d:/bin/sh\n`,
    shadow: `${ANN.shadow}half:line\n`,
    group: `${ANN.group}oops\n`,
  });
  const { content, couldNot } = capture(accountsArea, from);
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    [
      'line 5 of /etc/passwd',
      'line 6 of /etc/passwd',
      'line 7 of /etc/passwd',
      'line 4 of /etc/group',
      'user do ra',
      'line 5 of /etc/shadow',
    ],
  );
  const bad = Buffer.from('b\xe4d line:\n:::::\n+@nis::::::\n', 'latin1');
  const target = machine(t, {}, { '/etc/passwd': Buffer.concat([Buffer.from(BASE['/etc/passwd']), bad]) });
  bring(content, target);
  const passwd = target.read('/etc/passwd') as Buffer;
  const expected = [
    BASE['/etc/passwd'],
    'b\xe4d line:\n:::::\n',
    Buffer.from(ANN.passwd).toString('latin1').replace('/usr/bin/zsh', '/bin/bash'),
    '+@nis::::::\n',
  ];
  assert.equal(passwd.toString('latin1'), expected.join(''));
});

test('a plain user captures no passwords, and restores no accounts', (t) => {
  const there = source(t);
  const plain = (system: System): System =>
    new Proxy(system, {
      get: (target, key) => {
        if (key === 'asRoot') return false;
        if (key === 'isUnreadable') return (path: string) => path === '/etc/shadow' || path === '/etc/gshadow';
        if (key === 'read') return (path: string) => (path.includes('shadow') ? undefined : target.read(path));
        const value = target[key as keyof System];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const { content, couldNot } = capture(accountsArea, plain(there));
  assert.ok(couldNot.some(({ what }) => what === '/etc/shadow'));
  assert.ok((content as AccountsContent).users.every(({ shadow }) => shadow === undefined));
  const items = planFor(accountsArea, capture(accountsArea, there).content, plain(machine(t)), {
    allowPrivileged: true,
  });
  assert.ok(items.length > 0 && items.every(({ action, changes }) => action === 'withhold' && changes.length === 0));
});

test('whoever forged the document becomes nobody of the system', (t) => {
  const { content } = capture(accountsArea, source(t), ['ann']);
  const [ann] = (content as AccountsContent).users;
  const forged = (more: object, rest: Partial<AccountsContent> = {}) =>
    ({ ...(content as AccountsContent), users: [{ ...ann, ...more }], ...rest }) as AccountsContent;
  const target = () =>
    machine(t, {}, { '/etc/sudoers': 'root ALL=(ALL) ALL\n%admin ALL=(ALL) ALL\ndora ALL=(ALL) ALL\n' });
  const before = BASE['/etc/passwd'];
  const group = (groupname: string, gid: number) => ({ groupname, gid, members: ['ann'] });
  const refused: AccountsContent[] = [
    forged({ uid: 0 }),
    forged({ uid: 7 }),
    forged({ uid: 33 }),
    forged({ uid: 65_534 }),
    forged({ uid: 4_000_000_000 }),
    forged({ username: 'root' }),
    forged({ gid: 0 }),
    forged({ gid: 27 }, { system_groups: [{ groupname: 'sudo', gid: 27 }] }),
    forged({ gid: 1700 }, { groups: [group('shadow', 1700)] }),
    forged({ gid: 1700, username: 'admin' }, { groups: [group('admin', 1700)] }),
    forged({ username: 'dora' }),
  ];
  for (const content of refused) {
    const there = target();
    bring(content, there);
    assert.equal(there.text('/etc/passwd'), before, JSON.stringify(content.users[0]));
  }
  const there = target();
  const items = bring(forged({}, { groups: [group('admin', 1600), group('wheel', 1601), group('ann', 1000)] }), there);
  assert.deepEqual([actions(items)['group:admin'], actions(items)['group:wheel']], ['withhold', 'withhold']);
  assert.equal(lineOf(there, '/etc/group', 'admin'), undefined);
  const places = ['/', '/etc', '/root', '/home', '/home/ann/../../etc', 'relative'];
  for (const directory of places) {
    const there = target();
    bring(forged({ directory }), there);
    assert.equal(lineOf(there, '/etc/passwd', 'ann')?.split(':')[5], '/nonexistent', directory);
  }
  const smuggled = [
    { description: 'a:b' },
    { description: 'a\nroot2::0:0::/:/bin/sh' },
    { shell: '/bin/sh\n' },
    { username: 'a:b' },
    { username: '../x' },
    { username: '-x' },
    { shadow: { password: 'x:y' } },
    { shadow: { password: 'x\n' } },
    { uid: -1 },
    { uid: 1.5 },
    { gid: 0xffff_ffff },
  ];
  for (const more of smuggled)
    assert.equal(accountsArea.schema.safeParse(forged(more)).success, false, JSON.stringify(more));
});

test('nobody joins a group of people that was there before, unseen', (t) => {
  const { content } = capture(accountsArea, source(t), ['ann']);
  const forged = {
    ...(content as AccountsContent),
    groups: [...(content as AccountsContent).groups, { groupname: 'zoe', gid: 1600, members: ['ann'] }],
  };
  const target = machine(t, { passwd: 'zoe:x:1200:1200::/home/zoe:/bin/sh\n', group: 'zoe:x:1200:\n' });
  const items = bring(forged, target);
  assert.equal(actions(items)['member:ann:zoe'], 'withhold');
  assert.equal(lineOf(target, '/etc/group', 'zoe'), 'zoe:x:1200:');
});

test('what breaks after a restore is seen', (t) => {
  const { content } = capture(accountsArea, source(t));
  const edits: [string, string, (text: string) => string, string][] = [
    ['user:ann', '/etc/passwd', (text) => text.replace(/^ann:.*\n/mu, ''), 'failed'],
    ['user:ann', '/etc/passwd', (text) => text.replace('ann:x:1000:', 'ann:x:1010:'), 'failed'],
    ['user:ann', '/etc/passwd', (text) => text.replace(':/home/ann:', ':/home/other:'), 'failed'],
    ['user:ann', '/etc/passwd', (text) => text.replace(':/home/ann:/bin/bash', ':/home/ann:/bin/gone'), 'failed'],
    ['user:ann', '/etc/passwd', (text) => text.replace('ann:x:1000:1000', 'ann:x:1000:100'), 'person'],
    ['password:ann', '/etc/shadow', (text) => text.replace(/^ann:[^:]*/mu, 'ann:!'), 'failed'],
    ['password:ann', '/etc/shadow', (text) => text.replace(/^ann:[^:]*/mu, `ann:${SHA}`), 'person'],
    ['password:ann', '/etc/shadow', (text) => text.replace(':0:90:', ':0:99999:'), 'failed'],
    ['password:ann', '/etc/shadow', (text) => text.replace(/^ann:.*\n/mu, ''), 'failed'],
    ['group:lab', '/etc/group', (text) => text.replace('lab:x:1500', 'lab:x:1501'), 'failed'],
    ['member:bob:lab', '/etc/group', (text) => text.replace('ann,bob', 'ann'), 'person'],
    ['member:ann:sudo', '/etc/group', (text) => text.replace('sudo:x:27:ann', 'sudo:x:27:'), 'person'],
    ['subids:ann', '/etc/subuid', (text) => text.replace('ann:100000:65536', 'ann:100000:10'), 'failed'],
    ['subids:ann', '/etc/subgid', () => '', 'failed'],
  ];
  for (const [id, path, edit, verdict] of edits) {
    const target = machine(t, {}, { '/usr/bin/zsh': { mode: 0o755 } });
    bring(content, target, { allowPrivileged: true });
    const all = accountsArea.check(content, target, ABOUT);
    assert.ok(
      all.every((item) => item.verdict === 'same'),
      id,
    );
    writeFileSync(join(target.root, path), edit(target.text(path) as string));
    const item = accountsArea.check(content, target, ABOUT).find((one) => one.id === id);
    assert.equal(item?.verdict, verdict, id);
    assert.ok(item?.remedy, id);
  }
});

test('no hash is shown to anybody', (t) => {
  const there = source(t);
  const { content } = capture(accountsArea, there);
  const shown = [
    ...planFor(accountsArea, content, machine(t)).map(({ changes, ...item }) => item),
    ...accountsArea.check(content, there, ABOUT),
  ];
  const text = JSON.stringify(shown);
  assert.equal(text.includes('$6$') || text.includes('$y$') || text.includes('F5Jx5fEx'), false);
  assert.ok(text.includes('yescrypt'));
});

test('a machine without shadow passwords gets no accounts, and is told why', (t) => {
  const { content } = capture(accountsArea, source(t));
  const bare = machineWith(t, { '/etc/passwd': BASE['/etc/passwd'], '/etc/group': BASE['/etc/group'] });
  const items = bring(content, bare);
  assert.ok(items.every(({ action, detail }) => action === 'withhold' && detail.includes('/etc/shadow')));
});
