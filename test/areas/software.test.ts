import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import { installScript, softwareArea } from '../../src/state/areas/software/index.ts';
import { isSound } from '../../src/state/areas/software/managers.ts';
import { installedPackages, stanzasOf, writeStanzas } from '../../src/state/areas/software/packages.ts';
import type { SoftwareContent } from '../../src/state/areas/software/schema.ts';
import { ABOUT, capture, machineWith, planFor, restore, type TestFile, verdicts } from './support/machine.ts';

const stanza = (name: string, version: string, more = '') =>
  `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n${more}`;
const LIST = 'deb [signed-by=/etc/apt/keyrings/lab.gpg] https://apt.lab.org bookworm main\n';
const CRATES =
  '[v1]\n"ripgrep 14.1.0 (registry+https://github.com/rust-lang/crates.io-index)" = ["rg"]\n"own 1.0 (path+file:///x)" = ["own"]\n';

const source = (t: TestContext) =>
  machineWith(t, {
    '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/bash\n',
    '/var/lib/dpkg/status': [
      stanza('vim', '2:9.0', 'Description: editor\n with a second line\n'),
      stanza('curl', '7.88').replace('install ok', 'hold ok'),
      stanza('libcurl4', '7.88'),
      stanza('bash', '5.2', 'Essential: yes\n'),
      stanza('libx1', '1', 'Section: libs\n'),
      'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n',
    ].join('\n'),
    '/var/lib/apt/extended_states': 'Package: libcurl4\nArchitecture: amd64\nAuto-Installed: 1\n',
    '/etc/apt/sources.list.d/lab.list': LIST,
    '/etc/apt/keyrings/lab.gpg': new Uint8Array([0x99, 1, 0xff, 0]),
    '/etc/apt/preferences.d/lab': 'Package: *\nPin: origin apt.lab.org\nPin-Priority: 100\n',
    '/etc/apt/auth.conf.d/lab.conf': { content: 'machine apt.lab.org login a password hunter2\n', mode: 0o600 },
    '/var/lib/flatpak/app/org.gimp.GIMP/current/active/deploy': 'flathub\0abc',
    '/var/lib/snapd/snaps/code_123.snap': '',
    '/var/lib/snapd/snaps/core22_9.snap': '',
    '/var/lib/snapd/state.json': '{"data":{"snaps":{"code":{"channel":"latest/stable","classic":true}}}}',
    '/usr/local/lib/node_modules/@lab/tool/package.json': '{"version":"1.2.3"}',
    '/usr/local/lib/node_modules/npm/package.json': '{"version":"10.0.0"}',
    '/home/ann/.local/share/pipx/venvs/httpie/pipx_metadata.json': '{"main_package":{"package_version":"3.2.2"}}',
    '/home/ann/.local/lib/python3.11/site-packages/lab_kit-0.4.dist-info/METADATA': '',
    '/home/ann/.cargo/.crates.toml': CRATES,
  });

const fresh = (t: TestContext, more: Record<string, TestFile> = {}) =>
  machineWith(t, {
    '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/bash\n',
    '/etc/apt/': '',
    '/var/lib/dpkg/status': stanza('vim', '2:9.1'),
    ...more,
  });

test('what somebody asked for is told from what came along, and from what others than dpkg installed', (t) => {
  const machine = source(t);
  const { content } = capture(softwareArea, machine);
  const { debPackages, sources, others, codename } = content as SoftwareContent;
  assert.deepEqual(debPackages, [
    { name: 'vim', version: '2:9.0', isHeld: false },
    { name: 'curl', version: '7.88', isHeld: true },
  ]);
  assert.equal(codename, 'bookworm');
  assert.equal(sources.length, 4);
  assert.deepEqual(others, [
    { manager: 'flatpak', name: 'org.gimp.GIMP', origin: 'flathub' },
    { manager: 'snap', name: 'code', isClassic: true, origin: 'latest/stable' },
    { manager: 'npm', name: '@lab/tool', version: '1.2.3' },
    { manager: 'pipx', name: 'httpie', version: '3.2.2', user: 'ann' },
    { manager: 'pip', name: 'lab-kit', version: '0.4', user: 'ann' },
    { manager: 'cargo', name: 'ripgrep', version: '14.1.0', user: 'ann' },
  ]);
  const items = softwareArea.check(content, machine, { ...ABOUT, identity: 'same' });
  assert.deepEqual([...new Set(items.map(({ verdict }) => verdict))], ['same']);
  assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
});

test('sources come, programs are only named, and the check says which are missing', (t) => {
  const { content } = capture(softwareArea, source(t));
  const machine = fresh(t);
  const items = restore(softwareArea, content, machine);
  assert.equal(machine.text('/etc/apt/sources.list.d/lab.list'), LIST);
  assert.deepEqual(machine.read('/etc/apt/keyrings/lab.gpg'), Buffer.from([0x99, 1, 0xff, 0]));
  assert.equal(machine.facts('/etc/apt/auth.conf.d/lab.conf')?.mode, 0o600);
  const deb = items.find(({ id }) => id === 'packages:deb');
  assert.equal(deb?.action, 'ask');
  assert.match(deb?.detail ?? '', /missing are curl:/);
  assert.ok(!JSON.stringify(items.map(({ changes: _, ...rest }) => rest)).includes('hunter2'));
  const checked = verdicts(softwareArea.check(content, machine, ABOUT));
  assert.deepEqual(
    [checked['package:vim'], checked['package:curl'], checked['snap::code']],
    ['changed', 'person', 'person'],
  );
  assert.equal(checked['source:/etc/apt/sources.list.d/lab.list'], 'same');
});

test('sources are withheld unless allowed, and those of another release are asked about', (t) => {
  const { content } = capture(softwareArea, source(t));
  const withheld = planFor(softwareArea, content, fresh(t), { allowPrivileged: false });
  assert.deepEqual(
    withheld.flatMap(({ changes }) => changes),
    [],
  );
  assert.equal(withheld[0]?.effect, 'package-source');
  const later = fresh(t, { '/etc/os-release': 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n' });
  const items = planFor(softwareArea, content, later);
  assert.equal(items.find(({ id }) => id.startsWith('source:'))?.action, 'ask');
  assert.equal(items.find(({ id }) => id.startsWith('keyring:'))?.action, 'add');
  assert.equal(
    verdicts(softwareArea.check(content, later, ABOUT))['source:/etc/apt/sources.list.d/lab.list'],
    'person',
  );
});

test('a source that is gone or another one has failed', (t) => {
  const { content } = capture(softwareArea, source(t));
  const machine = fresh(t);
  restore(softwareArea, content, machine);
  rmSync(join(machine.root, 'etc/apt/keyrings/lab.gpg'));
  writeFileSync(join(machine.root, 'etc/apt/sources.list.d/lab.list'), 'deb https://elsewhere x main\n');
  chmodSync(join(machine.root, 'etc/apt/auth.conf.d/lab.conf'), 0o644);
  const checked = verdicts(softwareArea.check(content, machine, ABOUT));
  for (const id of [
    'source:/etc/apt/sources.list.d/lab.list',
    'keyring:/etc/apt/keyrings/lab.gpg',
    'account:/etc/apt/auth.conf.d/lab.conf',
  ]) {
    assert.equal(checked[id], 'failed', id);
  }
});

/** Runs a script with programs that only write down how they were called. */
function runWithStubs(t: TestContext, script: string): string[] {
  const { root } = machineWith(t, { '/bin/': '' });
  const log = join(root, 'log');
  for (const name of ['apt-get', 'apt-cache', 'flatpak', 'snap', 'npm', 'pipx', 'cargo', 'runuser', 'id', 'touch']) {
    writeFileSync(
      join(root, 'bin', name),
      `#!/bin/sh\nprintf '%s' '${name}' >>'${log}'\nfor a; do printf '|%s' "$a" >>'${log}'; done\necho >>'${log}'\n`,
    );
    chmodSync(join(root, 'bin', name), 0o755);
  }
  mkdirSync(join(root, 'home'));
  writeFileSync(join(root, 'script'), script);
  writeFileSync(log, '');
  const done = spawnSync('/bin/sh', [join(root, 'script')], {
    env: { PATH: join(root, 'bin') },
    cwd: join(root, 'home'),
    encoding: 'utf8',
  });
  assert.equal(done.status, 0, done.stderr);
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

test('the script installs what is missing, as root and as the person under the name of today', (t) => {
  const { content } = capture(softwareArea, source(t));
  const owners = { ...OWNERS_AS_CAPTURED, user: (name: string) => (name === 'ann' ? 'anna' : name) };
  const script = installScript(content as SoftwareContent, fresh(t), owners);
  assert.deepEqual(runWithStubs(t, script), [
    'apt-get|update',
    'apt-cache|show|curl',
    'apt-get|install|curl',
    'flatpak|install|flathub|org.gimp.GIMP',
    'snap|install|--classic|--channel=latest/stable|code',
    'npm|install|--global|@lab/tool',
    'runuser|-u|anna|--|pipx|install|httpie',
    'runuser|-u|anna|--|cargo|install|ripgrep',
  ]);
  assert.match(script, /^# pip of anna: lab-kit$/m);
  assert.match(script, /^# apt-mark hold 'curl'/m);
});

test('where nothing is missing the script does nothing', (t) => {
  const machine = source(t);
  const { content } = capture(softwareArea, machine);
  assert.deepEqual(runWithStubs(t, installScript(content as SoftwareContent, machine)), []);
  const items = planFor(softwareArea, content, machine);
  assert.deepEqual([...new Set(items.map(({ action }) => action))], ['same']);
});

test('no name of a forged document becomes a command', (t) => {
  const odd = ["x'; touch pwned; '", '$(touch pwned)', '-oDebug::x', 'a\ntouch pwned', '`id`', 'ok', '--help'];
  const forged: SoftwareContent = {
    codename: 'book.*worm',
    debPackages: odd.map((name) => ({ name, version: "1'\n touch pwned", isHeld: true })),
    sources: [],
    others: odd.flatMap((name) => [
      ...(['flatpak', 'snap', 'npm', 'pipx', 'pip', 'cargo'] as const).map((manager) => ({
        manager,
        name,
        user: 'ann',
      })),
      { manager: 'snap' as const, name: 'code', origin: name },
      { manager: 'pipx' as const, name: 'code', user: name },
    ]),
  };
  const script = installScript(softwareArea.schema.parse(forged) as SoftwareContent, fresh(t));
  const called = runWithStubs(t, script);
  assert.ok(called.length > 3);
  assert.ok(
    called.every((line) => !/pwned|\bid\b|^touch/.test(line)),
    called.join('\n'),
  );
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 30 }), (name) => {
      if (isSound({ manager: 'npm', name })) assert.doesNotMatch(name, /[\s'"$`;&|<>()\\]|^-/);
      if (isSound({ manager: 'snap', name: 'a', origin: name, user: name }))
        assert.doesNotMatch(name, /[\s'"$`;&|<>()\\]|^-/);
    }),
  );
});

test('a forged document writes no other file, and no source that was not root’s', (t) => {
  const file = { mode: 0o4777, uid: 0, gid: 0, text: 'deb https://x y z\n' };
  const forged = {
    codename: '',
    debPackages: [],
    others: [],
    sources: [
      { ...file, path: '/etc/apt/apt.conf.d/99run' },
      { ...file, path: '/etc/apt/sources.list.d/a/b.list' },
      { ...file, path: '/etc/apt/sources.list.d/theirs.list', uid: 1000 },
      { path: '/etc/apt/sources.list.d/link.list', mode: 0o777, uid: 0, gid: 0, link: '/tmp/evil' },
      { ...file, path: '/etc/apt/sources.list.d/good.list' },
    ],
  };
  const changes = planFor(softwareArea, softwareArea.schema.parse(forged), fresh(t)).flatMap((item) => item.changes);
  assert.deepEqual(
    changes.map(({ path }) => path),
    ['/etc/apt/sources.list.d', '/etc/apt/sources.list.d/good.list'],
  );
  assert.ok(changes.every((change) => change.kind === 'folder' || (change.kind === 'file' && change.mode === 0o644)));
});

test('stanzas that were written read as they were, and any text reads', (t) => {
  const field = fc.tuple(
    fc.stringMatching(/^[a-z][a-z-]{0,10}$/),
    fc.stringMatching(/^[A-Za-z0-9:][A-Za-z0-9 :.+~-]{0,20}[a-z0-9]$/),
  );
  const stanzas = fc.array(
    fc.array(field, { minLength: 1, maxLength: 6 }).map((fields) => new Map(fields)),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(fc.property(stanzas, (all) => assert.deepEqual([...stanzasOf(writeStanzas(all))], all)));
  fc.assert(fc.property(fc.string(), (text) => assert.ok([...stanzasOf(text)].every((fields) => fields.size > 0))));
  assert.equal(
    installedPackages(
      machineWith(t, { '/var/lib/dpkg/status': 'Package: a b\nStatus: install ok installed\nVersion: 1\n' }),
    ).size,
    0,
  );
});
