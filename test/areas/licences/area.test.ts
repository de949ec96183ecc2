import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { OWNERS_AS_CAPTURED } from '../../../src/state/areas/base/owners-as-captured.ts';
import { licencesArea } from '../../../src/state/areas/licences/index.ts';
import type { LicencesContent } from '../../../src/state/areas/licences/schema.ts';
import { liveView } from '../support/live-view.ts';
import { ABOUT, capture, machineWith, planFor, putFile, restore, type TestFile, verdicts } from '../support/machine.ts';

const OLD_ID = '001b2c3d4e5f';
const NEW_ID = 'a4bf01020304';
const PASSWD = 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/bash\n';
const SERVED = `# the lab's\nSERVER old ${OLD_ID} 27000\nVENDOR mlm\nINCREMENT MATLAB mlm 43 31-dec-2030 5 SIGN="AB 12"\n`;
const NODE_LOCKED = 'FEATURE comsol lmcomsol 6.1 permanent uncounted HOSTID=00:1B:2C:3D:4E:5F SIGN=CD\n';
const CLIENT = 'SERVER lm.lab.org ANY 27000\nUSE_SERVER\n';
const ANY = 'FEATURE idl idl_lmgrd 8.8 01-jan-2025 uncounted HOSTID=ANY SIGN=EF\n';

const adapter = (name: string, address: string): Record<string, TestFile> => ({
  [`/sys/class/net/${name}/address`]: `${address}\n`,
  [`/sys/class/net/${name}/device/vendor`]: '0x8086\n',
});

function oldMachine(t: TestContext, more: Record<string, TestFile> = {}) {
  return machineWith(t, {
    '/etc/hostname': 'old\n',
    '/etc/hosts': '127.0.0.1 localhost\n127.0.1.1 old.lab.org old\n',
    '/etc/passwd': PASSWD,
    ...adapter('eth0', '00:1b:2c:3d:4e:5f'),
    '/sys/class/net/lo/address': '00:00:00:00:00:00\n',
    '/sys/class/net/docker0/address': '02:42:00:00:00:01\n',
    '/usr/local/flexlm/license.dat': SERVED,
    '/usr/local/MATLAB/R2023a/licenses/network.lic': CLIENT,
    '/usr/local/MATLAB/R2023a/licenses/readme.txt': 'nothing of this is a licence',
    '/opt/comsol61/license/license.dat': NODE_LOCKED,
    '/opt/idl/idl.lic': ANY,
    '/opt/odd/odd.lic': 'k2$%&/()=',
    '/opt/product/product.license': 'You may use this on any number of computers that you own. '.repeat(30),
    '/etc/environment': 'LANG=C\nMLM_LICENSE_FILE=27000@old:27001@lm.lab.org\n',
    '/etc/profile.d/lab.sh': '# the lab\nexport LM_LICENSE_FILE="27000@old.lab.org"\n',
    '/var/hasplm/installed/12345/1_provisional.v2c': 'sealed',
    '/home/ann/.matlab/R2023a_licenses/license.lic':
      'FEATURE MATLAB MLM 43 permanent uncounted HOSTID=DISK_SERIAL_NUM=3e2e17fd SIGN=1\n',
    '/home/ann/.flexlmrc': 'MLM_LICENSE_FILE=27000@old\n',
    '/home/ann/.bashrc': 'export XILINXD_LICENSE_FILE=2100@lm.lab.org\n',
    ...more,
  });
}

const newMachine = (t: TestContext, files: Record<string, TestFile> = {}) =>
  machineWith(t, {
    '/etc/hostname': 'fresh\n',
    '/usr/local/': '',
    '/opt/': '',
    '/etc/passwd': PASSWD,
    ...adapter('enp3s0', 'A4:BF:01:02:03:04'),
    ...files,
  });

/** What the areas environment, homes and usr-local bring before. */
const BROUGHT: Record<string, TestFile> = {
  '/etc/environment': 'LANG=C\nMLM_LICENSE_FILE=27000@old:27001@lm.lab.org\n',
  '/etc/profile.d/lab.sh': '# the lab\nexport LM_LICENSE_FILE="27000@old.lab.org"\n',
  '/home/ann/.matlab/R2023a_licenses/license.lic':
    'FEATURE MATLAB MLM 43 permanent uncounted HOSTID=DISK_SERIAL_NUM=3e2e17fd SIGN=1\n',
  '/home/ann/.flexlmrc': 'MLM_LICENSE_FILE=27000@old\n',
  '/home/ann/.bashrc': 'export XILINXD_LICENSE_FILE=2100@lm.lab.org\n',
};

test('the source itself has every licence as captured, live and offline', (t) => {
  const machine = oldMachine(t);
  for (const system of [liveView(machine), machine]) {
    const { content } = capture(licencesArea, system);
    const items = licencesArea.check(content, system, { ...ABOUT, identity: 'same' });
    assert.deepEqual(new Set(items.map(({ verdict }) => verdict)), new Set(['same']));
    assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
    assert.equal(items.length, 7 + 3 + 1);
  }
});

test('licences are found by content, and only names and adapters of this machine are its own', (t) => {
  const content = capture(licencesArea, liveView(oldMachine(t))).content as LicencesContent;
  assert.deepEqual(content.hostNames, ['old', 'old.lab.org']);
  assert.deepEqual(content.hostIds, [OLD_ID]);
  assert.deepEqual(
    content.licences.map(({ file }) => file.path),
    [
      '/opt/comsol61/license/license.dat',
      '/opt/idl/idl.lic',
      '/opt/odd/odd.lic',
      '/usr/local/MATLAB/R2023a/licenses/network.lic',
      '/usr/local/flexlm/license.dat',
      '/home/ann/.flexlmrc',
      '/home/ann/.matlab/R2023a_licenses/license.lic',
    ],
  );
});

test('each licence is sorted, with the reason, and re-hosted ones say from which id to which', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const target = newMachine(t, BROUGHT);
  const items = planFor(licencesArea, content, liveView(target));
  const of = (id: string) => items.find((item) => item.id === id);
  const served = of('licence:/usr/local/flexlm/license.dat');
  assert.equal(served?.action, 'add');
  assert.match(
    served?.detail ?? '',
    /re-host: .*hands it out.*001b2c3d4e5f.*MathWorks.*from host id 001b2c3d4e5f to a4bf01020304/,
  );
  assert.match(
    of('licence:/opt/comsol61/license/license.dat')?.detail ?? '',
    /re-host: it is bound to 00:1B:2C:3D:4E:5F.*COMSOL/,
  );
  assert.match(
    of('licence:/usr/local/MATLAB/R2023a/licenses/network.lic')?.detail ?? '',
    /^portable: the server lm.lab.org hands it out$/,
  );
  assert.match(
    of('licence:/opt/idl/idl.lic')?.detail ?? '',
    /^portable: it is bound to no machine; it expired on 2025-01-01$/,
  );
  assert.deepEqual(
    ['licence:/opt/odd/odd.lic', 'store:/var/hasplm/installed', 'licence:/home/ann/.flexlmrc'].map(
      (id) => of(id)?.action,
    ),
    ['ask', 'withhold', 'ask'],
  );
  assert.match(
    of('licence:/home/ann/.matlab/R2023a_licenses/license.lic')?.detail ?? '',
    /comes with the area homes; ask MathWorks.*3e2e17fd/,
  );
});

test('the name of the machine that hands licences out follows: in its file, in variables, and nowhere else', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const target = newMachine(t, BROUGHT);
  restore(licencesArea, content, liveView(target));
  assert.equal(target.text('/usr/local/flexlm/license.dat'), SERVED.replace('SERVER old', 'SERVER fresh'));
  assert.equal(target.text('/usr/local/MATLAB/R2023a/licenses/network.lic'), CLIENT);
  assert.equal(target.text('/etc/environment'), 'LANG=C\nMLM_LICENSE_FILE=27000@fresh:27001@lm.lab.org\n');
  assert.equal(target.text('/etc/profile.d/lab.sh'), '# the lab\nexport LM_LICENSE_FILE="27000@fresh.lab.org"\n');
  const checked = verdicts(licencesArea.check(content, liveView(target), ABOUT));
  assert.deepEqual(checked, {
    'licence:/opt/comsol61/license/license.dat': 'person',
    'licence:/opt/idl/idl.lic': 'same',
    'licence:/opt/odd/odd.lic': 'person',
    'licence:/usr/local/MATLAB/R2023a/licenses/network.lic': 'same',
    'licence:/usr/local/flexlm/license.dat': 'person',
    'licence:/home/ann/.flexlmrc': 'failed',
    'licence:/home/ann/.matlab/R2023a_licenses/license.lic': 'person',
    'variable:MLM_LICENSE_FILE in /etc/environment': 'changed',
    'variable:LM_LICENSE_FILE in /etc/profile.d/lab.sh': 'changed',
    'variable:XILINXD_LICENSE_FILE in /home/ann/.bashrc': 'same',
    'store:/var/hasplm/installed': 'person',
  });
});

test('the same machine installed anew gets its licences to the byte, and nobody has to be asked', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const target = machineWith(t, {
    '/etc/hostname': 'debian\n',
    '/usr/local/': '',
    '/opt/': '',
    '/etc/passwd': PASSWD,
    ...adapter('eth0', '00:1b:2c:3d:4e:5f'),
    ...BROUGHT,
  });
  const about = { identity: 'same' as const };
  restore(licencesArea, content, liveView(target), { about });
  assert.equal(target.text('/usr/local/flexlm/license.dat'), SERVED);
  const checked = verdicts(licencesArea.check(content, liveView(target), { ...ABOUT, ...about }));
  const others = Object.entries(checked).filter(([, verdict]) => verdict !== 'same');
  assert.deepEqual(others, [
    ['licence:/opt/odd/odd.lic', 'person'],
    ['store:/var/hasplm/installed', 'person'],
  ]);
  putFile(target.root, '/sys/class/net/eth0/address', '00:1b:2c:99:99:99\n');
  const board = licencesArea.check(content, liveView(target), { ...ABOUT, ...about });
  const locked = board.find(({ id }) => id === 'licence:/opt/comsol61/license/license.dat');
  assert.equal(locked?.verdict, 'person');
  assert.match(locked?.remedy ?? '', /to 001b2c999999/);
});

test('a licence that the vendor issued for the new machine counts, and is not overwritten', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const issued = SERVED.replace(OLD_ID, NEW_ID).replace('old', 'fresh');
  const target = newMachine(t, { '/usr/local/flexlm/license.dat': issued });
  const items = restore(licencesArea, content, liveView(target));
  assert.equal(items.find(({ id }) => id === 'licence:/usr/local/flexlm/license.dat')?.action, 'keep');
  assert.equal(target.text('/usr/local/flexlm/license.dat'), issued);
  const checked = verdicts(licencesArea.check(content, liveView(target), ABOUT));
  assert.equal(checked['licence:/usr/local/flexlm/license.dat'], 'changed');
});

test('another licence in its place is asked about, and without a live machine the program to ask is named', (t) => {
  const { content } = capture(licencesArea, oldMachine(t));
  const target = newMachine(t, { '/opt/idl/idl.lic': ANY.replace('8.8', '9.0') });
  const items = planFor(licencesArea, content, target);
  assert.equal(items.find(({ id }) => id === 'licence:/opt/idl/idl.lic')?.action, 'ask');
  assert.match(items.find(({ id }) => id.includes('/usr/local/flexlm'))?.detail ?? '', /"lmhostid" shows/);
});

test('a licence that was removed or changed after the restore has failed', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const target = newMachine(t, BROUGHT);
  restore(licencesArea, content, liveView(target));
  rmSync(join(target.root, 'usr/local/MATLAB/R2023a/licenses/network.lic'));
  rmSync(join(target.root, 'usr/local/flexlm/license.dat'));
  writeFileSync(join(target.root, 'opt/idl/idl.lic'), 'spoilt');
  writeFileSync(join(target.root, 'etc/environment'), 'MLM_LICENSE_FILE=27000@elsewhere\n');
  const items = licencesArea.check(content, liveView(target), ABOUT);
  const checked = verdicts(items);
  for (const id of [
    'licence:/usr/local/MATLAB/R2023a/licenses/network.lic',
    'licence:/usr/local/flexlm/license.dat',
    'licence:/opt/idl/idl.lic',
    'variable:MLM_LICENSE_FILE in /etc/environment',
  ]) {
    assert.equal(checked[id], 'failed', id);
  }
  for (const item of items) {
    if (item.verdict === 'failed' || item.verdict === 'person') assert.ok(item.remedy, item.id);
    for (const secret of ['AB 12', '=CD', 'k2$%']) assert.ok(!JSON.stringify(item).includes(secret), item.id);
  }
});

test('licence files outside of homes are withheld unless allowed, whoever’s they are', (t) => {
  const machine = oldMachine(t, { '/opt/hers/hers.lic': { content: ANY, uid: 1000, gid: 1000, mode: 0o755 } });
  const { content } = capture(licencesArea, liveView(machine));
  const target = newMachine(t);
  const held = planFor(licencesArea, content, target, { allowPrivileged: false });
  for (const id of ['licence:/opt/idl/idl.lic', 'licence:/opt/hers/hers.lic']) {
    assert.equal(held.find((item) => item.id === id)?.action, 'withhold');
  }
  const hers = planFor(licencesArea, content, target).find(({ id }) => id === 'licence:/opt/hers/hers.lic');
  assert.equal(hers?.action, 'add');
  const change = hers?.changes.at(-1);
  assert.ok(change?.kind === 'file' && change.uid === 1000 && change.mode === 0o644);
});

test('files in homes are looked for where their person’s home is now', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const target = newMachine(t, { '/home/anna/.bashrc': 'export XILINXD_LICENSE_FILE=2100@lm.lab.org\n' });
  const owners = { ...OWNERS_AS_CAPTURED, home: (path: string) => (path === '/home/ann' ? '/home/anna' : path) };
  const checked = verdicts(licencesArea.check(content, target, { ...ABOUT, owners }));
  assert.equal(checked['variable:XILINXD_LICENSE_FILE in /home/ann/.bashrc'], 'same');
  assert.equal(checked['licence:/home/ann/.flexlmrc'], 'failed');
});

test('only one person’s licences are taken where one is named', (t) => {
  const machine = oldMachine(t);
  const content = capture(licencesArea, machine, ['bob']).content as LicencesContent;
  assert.ok(content.licences.every(({ home }) => home === undefined));
});

test('a forged document writes nothing but licences, in the places of licences', (t) => {
  const { content } = capture(licencesArea, liveView(oldMachine(t)));
  const good = content as LicencesContent;
  const file = { mode: 0o6777, uid: 0, gid: 0, text: ANY };
  const cron = '* * * * * root id\n';
  const forged: LicencesContent = {
    ...good,
    hostNames: ['lm', 'old'],
    licences: [
      { file: { ...file, path: '/etc/cron.d/run' } },
      { file: { ...file, path: '/etc/ld.so.preload' } },
      { file: { ...file, path: '/opt/a/b/c/d/e.lic' } },
      { file: { ...file, path: '/opt/evil/x.lic', text: cron } },
      { file: { path: '/opt/evil/y.lic', mode: 0o777, uid: 0, gid: 0, link: '/etc/shadow' } },
      { file: { ...file, path: '/etc/none/z.lic' } },
      { file: { ...file, path: '/opt/evil/suid.lic' } },
      { file: { ...file, path: '/etc/shadow' }, home: '/etc' },
    ],
    variables: [
      { path: '/etc/passwd', name: 'LM_LICENSE_FILE', value: '1@old' },
      { path: '/etc/environment', name: 'MLM_LICENSE_FILE', value: '27000@lm' },
    ],
  };
  const target = newMachine(t, {
    '/etc/passwd': `${PASSWD}LM_LICENSE_FILE=1@old\n`,
    '/etc/environment': 'MLM_LICENSE_FILE=27000@lm\n',
  });
  const items = planFor(licencesArea, licencesArea.schema.parse(forged), target);
  const changes = items.flatMap((item) => item.changes);
  assert.deepEqual(
    changes.map(({ kind, path }) => `${kind} ${path}`),
    ['folder /opt/evil', 'file /opt/evil/suid.lic'],
  );
  assert.ok(changes.every((change) => change.kind === 'folder' || !('mode' in change) || (change.mode & 0o7111) === 0));
  for (const path of ['/opt/../etc/x.lic', 'opt/x.lic', '/opt/a\0.lic']) {
    const wrong = { ...good, licences: [{ file: { ...file, path } }] };
    assert.equal(licencesArea.schema.safeParse(wrong).success, false, path);
  }
});
