import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { applicationsWith, blockedPaths } from '../../src/state/areas/applications/index.ts';
import { type ApplicationsContent, applicationsSchema } from '../../src/state/areas/applications/schema.ts';
import { LocalSystem } from '../../src/state/areas/base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import type { Owners } from '../../src/state/areas/base/types.ts';
import { parseRule } from '../../src/state/catalogue/load.ts';
import { capture, machineWith, planFor, type TestFile, verdicts } from './support/machine.ts';

const RULES = [
  `id: firefox
name: Firefox
category: internet
detect: [~/.mozilla/firefox/profiles.ini]
packages: [firefox, firefox-esr]
snap: [firefox]
include: [~/.mozilla/firefox, ~/.mozilla/firefox/inner]
exclude: [~/.mozilla/firefox/*/cache2]
treat: [{ path: ~/.mozilla/firefox/*/key4.db, as: keyring }]
close-before: [firefox-esr]
`,
  `id: chromium
name: Chromium
category: internet
detect: ['~/.config/chromium/Local State']
packages: [chromium]
include: [~/.config/chromium]
close-before: [chromium]
one-unit-with: [keyring, wallet]
`,
  `id: keyring
name: Keyring
kind: component
category: system
detect: [~/.local/share/keyrings/*.keyring]
include: [~/.local/share/keyrings]
note: It opens with the old password.
`,
  `id: wallet
name: Wallet
category: system
detect: [~/.wallet]
`,
  `id: postgresql
name: PostgreSQL
category: database
detect: [/var/lib/postgresql/*/main/PG_VERSION]
packages: [postgresql]
include: [/var/lib/postgresql, /etc/postgresql]
never: ['/etc/postgresql/*.key']
dump: { process: postgres, advice: Run pg_dumpall. }
`,
  `id: caches
name: Caches
kind: general
category: system
exclude: [~/.cache, ~/**/Trash]
`,
].map((text) => parseRule(text, `/rules/${/^id: (.*)/.exec(text)![1]}.yaml`));

const areaWith = (rules = RULES) => applicationsWith({ rules: () => rules, nowMs: () => 0 });

const KIB = 'x'.repeat(1024);
const PASSWD = `root:x:0:0:root:/root:/bin/bash
ann:x:1000:1000:Ann:/home/ann:/bin/bash
ben:x:1001:1001:Ben:/home/ben:/bin/bash
svc:x:900:900::/srv/svc:/bin/false
`;
const MACHINE: Record<string, TestFile> = {
  '/etc/passwd': PASSWD,
  '/etc/fstab': '# disks\n/dev/sda1 / ext4 defaults 0 1\n/dev/mapper/vg-home\t/home ext4 defaults 0 2\n',
  '/var/lib/dpkg/status':
    'Package: firefox-esr\nStatus: install ok installed\n\nPackage: chromium\nStatus: deinstall ok config-files\n\nPackage: postgresql\nStatus: install ok installed\n',
  '/home/ann/.mozilla/firefox/profiles.ini': '[Profile0]',
  '/home/ann/.mozilla/firefox/a.default/places.sqlite': KIB.repeat(100),
  '/home/ann/.mozilla/firefox/a.default/cache2/big': KIB.repeat(500),
  '/home/ann/.mozilla/firefox/inner/x': 'x',
  '/home/ann/.config/chromium/Local State': '{}',
  '/home/ann/.local/share/keyrings/login.keyring': 'secret-in-a-keyring',
  '/home/ben/letter': 'x',
};
const SERVER: Record<string, TestFile> = {
  '/etc/passwd': PASSWD,
  '/var/lib/postgresql/15/main/PG_VERSION': '15',
  '/etc/postgresql/15/main/postgresql.conf': 'port = 5432',
};

/** A machine whose processes can be asked, though its root is a folder. */
class LiveMachine extends LocalSystem {
  override readonly isLive = true;
}

function live(t: TestContext, files: Record<string, TestFile>, ...running: [comm: string, uid: number][]): LiveMachine {
  const processes = running.flatMap(([comm, uid], at): [string, TestFile][] => [
    [`/proc/${100 + at}/`, { uid, gid: 0 }],
    [`/proc/${100 + at}/comm`, `${comm}\n`],
  ]);
  const { root } = machineWith(t, {
    ...files,
    '/proc/self/mounts': '/dev/sda1 / ext4 rw 0 0\n',
    ...Object.fromEntries(processes),
  });
  return new LiveMachine(root);
}

const contentOf = (t: TestContext, files = MACHINE, area = areaWith()) =>
  capture(area, machineWith(t, files)).content as ApplicationsContent;
const about = (overrides: { identity?: 'same' | 'new'; owners?: Owners } = {}) => ({
  identity: 'same' as const,
  owners: OWNERS_AS_CAPTURED,
  source: { hostname: 'old', osId: 'debian', osVersion: '12', osName: 'Debian' },
  nowMs: 0,
  ...overrides,
});

test('applications that rules detect are found with places, sizes by the rules, volumes and packages', (t) => {
  const { applications, volumes } = contentOf(t);
  assert.deepEqual(
    applications.map(({ id }) => id),
    ['firefox', 'chromium', 'keyring'],
  );
  const [firefox, chromium] = applications;
  const size = { bytes: 102_411, files: 3, at_least: false };
  assert.deepEqual(firefox?.places, [
    { path: '/home/ann/.mozilla/firefox', home: '/home/ann', username: 'ann', size, volume: '/home' },
  ]);
  assert.deepEqual(firefox?.packages, [{ name: 'firefox-esr', source: 'deb' }]);
  assert.deepEqual(chromium?.packages, []);
  assert.deepEqual(chromium?.one_unit_with, ['keyring']);
  assert.deepEqual(volumes, [{ path: '/home', device: '/dev/mapper/vg-home', type: 'ext4' }]);
});

test('only the people who are asked for are looked at, and a machine with nothing has no document', (t) => {
  const machine = machineWith(t, MACHINE);
  assert.equal(areaWith().capture(machine, { nowMs: 0, users: new Set(['ben']) }), undefined);
  assert.equal(areaWith().capture(machineWith(t, { '/etc/passwd': '' }), { nowMs: 0 }), undefined);
});

test('what lies outside of homes is a root; of settings only what no package brought', (t) => {
  const md5 = createHash('md5').update('as it came').digest('hex');
  const files = (shipped: string) => ({
    ...SERVER,
    '/etc/postgresql/shipped': shipped,
    '/etc/postgresql/host.key': 'of this machine',
    '/var/lib/dpkg/info/postgresql.list': '/etc/postgresql\n/etc/postgresql/shipped\n',
    '/var/lib/dpkg/status': `Package: postgresql\nStatus: install ok installed\nConffiles:\n /etc/postgresql/shipped ${md5}\n`,
  });
  const rootsOf = (shipped: string) => capture(areaWith(), machineWith(t, files(shipped))).roots;
  const personal = { isPersonal: false };
  const data = { path: '/var/lib/postgresql', ...personal };
  assert.deepEqual(rootsOf('as it came'), [{ path: '/etc/postgresql/15/main/postgresql.conf', ...personal }, data]);
  assert.deepEqual(rootsOf('changed'), [{ path: '/etc/postgresql', ...personal }, data]);
});

test('what rules never take is no root, also where it is all that there is of an application', (t) => {
  const rules = ['/etc/krb5.keytab', '/var/lib/fprint', '/etc/fancontrol.d'].map((path, at) =>
    parseRule(
      `id: r${at}\nname: R\ncategory: system\ndetect: ['${path}*']\nnever: ['${path}']\n`,
      `/rules/r${at}.yaml`,
    ),
  );
  const files = {
    '/etc/passwd': PASSWD,
    '/etc/krb5.keytab': 'k',
    '/var/lib/fprint/ann': 'f',
    '/etc/fancontrol.d/x': 'x',
  };
  const captured = capture(areaWith(rules), machineWith(t, files));
  assert.equal((captured.content as ApplicationsContent).applications.length, 3);
  assert.deepEqual(captured.roots, []);
});

test('on the source itself every item is as it was captured', (t) => {
  for (const files of [MACHINE, SERVER, { ...MACHINE, '/home/ann/.strange/data': KIB.repeat(2000) }]) {
    const machine = machineWith(t, files);
    const area = areaWith();
    const items = area.check(capture(area, machine).content, machine, about());
    assert.ok(items.length > 2);
    for (const item of items) {
      assert.equal(item.verdict, 'same', item.id);
      if (item.id.startsWith('application:')) assert.equal(item.observed, item.expected);
    }
    assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
  }
});

test('data that is missing, or of which most is missing, fails; a program that is not installed is a person’s', (t) => {
  const content = contentOf(t);
  const target = machineWith(t, MACHINE);
  rmSync(join(target.root, '/home/ann/.mozilla/firefox/a.default/places.sqlite'));
  rmSync(join(target.root, '/home/ann/.config/chromium'), { recursive: true });
  writeFileSync(join(target.root, '/var/lib/dpkg/status'), '');
  const items = areaWith().check(content, target, about({ identity: 'new' }));
  assert.deepEqual(verdicts(items), {
    'application:firefox': 'failed',
    'data:firefox:/home/ann/.mozilla/firefox': 'failed',
    'package:firefox': 'person',
    'application:chromium': 'failed',
    'data:chromium:/home/ann/.config/chromium': 'failed',
    'application:keyring': 'person',
    'data:keyring:/home/ann/.local/share/keyrings': 'same',
    'note:keyring': 'person',
  });
  for (const { verdict, remedy, id } of items) if (verdict !== 'same') assert.ok(remedy, id);
  assert.match(items.find(({ id }) => id === 'package:firefox')!.remedy!, /apt install firefox-esr/);
  writeFileSync(join(target.root, '/var/lib/dpkg/status'), 'Package: firefox\nStatus: install ok installed\n');
  assert.equal(verdicts(areaWith().check(content, target, about()))['package:firefox'], 'changed');
});

test('a home that has another name on the target is looked at under that name', (t) => {
  const content = contentOf(t);
  const moved = Object.entries(MACHINE).map(([path, file]) => [path.replace('/home/ann', '/home/anna'), file] as const);
  const target = machineWith(t, {
    ...Object.fromEntries(moved),
    '/etc/passwd': 'anna:x:1000:1000::/home/anna:/bin/sh\n',
  });
  const owners: Owners = {
    ...OWNERS_AS_CAPTURED,
    user: (name) => (name === 'ann' ? 'anna' : name),
    home: (path) => (path === '/home/ann' ? '/home/anna' : path),
  };
  const items = areaWith().check(content, target, about({ owners }));
  assert.ok(items.every(({ verdict }) => verdict === 'same'));
  assert.ok(items.some(({ title }) => title === 'data in /home/anna/.mozilla/firefox'));
});

test('a server that runs is left out with advice, one that does not is carried as files', (t) => {
  const area = areaWith();
  const running = live(t, SERVER, ['postgres', 900]);
  const captured = area.capture(running, { nowMs: 0 })!;
  assert.deepEqual(captured.roots, [{ path: '/etc/postgresql', isPersonal: false }]);
  assert.deepEqual(captured.couldNot, [
    { what: 'PostgreSQL', why: 'it is running, so its data is left out: Run pg_dumpall.' },
  ]);
  const content = applicationsSchema.parse(captured.content);
  const [item] = planFor(area, content, machineWith(t, {}));
  assert.equal(item?.action, 'withhold');
  assert.match(item?.detail ?? '', /pg_dumpall/);
  const data = area.check(content, running, about()).find(({ id }) => id === 'data:postgresql:/var/lib/postgresql');
  assert.equal(data?.verdict, 'person');
  assert.match(data?.remedy ?? '', /pg_dumpall/);
  assert.equal(capture(area, live(t, SERVER)).roots?.length, 2);
});

test('a program that runs on a live target as the person whose data comes has to be closed, and blocks its paths', (t) => {
  const content = contentOf(t);
  const area = areaWith();
  const target = live(t, MACHINE, ['chromium', 1001], ['firefox-esr', 1000]);
  const items = planFor(area, content, target);
  assert.deepEqual(
    items.map(({ id, action }) => `${id} ${action}`),
    ['application:firefox ask', 'application:chromium add', 'application:keyring add'],
  );
  assert.equal(items[0]?.detail, 'close Firefox (process 101 of ann) first');
  assert.deepEqual(blockedPaths(content, target, OWNERS_AS_CAPTURED), [
    { path: '/home/ann/.mozilla/firefox', remedy: 'close Firefox (process 101 of ann) first' },
  ]);
  assert.deepEqual(blockedPaths(content, machineWith(t, MACHINE), OWNERS_AS_CAPTURED), []);
});

test('what lies outside of homes comes only where root’s files are allowed', (t) => {
  const content = contentOf(t, { ...SERVER, ...MACHINE });
  const actions = (allowPrivileged: boolean) =>
    planFor(areaWith(), content, machineWith(t, {}), { allowPrivileged })
      .filter(({ id }) => id.includes('postgresql'))
      .map(({ id, action, effect }) => `${id} ${action} ${effect}`);
  const ids = ['application:postgresql', 'data:postgresql:/etc/postgresql', 'data:postgresql:/var/lib/postgresql'];
  assert.deepEqual(
    actions(true),
    ids.map((id) => `${id} add root-file`),
  );
  assert.deepEqual(
    actions(false),
    ids.map((id) => `${id} withhold root-file`),
  );
});

test('a server that runs on the target blocks its data, whoever runs it', (t) => {
  const content = contentOf(t, SERVER);
  const target = live(t, SERVER, ['postgres', 777]);
  assert.deepEqual(
    blockedPaths(content, target, OWNERS_AS_CAPTURED).map(({ remedy }) => remedy),
    Array(2).fill('stop PostgreSQL (process 100 of user id 777) first'),
  );
});

test('a browser without its keyring is told of on both sides', (t) => {
  const without = [
    ...RULES,
    parseRule('id: mine\nname: Mine\nkind: general\ncategory: system\nnever: [~/.local/share/keyrings]\n', 'mine.yaml'),
  ];
  const area = areaWith(without);
  const content = contentOf(t, MACHINE, area);
  assert.equal(content.applications.find(({ id }) => id === 'keyring')?.left_out, 'the rule mine leaves it out');
  const plan = planFor(area, content, machineWith(t, {}));
  assert.deepEqual(
    plan.map(({ id, action }) => `${id} ${action}`),
    ['application:firefox add', 'application:chromium ask', 'application:keyring ask'],
  );
  assert.match(plan[1]?.detail ?? '', /Keyring was left out/);
  assert.match(plan[2]?.detail ?? '', /one with Chromium/);
  const items = verdicts(area.check(content, machineWith(t, MACHINE), about()));
  assert.deepEqual(
    [items['unit:chromium'], items['unit:keyring'], items['unit:firefox']],
    ['person', 'person', undefined],
  );
});

test('large folders that no rule knows are listed, and missed when they are not there', (t) => {
  const files = {
    ...MACHINE,
    '/home/ann/.strange/data': KIB.repeat(3000),
    '/home/ann/.config/odd/data': KIB.repeat(2000),
    '/home/ann/.config/small/data': KIB,
    '/home/ann/.cache/data': KIB.repeat(2000),
    '/home/ann/.local/share/Trash/data': KIB.repeat(2000),
  };
  const content = contentOf(t, files);
  assert.deepEqual(
    content.unknown.map(({ path }) => path),
    ['/home/ann/.strange', '/home/ann/.config/odd'],
  );
  const [item] = areaWith().check(content, machineWith(t, MACHINE), about()).slice(-1);
  assert.deepEqual([item?.id, item?.verdict], ['folders:unknown', 'failed']);
  assert.match(item?.remedy ?? '', /\.strange/);
});

test('what takes too long to measure is measured in part, and is not taken for a loss', (t) => {
  const many = Array.from({ length: 400 }, (_, at) => [`/home/ann/.config/chromium/d${at % 7}/f${at}`, KIB]);
  const files = { ...MACHINE, ...Object.fromEntries(many) };
  let now = 0;
  const slow = applicationsWith({ rules: () => RULES, nowMs: () => now++ });
  const placeOf = ({ applications }: ApplicationsContent) =>
    applications.find(({ id }) => id === 'chromium')?.places[0];
  const inPart = placeOf(contentOf(t, files, slow));
  assert.equal(inPart?.size.at_least, true);
  assert.ok(inPart.size.files > 100 && inPart.size.files < 400);
  const whole = contentOf(t, files);
  assert.deepEqual(placeOf(whole)?.size, { bytes: 400 * 1024 + 2, files: 401, at_least: false });
  assert.ok(slow.check(whole, machineWith(t, files), about()).every(({ verdict }) => verdict === 'same'));
});

test('desktop settings are compared where there is a reader for them', (t) => {
  const readDconf = (bytes: Uint8Array) => {
    const text = Buffer.from(bytes).toString();
    return text.startsWith('GV')
      ? new Map(
          text
            .split(' ')
            .slice(1)
            .map((key) => [key, `'${key}'`]),
        )
      : undefined;
  };
  const area = applicationsWith({ rules: () => [], nowMs: () => 0, readDconf });
  const files = (text: string) => ({ '/etc/passwd': PASSWD, '/home/ann/.config/dconf/user': text });
  const captured = capture(area, machineWith(t, files('GV /a/b /c/d /e/f /g')));
  const check = (target: Record<string, TestFile>) =>
    area.check(captured.content, machineWith(t, target), about()).map(({ id, verdict }) => `${id} ${verdict}`);
  assert.deepEqual(check(files('GV /a/b /c/d /e/f /g')), ['settings:ann same']);
  assert.deepEqual(check(files('GV /a/b /c/d /e/f')), ['settings:ann changed']);
  assert.deepEqual(check(files('GV /a/b')), ['settings:ann failed']);
  assert.deepEqual(check({ '/etc/passwd': PASSWD }), ['settings:ann failed']);
  const broken = machineWith(t, { ...files('junk'), '/home/ben/.config/dconf/user': 'GV /x' });
  assert.match(capture(area, broken).couldNot[0]?.what ?? '', /home\/ann\/\.config\/dconf\/user/);
});

test('a document that is forged is refused, and one with wild names changes nothing', (t) => {
  const content = contentOf(t);
  const [first] = content.applications;
  const forged = (change: object) =>
    applicationsSchema.safeParse({ ...content, applications: [{ ...first, ...change }] });
  assert.equal(forged({}).success, true);
  assert.equal(forged({ name: 'a\nb' }).success, false);
  assert.equal(forged({ id: '../x' }).success, false);
  assert.equal(forged({ note: '\u001b[2J' }).success, false);
  assert.equal(forged({ close_before: ['systemd\n'] }).success, false);
  const size = { bytes: 1, files: 1, at_least: false };
  assert.equal(forged({ places: [{ path: '/home/ann/../../etc', size }] }).success, false);
  assert.equal(forged({ places: [{ path: '/etc/shadow', home: '/home/ann', size }] }).success, false);
  const wild = forged({ places: [{ path: '/etc/shadow', size }], one_unit_with: ['none', 'firefox'] });
  const target = machineWith(t, MACHINE);
  for (const item of planFor(areaWith(), wild.data, target)) assert.deepEqual(item.changes, []);
  assert.ok(areaWith().check(wild.data, target, about()).length > 0);
});

test('nothing of what files hold stands in a document, a plan or a checklist', (t) => {
  const machine = machineWith(t, MACHINE);
  const area = areaWith();
  const { content } = capture(area, machine);
  const texts = [content, planFor(area, content, machine), area.check(content, machine, about({ identity: 'new' }))];
  assert.doesNotMatch(JSON.stringify(texts), /secret-in-a-keyring/);
});
