import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { type OwnerTable, ownersFor, ownersOf } from '../../../src/state/areas/accounts/owners.ts';
import type { AccountsContent, User } from '../../../src/state/areas/accounts/schema.ts';
import type { System } from '../../../src/state/areas/base/system.ts';
import { machineWith } from '../support/machine.ts';

const person = (username: string, uid: number, more: Partial<User> = {}): User => ({
  username,
  uid,
  gid: uid,
  description: '',
  directory: `/home/${username}`,
  shell: '/bin/bash',
  subuids: [],
  subgids: [],
  ...more,
});

const accounts = (users: User[], more: Partial<AccountsContent> = {}): AccountsContent => ({
  users,
  groups: users.map(({ username, gid }) => ({ groupname: username, gid, members: [] })),
  memberships: [],
  system_users: [{ username: 'www-data', uid: 33 }],
  system_groups: [{ groupname: 'crontab', gid: 105 }],
  ...more,
});

const SYSTEM_PASSWD = 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:41:41::/var/www:/usr/sbin/nologin\n';
const SYSTEM_GROUP = 'root:x:0:\nwww-data:x:41:\ncrontab:x:101:\nsudo:x:27:\n';

function target(t: TestContext, passwd = '', group = '', more: Record<string, string> = {}): System {
  return machineWith(t, { '/etc/passwd': SYSTEM_PASSWD + passwd, '/etc/group': SYSTEM_GROUP + group, ...more });
}

const usage =
  (code = 'usage') =>
  (error: unknown) =>
    error instanceof ResettleError && error.code === code;

test('who is new keeps name, id and home; who is there by name has the id and home of the target', (t) => {
  const there = target(t, 'bob:x:1007:1007::/data/bob:/bin/bash\n', 'bob:x:1007:\n');
  const owners = ownersOf(ownersFor(accounts([person('ann', 1000), person('bob', 1001)]), there, []));
  assert.deepEqual([owners.user('ann'), owners.uid(1000), owners.gid(1000)], ['ann', 1000, 1000]);
  assert.deepEqual([owners.user('bob'), owners.uid(1001), owners.gid(1001)], ['bob', 1007, 1007]);
  assert.equal(owners.home('/home/bob/.config/x'), '/data/bob/.config/x');
  assert.equal(owners.home('/home/bobby'), '/home/bobby');
});

test('accounts and groups of the system are found by name, root is nobody else, and unknown ids stay', (t) => {
  const owners = ownersOf(ownersFor(accounts([person('ann', 1000)]), target(t), []));
  assert.deepEqual([owners.uid(33), owners.gid(105), owners.group('crontab')], [41, 101, 'crontab']);
  assert.deepEqual([owners.uid(0), owners.gid(0), owners.uid(4711)], [0, 0, 4711]);
});

test('an id that somebody else has becomes the next free one, and the private group goes with it', (t) => {
  const there = target(t, 'zoe:x:1000:1000::/home/zoe:/bin/bash\n', 'zoe:x:1000:\n');
  const table = ownersFor(accounts([person('ann', 1000), person('bob', 1001)]), there, []);
  const owners = ownersOf(table);
  // bob keeps his: ann takes what is free after him.
  assert.deepEqual([owners.uid(1000), owners.uid(1001)], [1002, 1001]);
  assert.deepEqual([owners.gid(1000), owners.gid(1001)], [1002, 1001]);
});

test('a person who gets another name gets that home and mail spool, or those of whoever is there', (t) => {
  const fresh = ownersOf(ownersFor(accounts([person('ann', 1000)]), target(t), [{ from: 'ann', to: 'anna' }]));
  assert.deepEqual([fresh.user('ann'), fresh.uid(1000), fresh.group('ann')], ['anna', 1000, 'anna']);
  assert.equal(fresh.home('/home/ann'), '/home/anna');
  assert.equal(fresh.home('/var/mail/ann'), '/var/mail/anna');
  const there = target(t, 'anna:x:1005:1005::/data/anna:/bin/bash\n', 'anna:x:1005:\n');
  const merged = ownersOf(ownersFor(accounts([person('ann', 1000)]), there, [{ from: '1000', to: '1005' }]));
  assert.deepEqual([merged.user('ann'), merged.uid(1000), merged.gid(1000)], ['anna', 1005, 1005]);
  assert.equal(merged.home('/home/ann/x'), '/data/anna/x');
});

test('a private group is not spread to a group that others are in', (t) => {
  const there = target(t, 'ann:x:1000:100::/home/ann:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\n', 'users:x:100:\n');
  const table = ownersFor(accounts([person('ann', 1000)]), there, []);
  assert.deepEqual(
    table.groups.filter(({ from }) => from === 'ann'),
    [{ from: 'ann', fromGid: 1000, to: 'ann', toGid: 1000, isNew: true }],
  );
});

test('a person never becomes an account of the system that has the same name', (t) => {
  const owners = ownersOf(ownersFor(accounts([person('www-data', 1000)], { system_users: [] }), target(t), []));
  assert.equal(owners.user('www-data'), 'www-data-user');
  assert.equal(owners.uid(1000), 1000);
});

test('a home that is another person’s on the target is not given away', (t) => {
  const there = target(t, 'zoe:x:1000:1000::/home/ann:/bin/bash\n');
  const owners = ownersOf(ownersFor(accounts([person('ann', 1001, { directory: '/home/ann' })]), there, []));
  assert.equal(owners.home('/home/ann/x'), '/home/ann-2/x');
});

test('homes in folders of the system are no homes', (t) => {
  for (const directory of ['/', '/etc', '/root/x', '/usr/bin', '/home', '/nonexistent', '/home/../etc', 'home/ann']) {
    const table = ownersFor(accounts([person('ann', 1000, { directory })]), target(t), [{ from: 'ann', to: 'anna' }]);
    assert.deepEqual([table.users[0]?.fromHome, table.users[0]?.toHome], [undefined, undefined], directory);
    assert.ok(table.paths.every(({ from }) => from.includes('mail')));
  }
});

test('subordinate ids move where they are taken, and go to the range of whoever is there', (t) => {
  const range = (start: number) => ({ subuids: [{ start, count: 65536 }], subgids: [{ start, count: 65536 }] });
  const people = accounts([person('ann', 1000, range(100_000)), person('bob', 1001, range(165_536))]);
  const there = target(t, 'bob:x:1001:1001::/home/bob:/bin/sh\n', 'bob:x:1001:\n', {
    '/etc/subuid': 'bob:100000:65536\n',
    '/etc/subgid': '',
  });
  const owners = ownersOf(ownersFor(people, there, []));
  assert.deepEqual([owners.uid(100_000), owners.uid(165_536), owners.uid(231_071)], [165_536, 100_000, 165_535]);
  assert.equal(owners.gid(100_001), 100_001);
});

test('hostile ranges of subordinate ids reach no real ids', (t) => {
  const range = { start: 0, count: 0xffff_0000 };
  const people = accounts([person('ann', 1000, { subuids: [range], subgids: [range] })]);
  const owners = ownersOf(ownersFor(people, target(t), []));
  for (const id of [0, 1, 33, 999, 60_000, 65_535]) assert.equal(owners.gid(id), id);
});

test('without a document names count, and what was asked for', (t) => {
  const there = target(t, 'anna:x:1005:1005::/data/anna:/bin/bash\n');
  const owners = ownersOf(
    ownersFor(undefined, there, [
      { from: 'ann', to: 'anna' },
      { from: '1200', to: 'anna' },
    ]),
  );
  assert.deepEqual([owners.user('ann'), owners.uid(1200), owners.uid(1000)], ['anna', 1005, 1000]);
  assert.equal(owners.home('/home/ann/x'), '/data/anna/x');
  assert.throws(() => ownersFor(undefined, there, [{ from: 'ann', to: 'nobody-here' }]), usage());
});

test('an owner that the snapshot knows by number only can be given to a person', (t) => {
  const owners = ownersOf(ownersFor(accounts([person('ann', 1000)]), target(t), [{ from: '1482400123', to: 'ann' }]));
  assert.equal(owners.uid(1_482_400_123), 1000);
});

test('what cannot be asked for is said', (t) => {
  const there = target(t, 'bob:x:1007:1007::/home/bob:/bin/sh\n');
  const people = accounts([person('ann', 1000), person('bob', 1001)]);
  const wrongs = [
    ['ann', 'root'],
    ['ann', '0'],
    ['root', 'ann'],
    ['0', 'bob'],
    ['00', 'bob'],
    ['carl', 'bob'],
    ['33', 'bob'],
    ['www-data', 'bob'],
    ['ann', 'www-data'],
    ['ann', '41'],
    ['ann', '99'],
    ['ann', '65534'],
    ['ann', 'a:b'],
    ['ann', '../etc'],
    ['ann', ''],
    ['bob', '1009'],
    ['4711', '4712'],
  ] as const;
  for (const [from, to] of wrongs)
    assert.throws(() => ownersFor(people, there, [{ from, to }]), usage(), `${from}=${to}`);
  const twice = [
    { from: 'ann', to: 'x' },
    { from: '1000', to: 'y' },
  ];
  assert.throws(() => ownersFor(people, there, twice), usage());
});

test('a full range of ids is said, not overrun', (t) => {
  const there = target(t, 'zoe:x:1000:1000::/home/zoe:/bin/sh\n', '', {
    '/etc/login.defs': 'UID_MIN 1000\nUID_MAX 1000\n',
  });
  assert.throws(() => ownersFor(accounts([person('ann', 1000)]), there, []), usage('failed'));
});

const NAMES = ['ann', 'anna', 'bob', 'carl', 'www-data', 'dora', 'sudo'];
const name = fc.constantFrom(...NAMES);
const uid = fc.oneof(fc.integer({ min: 998, max: 1008 }), fc.constantFrom(0, 33, 500, 60_001, 70_000));
const people = fc.array(fc.record({ username: name, uid, gid: uid, range: fc.integer({ min: 0, max: 5 }) }), {
  maxLength: 7,
});
const targets = fc.uniqueArray(fc.record({ username: name, uid: fc.integer({ min: 999, max: 1006 }) }), {
  maxLength: 4,
  selector: ({ username }) => username,
});
const mappings = fc.array(fc.record({ from: name, to: fc.oneof(name, fc.constantFrom('eve', '1003', '1010')) }), {
  maxLength: 2,
});

/** What the area accounts would make of the table. */
function apply(system: System, table: OwnerTable, captured: readonly User[]): void {
  const users = new Map(table.users.filter(({ isNew }) => isNew).map((user) => [user.to, user]));
  const groups = new Map(table.groups.filter(({ isNew }) => isNew).map((group) => [group.to, group]));
  const owners = ownersOf(table);
  const passwd = [...users.values()].map(({ from, to, toUid, toHome }) => {
    const gid = owners.gid(captured.find(({ username }) => username === from)?.gid ?? 0);
    return `${to}:x:${toUid}:${gid}::${toHome ?? '/nonexistent'}:/bin/sh\n`;
  });
  const group = [...groups.values()].map(({ to, toGid }) => `${to}:x:${toGid}:\n`);
  writeFileSync(join(system.root, 'etc/passwd'), system.text('/etc/passwd') + passwd.join(''));
  writeFileSync(join(system.root, 'etc/group'), system.text('/etc/group') + group.join(''));
}

const decided = (table: OwnerTable) => ({
  users: table.users.map(({ isNew, ...rest }) => rest),
  groups: table.groups.map(({ isNew, ...rest }) => rest),
  paths: table.paths,
});

test('a person with the name of a group of the system gets another one, and is not in that group', (t) => {
  const there = target(t, '', 'sudo:x:27:\n');
  const users = [person('sudo', 1000, { gid: 1000 })];
  const table = ownersFor(accounts(users), there, []);
  assert.deepEqual(
    table.users.filter(({ from }) => from === 'sudo').map(({ to, toUid }) => [to, toUid]),
    [['sudo-user', 1000]],
  );
  assert.notEqual(ownersOf(table).gid(1000), 27);
});

test('whoever is captured and whoever is there: nobody becomes root, no two become one unasked, and again is the same', (t) => {
  fc.assert(
    fc.property(people, targets, mappings, (captured, existing, asked) => {
      const users = captured.map(({ username, uid, gid, range }) => {
        const start = 100_000 + range * 65_536;
        return person(username, uid, { gid, subuids: [{ start, count: 65_536 }] });
      });
      const lines = existing.filter(({ username }) => username !== 'www-data');
      const there = target(
        t,
        lines.map(({ username, uid }) => `${username}:x:${uid}:${uid}::/home/${username}:/bin/sh\n`).join(''),
        lines.map(({ username, uid }) => `${username}:x:${uid}:\n`).join(''),
        { '/etc/subuid': 'zoe:100000:65536\n' },
      );
      let table: OwnerTable;
      try {
        table = ownersFor(accounts(users), there, asked);
      } catch (error) {
        assert.ok(usage()(error), String(error));
        return;
      }
      const owners = ownersOf(table);
      for (const id of [...captured.map(({ uid }) => uid), 33, 1005]) {
        if (id === 0) continue;
        assert.notEqual(owners.uid(id), 0);
        assert.notEqual(owners.gid(id), 0);
      }
      const unasked = table.users.filter(
        ({ from, to }) => !asked.some((one) => one.from === from || one.to === to || one.to === from),
      );
      const numbers = unasked.map(({ to, toUid }) => [to, toUid] as const);
      // Two accounts of the target may share an id; two names never become one.
      assert.equal(new Set(numbers.map(([to]) => to)).size, numbers.length);
      const added = unasked.filter(({ isNew }) => isNew).map(({ toUid }) => toUid);
      assert.equal(new Set(added).size, added.length);
      for (const { toUid } of table.users.filter(({ isNew }) => isNew)) {
        assert.ok(toUid >= 1000 && toUid <= 60_000);
        assert.ok(!lines.some(({ uid }) => uid === toUid));
      }
      apply(there, table, users);
      assert.deepEqual(decided(ownersFor(accounts(users), there, asked)), decided(table));
    }),
    { numRuns: 200 },
  );
});
