import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PlanItem } from '../../../src/state/areas/base/types.ts';
import { displayArea as area } from '../../../src/state/areas/display/index.ts';
import type { Display } from '../../../src/state/areas/display/schema.ts';
import { ABOUT, capture, machineWith, planFor, putFile, restore, type TestFile, verdicts } from '../support/machine.ts';

const DCONF = readFileSync(new URL('../../vectors/dconf/written', import.meta.url));
const OTHER_DCONF = readFileSync(new URL('../../vectors/dconf/compiled', import.meta.url));
const layout = (
  rotation: string,
) => `<monitors version="2"><configuration><logicalmonitor><x>0</x><y>0</y><scale>1</scale><primary>yes</primary>
<transform><rotation>${rotation}</rotation></transform><monitor><monitorspec><connector>DP-1</connector><vendor>DEL</vendor>
<product>DELL U2415</product><serial>7MT0</serial></monitorspec><mode><width>1920</width><height>1200</height><rate>59.95</rate></mode>
</monitor></logicalmonitor></configuration></monitors>`;
const PASSWD =
  'root:x:0:0:root:/root:/bin/bash\nDebian-gdm:x:111:112::/var/lib/gdm3:/bin/false\nann:x:1000:1000:Ann:/home/ann:/bin/bash\n';
const XFCE =
  '<?xml version="1.0"?><channel name="xfce4-power-manager"><property name="xfce4-power-manager" type="empty"><property name="blank-on-ac" type="int" value="15"/><property name="show-tray-icon" type="int" value="1"/></property></channel>';
const HOME: Record<string, TestFile> = {
  '/home/ann/.config/monitors.xml': layout('left'),
  '/home/ann/.config/dconf/user': DCONF,
  '/home/ann/.config/powerdevilrc': '[AC][Display]\nTurnOffDisplayIdleTimeoutSec=1200\n',
  '/home/ann/.config/kscreenlockerrc': '[Daemon]\nTimeout=30\n',
  '/home/ann/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-power-manager.xml': XFCE,
  '/home/ann/.xprofile': '# xrandr in a comment\nxrandr --output DP-1 --rotate left\n',
  '/home/ann/.screenlayout/desk.sh': '#!/bin/sh\nxrandr --output DP-1\n',
  '/home/ann/.profile': '# if xrandr is there\n',
};
const SYSTEM: Record<string, TestFile> = {
  '/etc/passwd': PASSWD,
  '/usr/share/wayland-sessions/gnome.desktop': '',
  '/usr/share/xsessions/plasmax11.desktop': '',
  '/var/lib/gdm3/': '',
  '/var/lib/AccountsService/users/': '',
};
const SOURCE: Record<string, TestFile> = {
  ...SYSTEM,
  ...HOME,
  '/var/lib/AccountsService/users/ann':
    '[User]\nSession=gnome\nXSession=plasmax11\nIcon=/var/lib/AccountsService/icons/ann\nSystemAccount=false\n',
  '/var/lib/AccountsService/icons/ann': Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]),
  '/var/lib/gdm3/.config/monitors.xml': layout('left'),
  '/etc/X11/xorg.conf': 'Section "Device"\n  BusID "PCI:1:0:0"\nEndSection\n',
  '/etc/X11/xorg.conf.d/10-dpms.conf': 'Section "ServerFlags"\n  Option "BlankTime" "0"\nEndSection\n',
  '/etc/X11/xorg.conf.d/00-keyboard.conf': 'of another area',
};
const same = { identity: 'same' } as const;
const MONITOR = 'monitor:ann/DEL/DELL U2415/7MT0';
const source = (t: TestContext) => capture(area, machineWith(t, SOURCE)).content as Display;
const actions = (items: readonly PlanItem[]) => Object.fromEntries(items.map(({ id, action }) => [id, action]));
const notSame = (items: Record<string, string>) => Object.entries(items).filter(([, one]) => one !== 'same');

test('monitors, timeouts and sessions are known offline, without anybody’s session', (t) => {
  const { people, xorg } = source(t);
  const [ann] = people;
  assert.deepEqual(
    ann?.timeouts.map(({ name, value }) => `${name} ${value}`),
    [
      'dconf/org/gnome/desktop/session/idle-delay 60',
      'dconf/org/gnome/desktop/screensaver/lock-enabled true',
      'dconf/org/gnome/desktop/screensaver/lock-delay 0',
      "dconf/org/gnome/settings-daemon/plugins/power/sleep-inactive-ac-type 'nothing'",
      'dconf/org/gnome/settings-daemon/plugins/power/sleep-inactive-ac-timeout 3600',
      'powerdevilrc/AC/Display/TurnOffDisplayIdleTimeoutSec 1200',
      'kscreenlockerrc/Daemon/Timeout 30',
      'xfce4-power-manager/xfce4-power-manager/blank-on-ac 15',
    ],
  );
  assert.deepEqual(ann?.scripts, ['.xprofile', '.screenlayout/desk.sh']);
  assert.equal(ann?.monitors[0]?.rotation, 'left');
  assert.equal(ann?.session?.session, 'gnome');
  assert.deepEqual(
    xorg.map(({ path }) => path),
    ['/etc/X11/xorg.conf', '/etc/X11/xorg.conf.d/10-dpms.conf'],
  );
});

test('at the source itself every item is as captured', (t) => {
  const machine = machineWith(t, SOURCE);
  const { content, couldNot } = capture(area, machine);
  assert.deepEqual(couldNot, []);
  const items = area.check(content, machine, { ...ABOUT, ...same });
  assert.deepEqual(notSame(verdicts(items)), []);
  assert.equal(items.length, 15);
  const monitor = items.find(({ id }) => id === MONITOR);
  assert.equal(monitor?.expected, 'portrait (left), 1920x1200, 59.95 Hz, scale 1, at 0,0, primary');
});

test('on another machine the session is set, and a person is asked about monitors that are not there', (t) => {
  const content = source(t);
  const target = machineWith(t, { ...SYSTEM, ...HOME });
  const items = restore(area, content, target);
  assert.deepEqual(actions(items), {
    'session:ann': 'add',
    [MONITOR]: 'ask',
    'script:ann/.xprofile': 'ask',
    'script:ann/.screenlayout/desk.sh': 'ask',
    'layout:login-screen': 'add',
    'file:/etc/X11/xorg.conf': 'withhold',
    'file:/etc/X11/xorg.conf.d/10-dpms.conf': 'add',
  });
  assert.match(items.find(({ id }) => id === MONITOR)?.detail ?? '', /landscape or portrait/);
  assert.equal(
    target.text('/var/lib/AccountsService/users/ann'),
    '[User]\nSession=gnome\nXSession=plasmax11\nIcon=/var/lib/AccountsService/icons/ann\nSystemAccount=false\n',
  );
  assert.equal(target.facts('/var/lib/AccountsService/users/ann')?.mode, 0o600);
  assert.deepEqual(target.read('/var/lib/AccountsService/icons/ann'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]));
  assert.equal(target.facts('/var/lib/gdm3/.config/monitors.xml')?.uid, 111);
  assert.ok(planFor(area, content, target).every(({ changes }) => changes.length === 0));
  assert.deepEqual(notSame(verdicts(area.check(content, target, ABOUT))), [
    [MONITOR, 'person'],
    ['script:ann/.xprofile', 'person'],
    ['script:ann/.screenlayout/desk.sh', 'person'],
    ['file:/etc/X11/xorg.conf', 'failed'],
  ]);
});

test('the same machine keeps all of it', (t) => {
  const content = source(t);
  const target = machineWith(t, { ...SYSTEM, ...HOME });
  restore(area, content, target, { about: same });
  assert.deepEqual(notSame(verdicts(area.check(content, target, { ...ABOUT, ...same }))), []);
});

test('files of root’s X server are withheld unless that is allowed', (t) => {
  const items = planFor(area, source(t), machineWith(t, SYSTEM), { allowPrivileged: false, about: same });
  assert.deepEqual(
    items.filter(({ action }) => action === 'withhold').map(({ id, effect }) => `${id} ${effect}`),
    ['file:/etc/X11/xorg.conf root-file', 'file:/etc/X11/xorg.conf.d/10-dpms.conf root-file'],
  );
});

test('whoever has another name on the target has its session, home and picture under it', (t) => {
  const content = source(t);
  const moved = Object.entries(HOME).map(([path, file]) => [path.replace('/home/ann', '/home/anna'), file]);
  const target = machineWith(t, {
    ...SYSTEM,
    '/etc/passwd': PASSWD.replaceAll('ann:', 'anna:'),
    ...Object.fromEntries(moved),
  });
  const owners = {
    ...ABOUT.owners,
    user: (name: string) => (name === 'ann' ? 'anna' : name),
    home: (path: string) => path.replace('/home/ann', '/home/anna'),
  };
  restore(area, content, target, { about: { ...same, owners } });
  assert.match(
    target.text('/var/lib/AccountsService/users/anna') ?? '',
    /^Icon=\/var\/lib\/AccountsService\/icons\/anna$/m,
  );
  assert.deepEqual(notSame(verdicts(area.check(content, target, { ...ABOUT, ...same, owners }))), []);
});

test('a session that was chosen on the target stays; one that it has not, or a user, is asked about', (t) => {
  const content = source(t);
  const chosen = machineWith(t, {
    ...SYSTEM,
    '/usr/share/xsessions/i3.desktop': '',
    '/var/lib/AccountsService/users/ann': '[User]\nSession=i3\n',
  });
  assert.equal(actions(restore(area, content, chosen))['session:ann'], 'ask');
  assert.equal(chosen.text('/var/lib/AccountsService/users/ann'), '[User]\nSession=i3\n');
  const { '/usr/share/xsessions/plasmax11.desktop': _, ...rest } = SYSTEM;
  assert.match(
    planFor(area, content, machineWith(t, rest))[0]?.detail ?? '',
    /^install the desktop whose session is plasmax11/,
  );
  const nobody = machineWith(t, { ...SYSTEM, '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' });
  const made = actions(planFor(area, content, nobody));
  assert.equal(made['session:ann'], 'ask');
  assert.equal(made['layout:login-screen'], 'ask');
});

test('a picture is one of the home, wherever a document says it is', (t) => {
  const content = source(t);
  const [ann] = content.people;
  const picture = (iconPath: string) => {
    const target = machineWith(t, SYSTEM);
    const document = { ...content, people: [{ ...ann, home: '/etc', session: { session: 'gnome', iconPath } }] };
    restore(area, area.schema.parse(document), target);
    return /^Icon=(.*)$/m.exec(target.text('/var/lib/AccountsService/users/ann') ?? '')?.[1];
  };
  assert.equal(picture('/home/ann/.face'), '/home/ann/.face');
  assert.equal(picture('/etc/shadow'), undefined);
});

test('a document that smuggles names or paths is refused', (t) => {
  const content = source(t);
  const [ann] = content.people;
  assert.ok(ann);
  const person = (change: Record<string, unknown>) => ({ ...content, people: [{ ...ann, ...change }] });
  const wrong = [
    person({ name: '../../etc/passwd' }),
    person({ name: 'a\nb' }),
    person({ session: { session: 'x\nIcon=/etc/shadow' } }),
    person({ session: { session: '../evil' } }),
    person({ session: { iconPath: '/home/ann/../../etc/shadow' } }),
    person({ timeouts: [{ name: 'dconf/x', value: '\u001b[2J' }] }),
    person({ scripts: ['../../etc/cron.d/x'] }),
    person({ monitors: [{ ...ann.monitors[0], rotation: 'evil' }] }),
    { ...content, xorg: [{ path: '/etc/shadow', mode: 0o644, uid: 0, gid: 0, text: '' }] },
    { ...content, xorg: [{ path: '/etc/X11/xorg.conf.d/00-keyboard.conf', mode: 0o644, uid: 0, gid: 0, text: '' }] },
  ];
  for (const document of wrong)
    assert.equal(area.schema.safeParse(document).success, false, JSON.stringify(document).slice(0, 200));
  const loginScreen = { path: '/etc/shadow', mode: 0o4777, uid: 0, gid: 0, text: layout('left') };
  const target = machineWith(t, SYSTEM);
  restore(area, area.schema.parse({ ...content, loginScreen }), target);
  assert.equal(target.facts('/etc/shadow'), undefined);
  assert.equal(target.facts('/var/lib/gdm3/.config/monitors.xml')?.mode, 0o644);
  const link = { path: '/x', mode: 0o777, uid: 0, gid: 0, link: '/etc/shadow' };
  const [item] = planFor(area, { ...content, people: [], xorg: [], loginScreen: link }, machineWith(t, SYSTEM));
  assert.equal(item?.action, 'withhold');
});

test('a home that holds anything at all is captured without harm', (t) => {
  const machine = machineWith(t, {
    ...SYSTEM,
    '/home/ann/.config/monitors.xml': layout('left').replace('DELL U2415', '\u001b[2J').replace('1920', '1e999'),
    '/home/ann/.config/dconf/user': { link: '/etc/passwd' },
    '/home/ann/.config/kwinoutputconfig.json': '[{"name":"outputs","data":[{"edidHash":"x","mode":{"width":"evil"}}]}]',
    '/home/ann/.config/powerdevilrc': '=[[]\n[AC][Display]\nTurnOffDisplayIdleTimeoutSec=\u0007\n',
    '/home/ann/.local/share/kscreen/x': '{',
    '/home/ann/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-power-manager.xml': '<a><b>',
    '/home/ann/.xprofile': 'xrandr\n',
  });
  const { content } = capture(area, machine);
  assert.deepEqual((content as Display).people[0]?.monitors, []);
  assert.deepEqual((content as Display).people[0]?.timeouts, []);
});

test('whatever breaks after a restore is seen', (t) => {
  const content = source(t);
  const breaks: readonly [string, string, (root: string) => void][] = [
    [MONITOR, 'failed', (root) => putFile(root, '/home/ann/.config/monitors.xml', layout('normal'))],
    [MONITOR, 'failed', (root) => rmSync(join(root, 'home/ann/.config/monitors.xml'))],
    [
      'timeout:ann/dconf/org/gnome/desktop/session/idle-delay',
      'person',
      (root) => putFile(root, '/home/ann/.config/dconf/user', OTHER_DCONF),
    ],
    [
      'timeout:ann/dconf/org/gnome/desktop/session/idle-delay',
      'failed',
      (root) => rmSync(join(root, 'home/ann/.config/dconf/user')),
    ],
    [
      'timeout:ann/powerdevilrc/AC/Display/TurnOffDisplayIdleTimeoutSec',
      'failed',
      (root) => rmSync(join(root, 'home/ann/.config/powerdevilrc')),
    ],
    [
      'timeout:ann/xfce4-power-manager/xfce4-power-manager/blank-on-ac',
      'person',
      (root) =>
        putFile(
          root,
          '/home/ann/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-power-manager.xml',
          XFCE.replace('15', '5'),
        ),
    ],
    [
      'timeout:ann/dconf/org/gnome/desktop/session/idle-delay',
      'person',
      // It was not chosen to come.
      (root) => rmSync(join(root, 'home/ann'), { recursive: true }),
    ],
    ['session:ann', 'failed', (root) => rmSync(join(root, 'var/lib/AccountsService/users/ann'))],
    ['session:ann', 'person', (root) => rmSync(join(root, 'var/lib/AccountsService/icons/ann'))],
    ['script:ann/.xprofile', 'failed', (root) => rmSync(join(root, 'home/ann/.xprofile'))],
    ['layout:login-screen', 'failed', (root) => rmSync(join(root, 'var/lib/gdm3/.config/monitors.xml'))],
    ['layout:login-screen', 'person', (root) => putFile(root, '/var/lib/gdm3/.config/monitors.xml', layout('right'))],
    [
      'file:/etc/X11/xorg.conf.d/10-dpms.conf',
      'failed',
      (root) => rmSync(join(root, 'etc/X11/xorg.conf.d/10-dpms.conf')),
    ],
  ];
  for (const [id, verdict, spoil] of breaks) {
    const target = machineWith(t, { ...SYSTEM, ...HOME });
    restore(area, content, target, { about: same });
    assert.equal(verdicts(area.check(content, target, { ...ABOUT, ...same }))[id], 'same', id);
    spoil(target.root);
    const item = area.check(content, target, { ...ABOUT, ...same }).find((one) => one.id === id);
    assert.equal(item?.verdict, verdict, id);
    assert.ok(item?.remedy, id);
  }
});

test('only the named people’s displays are captured', (t) => {
  const two = `${PASSWD}bob:x:1001:1001::/home/bob:/bin/sh\n`;
  const machine = machineWith(t, { ...SOURCE, '/etc/passwd': two, '/home/bob/.config/dconf/user': DCONF });
  const { content } = capture(area, machine, ['bob']);
  assert.deepEqual(
    (content as Display).people.map(({ name }) => name),
    ['bob'],
  );
});
