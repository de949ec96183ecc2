import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { LocalSystem } from '../../src/state/areas/base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import { servicesArea } from '../../src/state/areas/services/index.ts';
import { presetsOf } from '../../src/state/areas/services/presets.ts';
import type { ServicesContent } from '../../src/state/areas/services/schema.ts';
import {
  isUnitName,
  listOf,
  parseUnit,
  type UnitSetting,
  unitProblem,
  writeUnit,
} from '../../src/state/areas/services/unit-file.ts';
import { Units } from '../../src/state/areas/services/units.ts';
import { validateServices } from '../../src/state/areas/services/validate.ts';
import { liveView } from './support/live-view.ts';
import { ABOUT, capture, machineWith, planFor, putFile, restore, type TestFile, verdicts } from './support/machine.ts';

const OWN =
  '[Unit]\nDescription=Lab agent\n\n[Service]\nUser=ann\nExecStart=/home/ann/bin/agent --flag\n\n[Install]\nWantedBy=multi-user.target\n';
const PACKAGED = '[Service]\nExecStart=/usr/sbin/x\n[Install]\nWantedBy=multi-user.target\nAlias=other.service\n';

/** Units that packages brought, as a fresh machine has them. */
const PACKAGES: Record<string, TestFile> = {
  '/usr/lib/systemd/system/on.service': PACKAGED.replace('other', 'on-too'),
  '/usr/lib/systemd/system/off.service': PACKAGED,
  '/usr/lib/systemd/system/tpl@.service':
    '[Service]\nExecStart=/bin/x %i\n[Install]\nWantedBy=multi-user.target\nAlso=off.service\n',
  '/usr/lib/systemd/system/noisy.service': PACKAGED.replace('other', 'noisy-too'),
  '/usr/lib/systemd/system/quiet.service': PACKAGED.replace('other', 'quiet-too'),
  '/usr/lib/systemd/system/systemd-networkd.service': PACKAGED.replace('other', 'net'),
  '/usr/lib/systemd/system-preset/90.preset': 'disable off.service\nenable *\n',
  '/var/lib/dpkg/info/tool.list':
    '/usr/lib/systemd/system/off.service\n/lib/systemd/system/on.service\n/etc/init.d/packaged\n',
  '/etc/init.d/packaged': '#!/bin/sh\n',
  '/etc/rc2.d/README': '',
  '/etc/systemd/system/multi-user.target.wants/quiet.service': { link: '/lib/systemd/system/quiet.service' },
  '/etc/systemd/system/multi-user.target.wants/on.service': { link: '/lib/systemd/system/on.service' },
  '/etc/systemd/system/multi-user.target.wants/noisy.service': { link: '/lib/systemd/system/noisy.service' },
  '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service': {
    link: '/lib/systemd/system/systemd-networkd.service',
  },
};

const source = (t: TestContext) => {
  const machine = machineWith(t, {
    ...PACKAGES,
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/bash\n',
    '/etc/systemd/system/agent.service': OWN,
    '/etc/systemd/system/multi-user.target.wants/agent.service': { link: '/etc/systemd/system/agent.service' },
    '/etc/systemd/system/on.service.d/limits.conf': '[Service]\nLimitNOFILE=4096\n',
    '/etc/systemd/system/multi-user.target.wants/off.service': { link: '/lib/systemd/system/off.service' },
    '/etc/systemd/system/multi-user.target.wants/tpl@a.service': { link: '/lib/systemd/system/tpl@.service' },
    '/etc/systemd/system/quiet.service': { link: '/dev/null' },
    '/etc/systemd/system/backup.timer': '[Timer]\nOnCalendar=daily\nUnit=nightly.service\n',
    '/etc/systemd/system/nightly.service': OWN,
    '/etc/systemd/system/getty@tty1.service.d/autologin.conf': '[Service]\nExecStart=\n',
    '/etc/systemd/system/agent.service.bak': 'nothing',
    '/etc/init.d/lab': { content: '#!/bin/sh\n# lab\n', mode: 0o755 },
    '/etc/rc2.d/S01lab': { link: '../init.d/lab' },
    '/etc/rc2.d/S01packaged': { link: '../init.d/packaged' },
    '/etc/rc.local': { content: '#!/bin/sh\nexit 0\n', mode: 0o755 },
    '/home/ann/.config/systemd/user/sync.service': OWN,
  });
  rmSync(join(machine.root, 'etc/systemd/system/multi-user.target.wants/noisy.service'));
  return machine;
};

const target = (t: TestContext, more: Record<string, TestFile> = {}) => machineWith(t, { ...PACKAGES, ...more });
const idsOf = (content: unknown) => {
  const { files, units, runLevels } = content as ServicesContent;
  return [...files.map(({ path }) => path), ...units.map((unit) => `${unit.id} ${unit.unit_file_state}`), ...runLevels];
};

test('what no package brought and what differs from the preset is taken, and the source has it as captured', (t) => {
  const machine = source(t);
  const { content } = capture(servicesArea, machine);
  assert.deepEqual(idsOf(content), [
    '/etc/systemd/system/agent.service',
    '/etc/systemd/system/on.service.d/limits.conf',
    '/etc/init.d/lab',
    '/etc/rc.local',
    'agent.service enabled',
    'noisy.service disabled',
    'off.service enabled',
    'on.service enabled',
    'quiet.service masked',
    'tpl@a.service enabled',
    'rc2.d/S01lab',
  ]);
  assert.equal((content as ServicesContent).units.find(({ id }) => id === 'off.service')?.package, 'tool');
  const items = servicesArea.check(content, machine, { ...ABOUT, identity: 'same' });
  assert.deepEqual([...new Set(items.map(({ verdict }) => verdict))], ['same']);
});

test('units, drop-ins, links and scripts are made as systemctl and update-rc.d make them', (t) => {
  const { content } = capture(servicesArea, source(t));
  const machine = target(t, { '/home/ann/.config/systemd/user/sync.service': OWN });
  restore(servicesArea, content, machine);
  assert.equal(machine.text('/etc/systemd/system/agent.service'), OWN);
  const wants = '/etc/systemd/system/multi-user.target.wants';
  assert.equal(machine.readLink(`${wants}/agent.service`), '/etc/systemd/system/agent.service');
  assert.equal(machine.readLink(`${wants}/off.service`), '/lib/systemd/system/off.service');
  assert.equal(machine.readLink('/etc/systemd/system/other.service'), '/lib/systemd/system/off.service');
  assert.equal(machine.readLink(`${wants}/tpl@a.service`), '/lib/systemd/system/tpl@.service');
  assert.equal(machine.readLink(`${wants}/noisy.service`), undefined);
  assert.equal(machine.readLink('/etc/systemd/system/quiet.service'), '/dev/null');
  assert.equal(machine.readLink('/etc/rc2.d/S01lab'), '../init.d/lab');
  const items = servicesArea.check(content, machine, ABOUT);
  assert.deepEqual([...new Set(items.map(({ verdict }) => verdict))], ['same']);
  assert.deepEqual(
    planFor(servicesArea, content, machine).flatMap(({ changes }) => changes),
    [],
  );
});

test('systemctl itself says of the restored machine what was captured', (t) => {
  const { content } = capture(servicesArea, source(t));
  const machine = target(t);
  restore(servicesArea, content, machine);
  for (const { id, unit_file_state } of (content as ServicesContent).units) {
    const said = new LocalSystem('/').run('systemctl', [`--root=${machine.root}`, 'is-enabled', id]);
    if (said === undefined) {
      t.diagnostic('systemctl is not installed here: the links were compared by hand above');
      return;
    }
    assert.equal(said.stdout.trim().split('\n')[0], unit_file_state, `${id}: ${said.stderr}`);
  }
});

test('whether a packaged timer runs is carried; timers of one’s own and what they start are another area’s', (t) => {
  const timer = '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n';
  const machine = source(t);
  putFile(machine.root, '/usr/lib/systemd/system/apt-daily.timer', timer);
  const { content } = capture(servicesArea, machine);
  const fresh = target(t, {
    '/usr/lib/systemd/system/apt-daily.timer': timer,
    '/etc/systemd/system/timers.target.wants/apt-daily.timer': { link: '/lib/systemd/system/apt-daily.timer' },
  });
  restore(servicesArea, content, fresh);
  assert.equal(fresh.readLink('/etc/systemd/system/timers.target.wants/apt-daily.timer'), undefined);
  assert.ok(!JSON.stringify(content).includes('nightly'));
});

test('homes that lie on a server are not looked into', (t) => {
  const machine = source(t);
  putFile(machine.root, '/etc/fstab', 'server:/home /home nfs4 defaults 0 0\n');
  assert.deepEqual((capture(servicesArea, machine).content as ServicesContent).userUnits, []);
});

test('nothing that root runs comes without being allowed', (t) => {
  const { content } = capture(servicesArea, source(t));
  const items = planFor(servicesArea, content, target(t), { allowPrivileged: false });
  assert.deepEqual(
    items.flatMap(({ changes }) => changes),
    [],
  );
  for (const id of [
    'file:/etc/systemd/system/agent.service',
    'file:/etc/rc.local',
    'unit:off.service',
    'unit:noisy.service',
  ]) {
    assert.equal(items.find((item) => item.id === id)?.action, 'withhold', id);
  }
});

test('a unit without its package is asked about, with the package’s name', (t) => {
  const { content } = capture(servicesArea, source(t));
  const machine = target(t);
  rmSync(join(machine.root, 'usr/lib/systemd/system/off.service'));
  const item = planFor(servicesArea, content, machine).find(({ id }) => id === 'unit:off.service');
  assert.equal(item?.action, 'ask');
  assert.match(item?.detail ?? '', /package tool/);
  assert.equal(verdicts(servicesArea.check(content, machine, ABOUT))['unit:off.service'], 'person');
});

test('a unit that the machine may be reached through is asked about, never changed', (t) => {
  const machine = source(t);
  rmSync(join(machine.root, 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service'));
  const { content } = capture(servicesArea, machine);
  const item = planFor(servicesArea, content, target(t)).find(({ id }) => id === 'unit:systemd-networkd.service');
  assert.equal(item?.action, 'ask');
});

test('people who have another name here have it in their units too', (t) => {
  const { content } = capture(servicesArea, source(t));
  const machine = target(t);
  const owners = {
    ...OWNERS_AS_CAPTURED,
    user: (name: string) => (name === 'ann' ? 'anna' : name),
    home: (path: string) => (path === '/home/ann' ? '/home/anna' : path),
  };
  restore(servicesArea, content, machine, { about: { owners } });
  const text = machine.text('/etc/systemd/system/agent.service') ?? '';
  assert.match(text, /^User=anna$/m);
  assert.match(text, /^ExecStart=\/home\/anna\/bin\/agent --flag$/m);
  const checked = verdicts(servicesArea.check(content, machine, { ...ABOUT, owners }));
  assert.equal(checked['file:/etc/systemd/system/agent.service'], 'changed');
  assert.equal(checked['file:/etc/systemd/system/on.service.d/limits.conf'], 'same');
});

test('what is broken after a restore has failed', (t) => {
  const { content } = capture(servicesArea, source(t));
  const machine = target(t);
  restore(servicesArea, content, machine);
  const at = (path: string) => join(machine.root, path);
  writeFileSync(at('etc/systemd/system/agent.service'), 'other');
  rmSync(at('etc/systemd/system/on.service.d/limits.conf'));
  rmSync(at('etc/systemd/system/multi-user.target.wants/off.service'));
  rmSync(at('etc/systemd/system/other.service'));
  rmSync(at('etc/systemd/system/quiet.service'));
  rmSync(at('etc/rc2.d/S01lab'));
  const items = servicesArea.check(content, machine, ABOUT);
  const checked = verdicts(items);
  for (const id of [
    'file:/etc/systemd/system/agent.service',
    'file:/etc/systemd/system/on.service.d/limits.conf',
    'unit:off.service',
    'unit:quiet.service',
    'run-levels:lab',
    'user-unit:/home/ann/.config/systemd/user/sync.service',
  ]) {
    assert.equal(checked[id], 'failed', id);
  }
  assert.ok(items.every(({ verdict, remedy }) => (verdict !== 'failed' && verdict !== 'person') || remedy));
});

test('a unit that this machine has changed stays, and a person compares the two', (t) => {
  const { content } = capture(servicesArea, source(t));
  const machine = target(t, { '/etc/systemd/system/agent.service': OWN.replace('agent', 'mine') });
  const item = planFor(servicesArea, content, machine).find(
    ({ id }) => id === 'file:/etc/systemd/system/agent.service',
  );
  assert.equal(item?.action, 'ask');
});

test('a forged document makes no link to a file of its choice, and no other file', (t) => {
  const file = {
    mode: 0o6755,
    uid: 0,
    gid: 0,
    text: '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=../../../etc.target\nAlias=../x.service passwd\n',
  };
  const forged = {
    files: [
      { ...file, path: '/etc/cron.d/x' },
      { ...file, path: '/etc/systemd/system/evil.service' },
      { ...file, path: '/etc/systemd/system/broken.service', text: '[Service]\nnonsense\n' },
      { ...file, path: '/etc/systemd/system/none.service', text: '[Unit]\nDescription=x\n' },
      { ...file, path: '/etc/systemd/system/multi-user.target.wants/x.service' },
      { path: '/etc/systemd/system/link.service', mode: 0o777, uid: 0, gid: 0, link: '/tmp/evil' },
      { ...file, path: '/etc/systemd/system/getty@tty1.service' },
    ],
    units: [
      { id: 'evil.service', unit_file_state: 'enabled' },
      { id: 'getty@tty1.service', unit_file_state: 'masked' },
    ],
    runLevels: ['rc2.d/S01nothing'],
    userUnits: [],
  };
  const items = planFor(servicesArea, servicesArea.schema.parse(forged), target(t));
  const changes = items.flatMap((item) => item.changes);
  assert.deepEqual(
    changes.map(({ kind, path }) => `${kind} ${path}`),
    ['file /etc/systemd/system/evil.service'],
  );
  assert.ok(changes.every((change) => change.kind === 'file' && change.mode === 0o644));
  for (const units of [
    [{ id: '../x.service', unit_file_state: 'masked' }],
    [{ id: 'x.service\n', unit_file_state: 'masked' }],
  ]) {
    assert.equal(servicesArea.schema.safeParse({ ...forged, units }).success, false);
  }
  assert.equal(servicesArea.schema.safeParse({ ...forged, runLevels: ['rc2.d/S01../x'] }).success, false);
});

test('a unit file that was written reads as it was, and any text reads', () => {
  const key = fc.stringMatching(/^[A-Z][A-Za-z]{1,10}$/);
  const value = fc.stringMatching(/^([A-Za-z0-9/=%;"'-][A-Za-z0-9 /=%;"'-]{0,20}[A-Za-z0-9])?$/);
  const setting: fc.Arbitrary<UnitSetting> = fc
    .tuple(fc.constantFrom('Unit', 'Service', 'Install'), key, value)
    .map(([section, name, text]) => ({ section, key: name, value: text }));
  fc.assert(
    fc.property(fc.array(setting, { maxLength: 12 }), (settings) => {
      assert.deepEqual(parseUnit(writeUnit(settings)), { settings, wrongLines: [] });
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => typeof (unitProblem('a.service', text) ?? '') === 'string'));
  const text = '[Service]\nExecStart=/bin/a \\\n# between\n  --flag\nExecStart=\nExecStart=/bin/b\n';
  assert.deepEqual(parseUnit(text).settings[0]?.value.split(/\s+/), ['/bin/a', '--flag']);
  assert.deepEqual(listOf(parseUnit(text), 'Service', 'ExecStart'), ['/bin/b']);
});

test('presets are taken in order of names, those of /etc before, and the first that names a unit holds', (t) => {
  const machine = machineWith(t, {
    '/usr/lib/systemd/system-preset/10-a.preset': 'enable a.service\n# comment\ndisable [ab].service\n',
    '/usr/lib/systemd/system-preset/90-b.preset': 'disable c*.service\nenable *\n',
    '/etc/systemd/system-preset/90-b.preset': 'disable d?.service\n',
  });
  const isPreset = presetsOf(machine);
  assert.deepEqual(
    ['a', 'b', 'cx', 'dx', 'e'].map((name) => isPreset(`${name}.service`)),
    [true, false, true, false, true],
  );
});

test('a unit file that systemd would pass over is found when it has changed', (t) => {
  const path = '/etc/systemd/system/a.service';
  const machine = target(t, { [path]: '[Service]\nno setting\n', '/etc/systemd/system/b.service': OWN });
  const validate = (paths: string[]) => validateServices(machine, new Set(paths));
  assert.deepEqual(validate([path, '/etc/systemd/system/b.service']), [
    { what: path, why: 'line 2 is neither a setting nor a section' },
  ]);
  assert.deepEqual(validate(['/etc/systemd/system/b.service', '/etc/rc.local']), []);
});

test('unit names are taken by the letter', () => {
  for (const name of ['a.service', 'a@.service', 'a@b.socket', 'dev-sda\\x2d1.swap']) assert.ok(isUnitName(name), name);
  for (const name of [
    'a',
    'a.conf',
    '../a.service',
    'a/b.service',
    'a b.service',
    `${'a'.repeat(260)}.service`,
    '.service.d',
  ]) {
    assert.ok(!isUnitName(name), name);
  }
});

test('a live machine reads its units again, and says when it cannot', (t) => {
  const machine = target(t);
  const asked: string[] = [];
  const view = liveView(machine, {
    systemctl: (args) => {
      asked.push(args.join(' '));
      return { status: 1, stderr: 'no bus' };
    },
  });
  assert.deepEqual(servicesArea.activate?.(view, new Set(['/etc/systemd/system/a.service'])), [
    { what: 'systemctl daemon-reload', why: 'no bus' },
  ]);
  assert.deepEqual(servicesArea.activate?.(view, new Set(['/etc/rc.local'])), []);
  assert.deepEqual(servicesArea.activate?.(machine, new Set(['/etc/systemd/system/a.service'])), []);
  assert.deepEqual(asked, ['daemon-reload']);
  assert.equal(new Units(machine).state('nothing.service'), undefined);
});

test('what the machine starts into comes along where it was chosen; what does not stay up is withheld', (t) => {
  const units = { '/usr/lib/systemd/system/multi-user.target': '', '/usr/lib/systemd/system/poweroff.target': '' };
  const chosen = machineWith(t, {
    ...units,
    '/etc/systemd/system/default.target': { link: '/lib/systemd/system/multi-user.target' },
  });
  const { content } = capture(servicesArea, chosen);
  const there = target(t, units);
  assert.equal(verdicts(servicesArea.check(content, chosen, ABOUT))['default-target'], 'same');
  assert.equal(verdicts(servicesArea.check(content, there, ABOUT))['default-target'], 'failed');
  const actions = (more: unknown, allowPrivileged = true) =>
    planFor(servicesArea, { ...(content as object), ...(more as object) }, there, { allowPrivileged })
      .filter(({ id }) => id === 'default-target')
      .map(({ action }) => action);
  assert.deepEqual(actions({}, false), ['withhold']);
  assert.deepEqual(actions({ defaultTarget: 'poweroff.target' }), ['withhold']);
  assert.deepEqual(actions({ defaultTarget: 'lab.target' }), ['ask']);
  restore(servicesArea, content, there);
  assert.equal(there.readLink('/etc/systemd/system/default.target'), '/lib/systemd/system/multi-user.target');
  assert.equal(verdicts(servicesArea.check(content, there, ABOUT))['default-target'], 'same');
  assert.deepEqual(actions({}), ['same']);
});
