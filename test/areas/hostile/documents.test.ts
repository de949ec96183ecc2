import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ResettleError } from '../../../src/common/errors.ts';
import { forgeMachine, SOURCE } from './support/forged.ts';
import { planForged } from './support/planned.ts';
import { restoreOnto } from './support/restored.ts';
import { accounts, person, personal, TARGET } from './support/target.ts';
import { HOSTILE_AREAS } from './support/wishes.ts';

const ALLOWED = { allowPrivileged: true, identity: 'same' } as const;
const file = (path: string, more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ path, mode: 0o644, uid: 0, gid: 0, text: 'x\n', ...more },
});
const withFile = (area: string, list: string, bad: unknown) => ({
  [area]: { ...(HOSTILE_AREAS[area] as Record<string, unknown>), [list]: [bad] },
});
const ann = (more: Readonly<Record<string, unknown>>) => ({ accounts: accounts([person('ann', 1001, more)]) });

/** Documents that no schema takes: the area stays out whole, with the reason, and the others go on. */
const WRONG: readonly (readonly [reason: string, areas: Readonly<Record<string, unknown>>])[] = [
  ['a line end in the name of a person begins another account', ann({ description: 'x\nroot2:x:0:0::/:/bin/sh' })],
  ['a colon in the name of a person shifts the fields', ann({ description: 'x:/:/bin/sh' })],
  ['a line end in a home', ann({ directory: '/home/ann\nroot2:x:0:0::/:/bin/sh' })],
  ['a colon in a shell', ann({ shell: '/bin/sh:x' })],
  ['a control character in a shell', ann({ shell: '/bin/sh\u001b[2J' })],
  ['a colon in a password shifts the fields of shadow', ann({ shadow: { password: 'x:0:0:99999:7:::\nroot:' } })],
  ['a name of a user that climbs', { accounts: accounts([person('../root', 1001)]) }],
  ['a name of a user that is a list', { accounts: accounts([person('ann,root', 1001)]) }],
  ['a name of a user of two lines', { accounts: accounts([person('ann\nroot', 1001)]) }],
  ['a name of a user that is a number', { accounts: accounts([person('0', 1001)]) }],
  ['an id beyond 32 bits, which the kernel would cut to 0', { accounts: accounts([person('ann', 2 ** 32)]) }],
  ['an id that means "leave it" to chown', { accounts: accounts([person('ann', 2 ** 32 - 1)]) }],
  ['an id below 0', { accounts: accounts([person('ann', -1)]) }],
  ['an id that is no whole number', { accounts: accounts([person('ann', 0.5)]) }],
  [
    'a name of a group of two lines',
    { accounts: accounts([], { groups: [{ groupname: 'x\nsudo', gid: 1, members: [] }] }) },
  ],
  ['ranges of ids that end beyond 32 bits', ann({ subuids: [{ start: 100_000, count: 0xffff_fffe }] })],
  ['ld.so.preload, which every program loads', withFile('environment', 'files', file('/etc/ld.so.preload'))],
  ['a path of the environment that climbs', withFile('environment', 'files', file('/etc/profile.d/../cron.d/x'))],
  ['a relative path', withFile('services', 'files', file('etc/systemd/system/x.service'))],
  ['a path with a NUL', withFile('services', 'files', file('/etc/systemd/system/x.service\u0000'))],
  ['a path with an empty name', withFile('services', 'files', file('/etc//cron.d/x'))],
  ['a file that is text and a link', withFile('services', 'files', file('/etc/rc.local', { link: '/etc/shadow' }))],
  ['a file that is nothing', withFile('services', 'files', { ...file('/etc/rc.local'), text: undefined })],
  ['a mode of more than twelve bits', withFile('services', 'files', file('/etc/rc.local', { mode: 0o104755 }))],
  [
    'a file beyond 4 MiB',
    withFile('services', 'files', file('/etc/rc.local', { text: 'x'.repeat(4 * 1024 * 1024 + 1) })),
  ],
  ['a variable of two lines', withFile('environment', 'variables', { name: 'X', value: 'a\nLD_PRELOAD=/x' })],
  [
    'a time zone that climbs',
    { environment: { ...(HOSTILE_AREAS.environment as object), timeZone: '../../../etc/shadow' } },
  ],
  ['a shell of two lines', withFile('environment', 'shells', '/bin/sh\n/tmp/x')],
  [
    'a picture’s path of two lines, in a file of the accounts service',
    withPerson({ session: { iconPath: '/home/bob/x\n[User]\nSystemAccount=true' } }),
  ],
  ['a person whose name climbs to another’s file', withPerson({ name: '../../../etc/cron.d/x' })],
  ['a script of a home that climbs', withPerson({ scripts: ['../../etc/shadow'] })],
  ['a name of a queue that climbs', withPrinter({ name: '../../etc/cron.d/x' })],
  ['an address of a queue of two lines', withPrinter({ deviceUri: 'ipp://x\n</Printer>' })],
  [
    'a setting of a queue of two lines',
    withPrinter({ settings: [{ name: 'Info', value: 'x\nDeviceURI file:/etc/passwd' }] }),
  ],
  ['a mount point of two lines', withMount({ path: '/mnt/x\n/dev/sda1 /etc ext4' })],
  ['an option of a mount of two lines', withMount({ options: ['ro\n/dev/sda1 /etc'] })],
  ['a type of a mount with blanks', withMount({ type: 'nfs /etc none bind 0 0 #' })],
  [
    'a unit whose name climbs',
    withFile('services', 'units', { id: '../../cron.d/x.service', unit_file_state: 'enabled' }),
  ],
  [
    'a link of a run level that climbs',
    { services: { ...(HOSTILE_AREAS.services as object), runLevels: ['rc2.d/../../x'] } },
  ],
  ['a line of a crontab that is two', withFile('schedules', 'system_lines', '* * * * * bob id\n* * * * * root id')],
  ['a timer whose name climbs', withFile('schedules', 'timers', { name: '../x.timer', files: [] })],
  ['a hostname with escapes', { hostname: { hostname: '\u001b]0;owned\u0007', hosts: [], hostKeys: [] } }],
  ['a hostname of 10,000 letters', { hostname: { hostname: 'x'.repeat(10_000), hosts: [], hostKeys: [] } }],
  [
    'a name of hosts of two lines',
    { hostname: { hosts: [{ address: '1.2.3.4', hostnames: ['x\n1.2.3.4 debian.org'] }], hostKeys: [] } },
  ],
  [
    'a remark of hosts of two lines',
    { hostname: { hosts: [{ address: '1.2.3.4', hostnames: ['x'], comment: 'x\n1.2.3.4 y' }], hostKeys: [] } },
  ],
  ['a host key elsewhere', { hostname: { hosts: [], hostKeys: [file('/root/.ssh/authorized_keys')] } }],
  [
    'a getty’s link that leads elsewhere',
    {
      ttys: {
        settings: [],
        files: [],
        links: [{ path: '/etc/systemd/system/getty.target.wants/getty@tty1.service', target: '/tmp/x' }],
      },
    },
  ],
  [
    'a setting of a console that a shell would run',
    {
      ttys: {
        settings: [{ path: '/etc/default/console-setup', values: [{ name: 'FONT', value: '$(id)' }] }],
        links: [],
        files: [],
      },
    },
  ],
  [
    'a home that is a folder of the system',
    { homes: { homes: [{ username: 'ann', directory: '/etc/profile.d', uid: 1, gid: 1, mode: 0o755 }] } },
  ],
  [
    'a home that climbs',
    { homes: { homes: [{ username: 'ann', directory: '/home/../root', uid: 1, gid: 1, mode: 0o755 }] } },
  ],
  [
    'a mail spool that climbs',
    {
      homes: {
        homes: [{ username: 'ann', directory: '/home/ann', uid: 1, gid: 1, mode: 0o755, mail: '/var/mail/../x' }],
      },
    },
  ],
  [
    'a place of /usr/local that climbs',
    {
      'usr-local': {
        places: [{ path: '/usr/local/../../etc', kind: 'folder', mode: 0o755, uid: 0, gid: 0, names: [] }],
      },
    },
  ],
  ['a field that the schema does not know', ann({ isAdmin: true })],
];

function withPerson(more: Readonly<Record<string, unknown>>) {
  const bob = { name: 'bob', home: '/home/bob', monitors: [], timeouts: [], scripts: [], ...more };
  return { display: { people: [bob], xorg: [] } };
}

function withPrinter(more: Readonly<Record<string, unknown>>) {
  const { printers } = HOSTILE_AREAS.printers as { printers: object[] };
  return { printers: { ...(HOSTILE_AREAS.printers as object), printers: [{ ...printers.at(-1), ...more }] } };
}

function withMount(more: Readonly<Record<string, unknown>>) {
  const { fstab } = HOSTILE_AREAS.filesystems as { fstab: object[] };
  return { filesystems: { ...(HOSTILE_AREAS.filesystems as object), fstab: [{ ...fstab[2], ...more }] } };
}

const HEALTHY = { software: { codename: '', debPackages: [], sources: [], others: [] } };

for (const [reason, areas] of WRONG) {
  test(`no schema takes ${reason}`, (t) => {
    const [name] = Object.keys(areas);
    const plan = planForged(t, { areas: { ...areas, usual: {}, ...HEALTHY } });
    const problem = plan.problems.find(({ what }) => what === `area ${name}`);
    assert.match(problem?.why ?? '', /its document is wrong/);
    assert.ok(problem!.why.length < 400);
    assert.deepEqual(
      plan.items.filter(({ area }) => area === name),
      [],
    );
    assert.deepEqual(plan.paths, []);
  });
}

const VALID = ann({});

test('what is of a later version, unknown, missing, or of another area stays out, and the others go on', (t) => {
  const { problems, items } = planForged(t, {
    areas: VALID,
    machine: {
      areas: [
        { name: 'accounts', version: 1 },
        { name: 'services', version: 2 },
        { name: 'time-travel', version: 1 },
        { name: 'printers', version: 1 },
        { name: 'security', version: 1 },
        { name: '__proto__', version: 1 },
        { name: '../../etc/passwd', version: 1 },
      ],
    },
    documents: {
      'services.json': JSON.stringify({ area: 'services', version: 2, content: {} }),
      'security.json': JSON.stringify({ area: 'accounts', version: 1, content: VALID.accounts }),
    },
  });
  const what = problems.map((one) => one.what).sort();
  const names = ['../../etc/passwd', '__proto__', 'printers', 'security', 'services', 'time-travel'];
  assert.deepEqual(
    what,
    names.map((name) => `area ${name}`),
  );
  assert.ok(items.some(({ id }) => id === 'user:ann'));
});

test('a document of a later version whose list of areas lies about it is wrong', (t) => {
  const { problems } = planForged(t, {
    machine: { areas: [{ name: 'accounts', version: 1 }] },
    documents: { 'accounts.json': JSON.stringify({ area: 'accounts', version: 2, content: VALID.accounts }) },
  });
  assert.equal(problems[0]?.what, 'area accounts');
});

test('keys that stand twice, __proto__ and constructor change nothing but their own document', (t) => {
  const twice = JSON.stringify(VALID.accounts).replace('"users":', '"users":[{"username":"root","uid":0}],"users":');
  const polluted = '{"area":"services","version":1,"content":{"__proto__":{"files":[]},"constructor":1}}';
  const { problems, items } = planForged(t, {
    machine: { areas: ['accounts', 'services', 'applications'].map((name) => ({ name, version: 1 })) },
    documents: {
      'accounts.json': `{"area":"accounts","version":1,"content":${twice}}`,
      'services.json': polluted,
      'applications.json':
        '{"area":"applications","version":1,"content":{"applications":[],"volumes":[],"unknown":[],"settings":[{"username":"bob","home":"/home/bob","keys":{"__proto__":"x"}}]}}',
    },
  });
  assert.ok(items.some(({ id }) => id === 'user:ann'));
  assert.deepEqual(
    problems.map(({ what }) => what).filter((what) => what !== 'area applications'),
    ['area services'],
  );
  assert.equal(({} as { files?: unknown }).files, undefined);
});

test('a document that is nested a million deep is wrong, and does not end the process', (t) => {
  const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
  const { problems } = planForged(t, {
    areas: { ...VALID, services: {} },
    documents: { 'services.json': `{"area":"services","version":1,"content":${deep}}` },
  });
  assert.equal(problems[0]?.what, 'area services');
});

test('a document beyond 32 MiB is not read', (t) => {
  const { problems } = planForged(t, {
    areas: { services: {} },
    documents: { 'services.json': `{"area":"services","version":1,"content":"${'x'.repeat(32 * 1024 * 1024)}"}` },
  });
  assert.equal(problems[0]?.what, 'area services');
});

test('an area that is named a thousand times is read once', (t) => {
  const areas = Array.from({ length: 1000 }, () => ({ name: 'services', version: 1 }));
  const large = `{"area":"services","version":1,"content":"${'x'.repeat(16 * 1024 * 1024)}"}`;
  const { problems } = planForged(t, { machine: { areas }, documents: { 'services.json': large } });
  assert.deepEqual(
    problems.map(({ what }) => what),
    ['area services'],
  );
});

const MACHINES: readonly (readonly [reason: string, machine: Readonly<Record<string, unknown>>])[] = [
  ['another format', { format: 2 }],
  ['more roots than are taken', { roots: Array.from({ length: 20_001 }, (_, at) => personal(`/home/x${at}`)) }],
  ['a root that climbs', { roots: [personal('/home/../etc')] }],
  ['a root that is relative', { roots: [personal('home/ann')] }],
  ['a root that is everything', { roots: [personal('/')] }],
  ['a version that is none', { areas: [{ name: 'accounts', version: 0 }] }],
  ['a name of 5,000 letters', { source: { ...SOURCE, hostname: 'x'.repeat(5000) } }],
  ['no areas', { areas: undefined }],
];

for (const [reason, machine] of MACHINES) {
  test(`a machine’s own document with ${reason} is damaged: nothing is planned`, (t) => {
    assert.throws(() => planForged(t, { areas: VALID, machine }), { code: 'damaged' });
  });
}

test('a machine’s own document that is no JSON, or not there, is damaged', (t) => {
  assert.throws(() => planForged(t, { documents: { 'machine.json': '{' } }), { code: 'damaged' });
  const gone = (documents: string) => rmSync(join(documents, 'machine.json'));
  assert.throws(() => planForged(t, { spoil: gone }), { code: 'damaged' });
});

/** The same by the way that every restore goes: what is no regular file is no document, and nothing waits for it. */
const SPOILT: readonly (readonly [reason: string, spoil: (documents: string) => void, isDamaged: boolean])[] = [
  ['a link to a file of this machine', (at) => relink(join(at, 'accounts.json'), '/etc/passwd'), false],
  ['a link to a device without end', (at) => relink(join(at, 'accounts.json'), '/dev/zero'), false],
  ['a pipe', (at) => pipe(join(at, 'accounts.json')), false],
  ['a pipe in place of the checklist', (at) => pipe(join(at, 'checklist.json')), false],
  ['a pipe in place of the machine’s own', (at) => pipe(join(at, 'machine.json')), true],
  ['a link in place of the machine’s own', (at) => relink(join(at, 'machine.json'), '/etc/hostname'), true],
  ['a pipe of a name that is none of an area', (at) => pipe(join(at, 'other.json')), false],
  ['a link in place of their folder', (at) => moved(at), true],
];

function relink(path: string, to: string): void {
  rmSync(path, { force: true });
  symlinkSync(to, path);
}

function pipe(path: string): void {
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
}

/** As somebody with an account here could lay it out. */
function moved(documents: string): void {
  const elsewhere = join(dirname(dirname(documents)), 'elsewhere');
  renameSync(documents, elsewhere);
  symlinkSync(elsewhere, documents);
}

for (const [reason, spoil, isDamaged] of SPOILT) {
  test(`documents are regular files: ${reason}`, { timeout: 60_000 }, async (t) => {
    const snapshot = await forgeMachine(t, { areas: VALID, spoil });
    const outcome = await restoreOnto(t, snapshot, TARGET, ALLOWED, { dryRun: true });
    if (isDamaged)
      assert.ok(outcome.error instanceof ResettleError && outcome.error.code === 'damaged', `${outcome.error}`);
    else assert.equal(outcome.error, undefined);
    assert.deepEqual(outcome.changed, []);
  });
}

test('20,000 roots are looked through in a moment, and none of nobody’s comes', { timeout: 60_000 }, async (t) => {
  const roots = Array.from({ length: 20_000 }, (_, at) => personal(`/home/nobody/${at}`));
  const snapshot = await forgeMachine(t, { areas: VALID, roots, files: { '/home/nobody/1': 'x' }, paths: ['/home'] });
  const outcome = await restoreOnto(t, snapshot, TARGET, ALLOWED, { dryRun: true });
  assert.equal(outcome.error, undefined);
  assert.ok(!outcome.names.includes('/home/nobody/1'));
});

const item = (more: Readonly<Record<string, unknown>>) => ({
  ...{ area: 'accounts', id: 'user:ann', group: 'accounts', title: 'user ann', expected: 'x', observed: 'x' },
  ...{ verdict: 'same', evidence: 'x', ...more },
});

test('a checklist that says that all is well is not believed, nor one with marks of HTML or escapes shown', async (t) => {
  const checklist = [
    item({ id: 'user:nobody', title: '<script>x</script>\u001b[2J' }),
    item({ area: 'services', id: 'unit:x', verdict: 'same' }),
  ];
  const snapshot = await forgeMachine(t, { areas: VALID, checklist });
  const { applied, events } = await restoreOnto(t, snapshot, TARGET, ALLOWED);
  const { counts, lines } = applied!.areas!.checklist!;
  assert.ok(counts.failed >= 1, 'what nobody found is no success');
  assert.doesNotMatch(lines.join(''), /\p{Cc}/u);
  assert.ok(events.every((event) => event.event !== 'note' || !/\p{Cc}/u.test(event.message)));
});

test('a checklist of more items than are taken is none, and the restore goes on', (t) => {
  const checklist = Array.from({ length: 200_001 }, () => item({ title: '' }));
  const { problems, items } = planForged(t, { areas: VALID, checklist });
  assert.deepEqual(
    problems.map(({ what }) => what),
    ['the checklist of the capture'],
  );
  assert.ok(items.some(({ id }) => id === 'user:ann'));
});

test('whether the capture ran as root is its own word, and allows nothing', (t) => {
  for (const asRoot of [true, false]) {
    const { items } = planForged(t, { areas: HOSTILE_AREAS, machine: { asRoot } }, { allowPrivileged: false });
    assert.equal(items.find(({ id }) => id === 'sudoers:/etc/sudoers.d/evil')?.action, 'withhold');
  }
});

test('a PATH that holds a home lets nobody in either', async (t) => {
  const snapshot = await forgeMachine(t, {
    areas: VALID,
    files: { '/home/bob/.ssh/authorized_keys': 'k\n' },
    paths: ['/home'],
  });
  const outcome = await restoreOnto(t, snapshot, TARGET, { allowPrivileged: false, identity: 'new' });
  assert.equal(outcome.system.facts('/home/bob/.ssh/authorized_keys'), undefined);
  assert.ok(outcome.skipped.some(({ reason }) => /lets others in/.test(reason)));
});
