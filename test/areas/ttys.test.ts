import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { PlanItem } from '../../src/state/areas/base/types.ts';
import { ttysArea as area } from '../../src/state/areas/ttys/index.ts';
import type { Ttys } from '../../src/state/areas/ttys/schema.ts';
import { LOGIND, settingFileOf } from '../../src/state/areas/ttys/setting-files.ts';
import { readSettings, writeSetting } from '../../src/state/areas/ttys/settings.ts';
import { ABOUT, capture, machineWith, planFor, putFile, restore, type TestFile, verdicts } from './support/machine.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const ISSUE = 'Debian GNU/Linux 12 \\n \\l\n';
const LOGIND_SHIPPED = '# comment\n\n[Login]\n#NAutoVTs=6\n#HandleLidSwitch=suspend\n';
const AUTOLOGIN = '[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin ann --noclear %I $TERM\n';
const XKB =
  '# Written by systemd-localed(8)\nSection "InputClass"\n  Identifier "system-keyboard"\n  MatchIsKeyboard "on"\n  Option "XkbLayout" "de"\nEndSection\n';
const SYSTEM: Record<string, TestFile> = {
  '/var/lib/dpkg/info/base-files.list': '/etc/issue\n',
  '/var/lib/dpkg/status': `Conffiles:\n /etc/issue ${md5(ISSUE)}\n /etc/systemd/logind.conf ${md5(LOGIND_SHIPPED)}\n`,
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
  '/lib/systemd/system/getty@.service': 'x',
  '/lib/systemd/system/serial-getty@.service': 'x',
  '/etc/systemd/system/getty.target.wants/getty@tty1.service': { link: '/lib/systemd/system/getty@.service' },
};
const CONSOLE = 'ACTIVE_CONSOLES="/dev/tty[1-6]"\n\nCHARMAP="UTF-8"\nFONTFACE="Fixed"\nFONTSIZE="8x16"\n';
const SOURCE: Record<string, TestFile> = {
  ...SYSTEM,
  '/etc/issue': 'The lab’s machine\n',
  '/etc/default/keyboard':
    '# comment\nXKBMODEL="pc105"\nXKBLAYOUT="de"\nXKBVARIANT="nodeadkeys"\nXKBOPTIONS=""\nBACKSPACE="guess"\n',
  '/etc/default/console-setup': CONSOLE.replace('Fixed', 'Terminus'),
  '/etc/systemd/logind.conf': LOGIND_SHIPPED.replace('#HandleLidSwitch=suspend', 'HandleLidSwitch=ignore'),
  '/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service': {
    link: '/usr/lib/systemd/system/serial-getty@.service',
  },
  '/etc/systemd/system/getty@tty6.service': { link: '/dev/null' },
  '/etc/systemd/system/getty@tty1.service.d/autologin.conf': AUTOLOGIN,
  '/etc/udev/rules.d/60-serial.rules': 'SUBSYSTEM=="tty", MODE="0660"\n',
  '/etc/udev/rules.d/70-persistent-net.rules': 'ATTR{address}=="aa:bb", NAME="lan0"\n',
  '/etc/X11/xorg.conf.d/00-keyboard.conf': XKB,
};
const TARGET: Record<string, TestFile> = {
  ...SYSTEM,
  '/etc/issue': ISSUE,
  '/etc/default/keyboard':
    '# ours\nXKBMODEL="pc105"\nXKBLAYOUT="us"\nXKBVARIANT=""\nXKBOPTIONS=""\n\nBACKSPACE="guess"\n',
  '/etc/default/console-setup': CONSOLE,
  '/etc/systemd/logind.conf': LOGIND_SHIPPED,
};
const source = (t: TestContext) => capture(area, machineWith(t, SOURCE)).content as Ttys;
const actions = (items: readonly PlanItem[]) => Object.fromEntries(items.map(({ id, action }) => [id, action]));
const notSame = (items: Record<string, string>) => Object.entries(items).filter(([, one]) => one !== 'same');

test('at the source itself every item is as captured', (t) => {
  const machine = machineWith(t, SOURCE);
  const { content, couldNot } = capture(area, machine);
  assert.deepEqual(couldNot, []);
  const items = area.check(content, machine, { ...ABOUT, identity: 'same' });
  assert.ok(items.every(({ group }) => group === 'ttys'));
  assert.deepEqual(notSame(verdicts(items)), []);
  assert.equal(items.length, 18);
});

test('a restore sets what nobody chose on the target, keeps its lines, and a second one has nothing to do', (t) => {
  const content = source(t);
  const target = machineWith(t, TARGET);
  const items = restore(area, content, target);
  assert.deepEqual(Object.fromEntries(Object.entries(actions(items)).filter(([, action]) => action !== 'same')), {
    'setting:keyboard/XKBLAYOUT': 'replace',
    'setting:keyboard/XKBVARIANT': 'replace',
    'setting:console-setup/FONTFACE': 'replace',
    'setting:logind.conf/HandleLidSwitch': 'add',
    'getty:serial-getty@ttyS0': 'add',
    'getty:getty@tty6': 'add',
    'file:/etc/X11/xorg.conf.d/00-keyboard.conf': 'add',
    'file:/etc/issue': 'replace',
    'file:/etc/udev/rules.d/60-serial.rules': 'add',
    'file:/etc/udev/rules.d/70-persistent-net.rules': 'withhold',
    'file:/etc/systemd/system/getty@tty1.service.d/autologin.conf': 'add',
  });
  assert.equal(
    target.text('/etc/default/keyboard'),
    '# ours\nXKBMODEL="pc105"\nXKBLAYOUT="de"\nXKBVARIANT="nodeadkeys"\nXKBOPTIONS=""\n\nBACKSPACE="guess"\n',
  );
  assert.equal(target.text('/etc/systemd/logind.conf'), `${LOGIND_SHIPPED}HandleLidSwitch=ignore\n`);
  assert.ok(planFor(area, content, target).every(({ changes }) => changes.length === 0));
  assert.deepEqual(notSame(verdicts(area.check(content, target, ABOUT))), [
    ['file:/etc/udev/rules.d/70-persistent-net.rules', 'failed'],
  ]);
});

test('the same machine keeps its rules for adapters', (t) => {
  const content = source(t);
  const target = machineWith(t, TARGET);
  restore(area, content, target, { about: { identity: 'same' } });
  assert.deepEqual(notSame(verdicts(area.check(content, target, { ...ABOUT, identity: 'same' }))), []);
});

test('what root would run is withheld unless that is allowed', (t) => {
  const items = planFor(area, source(t), machineWith(t, TARGET), { allowPrivileged: false });
  assert.deepEqual(
    items.filter(({ action }) => action === 'withhold').map(({ id, effect }) => `${id} ${effect}`),
    [
      'file:/etc/udev/rules.d/60-serial.rules udev',
      'file:/etc/udev/rules.d/70-persistent-net.rules udev',
      'file:/etc/systemd/system/getty@tty1.service.d/autologin.conf root-runs',
    ],
  );
});

test('who is logged in by himself is named as he is named on the target', (t) => {
  const content = source(t);
  const target = machineWith(t, TARGET);
  const owners = { ...ABOUT.owners, user: (name: string) => (name === 'ann' ? 'anna' : name) };
  restore(area, content, target, { about: { owners } });
  const path = '/etc/systemd/system/getty@tty1.service.d/autologin.conf';
  assert.equal(target.text(path), AUTOLOGIN.replace('ann', 'anna'));
  assert.equal(verdicts(area.check(content, target, { ...ABOUT, owners }))[`file:${path}`], 'same');
});

test('what was chosen on the target stays: a keyboard wholly, not in parts', (t) => {
  const content = source(t);
  const target = machineWith(t, {
    ...TARGET,
    '/etc/default/keyboard': 'XKBMODEL="pc105"\nXKBLAYOUT="fr"\n',
    '/etc/systemd/logind.conf': '[Login]\nHandleLidSwitch=hibernate\n[Other]\nx=1\n',
    '/etc/issue': 'ours',
  });
  const made = actions(restore(area, content, target));
  for (const id of [
    'setting:keyboard/XKBLAYOUT',
    'setting:keyboard/XKBVARIANT',
    'setting:logind.conf/HandleLidSwitch',
    'file:/etc/issue',
  ]) {
    assert.equal(made[id], 'ask', id);
  }
  assert.equal(target.text('/etc/default/keyboard'), 'XKBMODEL="pc105"\nXKBLAYOUT="fr"\n');
});

test('a target without such files or terminals is asked about', (t) => {
  const { '/etc/default/keyboard': _, '/lib/systemd/system/serial-getty@.service': __, ...rest } = TARGET;
  const made = actions(planFor(area, source(t), machineWith(t, rest)));
  assert.equal(made['setting:keyboard/XKBLAYOUT'], 'ask');
  assert.equal(made['getty:serial-getty@ttyS0'], 'ask');
});

test('a value that a shell would do something with is not captured, and a document with one is refused', (t) => {
  const machine = machineWith(t, { ...SOURCE, '/etc/default/keyboard': 'XKBLAYOUT="de"\nXKBMODEL="$(evil)"\n' });
  const { content, couldNot } = capture(area, machine);
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    ['XKBMODEL in /etc/default/keyboard'],
  );
  const good = content as Ttys;
  const path = '/etc/default/keyboard';
  const file = { path: '/etc/udev/rules.d/a.rules', mode: 0o644, uid: 0, gid: 0, text: '' };
  const wrong: Record<string, unknown>[] = [
    { settings: [{ path, values: [{ name: 'XKBLAYOUT', value: '$(evil)' }] }] },
    { settings: [{ path, values: [{ name: 'XKBLAYOUT', value: '"; evil; "' }] }] },
    { settings: [{ path, values: [{ name: 'XKBLAYOUT', value: 'a\nb' }] }] },
    { settings: [{ path, values: [{ name: 'PATH', value: 'x' }] }] },
    { settings: [{ path: '/etc/default/cron', values: [{ name: 'X', value: 'x' }] }] },
    { links: [{ path: '/etc/systemd/system/getty.target.wants/evil.service', target: '/tmp/evil.service' }] },
    { links: [{ path: '/etc/systemd/system/getty.target.wants/getty@tty1.service', target: '/tmp/getty@.service' }] },
    { links: [{ path: '/etc/systemd/system/ssh.service', target: '/dev/null' }] },
    { links: [{ path: '/etc/systemd/system/getty.target.wants/../x', target: '/dev/null' }] },
    { files: [{ ...file, path: '/etc/shadow' }] },
    { files: [{ ...file, path: '/etc/systemd/system/ssh.service.d/x.conf' }] },
    { files: [{ ...file, path: '/etc/udev/rules.d/a/b.rules' }] },
    { files: [{ ...file, path: '/etc/udev/rules.d/a\nb' }] },
    { files: [{ ...file, path: '/etc/systemd/systemgetty@tty1.service' }] },
  ];
  for (const change of wrong) {
    assert.equal(area.schema.safeParse({ ...good, ...change }).success, false, JSON.stringify(change));
  }
});

test('a keyboard’s section that loads something, and an issue with orders to the terminal, are root’s files', (t) => {
  const content = source(t);
  const files = content.files.map((file) => {
    if (file.path.endsWith('00-keyboard.conf'))
      return { ...file, text: `${XKB}Section "Files"\nModulePath "/tmp"\nEndSection\n` };
    return file.path === '/etc/issue' ? { ...file, text: '\u001b[2J' } : file;
  });
  const items = planFor(area, { ...content, files }, machineWith(t, TARGET), { allowPrivileged: false });
  for (const id of ['file:/etc/X11/xorg.conf.d/00-keyboard.conf', 'file:/etc/issue']) {
    assert.equal(items.find((item) => item.id === id)?.effect, 'root-file', id);
  }
});

test('whatever breaks after a restore is seen', (t) => {
  const content = source(t);
  const units = 'etc/systemd/system';
  const breaks: readonly [string, string, (root: string) => void][] = [
    ['setting:keyboard/XKBLAYOUT', 'person', (root) => putFile(root, '/etc/default/keyboard', 'XKBLAYOUT="fr"\n')],
    ['setting:keyboard/XKBLAYOUT', 'failed', (root) => putFile(root, '/etc/default/keyboard', '')],
    ['setting:logind.conf/HandleLidSwitch', 'failed', (root) => putFile(root, LOGIND, LOGIND_SHIPPED)],
    [
      'getty:serial-getty@ttyS0',
      'failed',
      (root) => rmSync(join(root, units, 'getty.target.wants/serial-getty@ttyS0.service')),
    ],
    ['getty:getty@tty6', 'failed', (root) => rmSync(join(root, units, 'getty@tty6.service'))],
    ['file:/etc/issue', 'person', (root) => putFile(root, '/etc/issue', ISSUE)],
    [
      'file:/etc/udev/rules.d/60-serial.rules',
      'failed',
      (root) => rmSync(join(root, 'etc/udev/rules.d/60-serial.rules')),
    ],
  ];
  for (const [id, verdict, spoil] of breaks) {
    const target = machineWith(t, TARGET);
    restore(area, content, target);
    assert.equal(verdicts(area.check(content, target, ABOUT))[id], 'same', id);
    spoil(target.root);
    const item = area.check(content, target, ABOUT).find((one) => one.id === id);
    assert.equal(item?.verdict, verdict, id);
    assert.ok(item?.remedy, id);
  }
});

test('a setting of a section changes nothing outside of it', (t) => {
  const line = fc.constantFrom('[Login]', '[Other]', '#A=1', 'A=1', 'B=2', '');
  const file = settingFileOf(LOGIND);
  assert.ok(file);
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('A', 'C'), (lines, name) => {
      const text = lines.map((one) => `${one}\n`).join('');
      const made = writeSetting(text, file, { name, value: 'v' });
      const others = (some: string) => some.split('\n').filter((one) => one !== '' && !/^[AC]=/.test(one));
      assert.deepEqual(
        others(made).filter((one) => one !== '[Login]'),
        others(text).filter((one) => one !== '[Login]'),
      );
      assert.equal(writeSetting(made, file, { name, value: 'v' }), made);
    }),
    { numRuns: 300 },
  );
  const machine = machineWith(t, { [LOGIND]: '[Other]\nA=0\n[Login]\nA=1\n[Third]\nA=2\n' });
  assert.deepEqual(readSettings(machine, file), [{ name: 'A', value: '1' }]);
});
