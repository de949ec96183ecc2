import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { backupRulesArea } from '../../src/state/areas/backup-rules/index.ts';
import {
  backInTimeRules,
  borgmaticRules,
  listRules,
  parseTsm,
  rsnapshotRules,
  timeshiftRules,
  tsmRules,
  writeTsm,
} from '../../src/state/areas/backup-rules/rules.ts';
import type { BackupRulesContent } from '../../src/state/areas/backup-rules/schema.ts';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import { ABOUT, capture, machineWith, planFor, restore, type TestFile, verdicts } from './support/machine.ts';

const BIN = '/opt/tivoli/tsm/client/ba/bin';
const DSM_SYS = `* lab\nSERVERNAME lab\n  TCPSERVERADDRESS tsm.lab.org\n  NODENAME old\n  PASSWORDACCESS generate\n  INCLEXCL ${BIN}/lab.inclexcl\n  INCLEXCL /srv/lists/other\n  EXCLUDE.DIR /tmp\n`;
const BORGMATIC =
  'source_directories:\n  - /home/ann\n  - /etc\nexclude_patterns:\n  - "*.pyc"\nencryption_passphrase: "hunter2"\nbefore_backup:\n  - echo x\n';
const TIMESHIFT = '{\n  "backup_device_uuid" : "1234-5678",\n  "exclude" : [ "/home/ann/**", "+ /root/**" ]\n}\n';

const source = (t: TestContext, more: Record<string, TestFile> = {}) =>
  machineWith(t, {
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/bash\n',
    [`${BIN}/dsm.sys`]: DSM_SYS,
    [`${BIN}/dsm.opt`]: 'SERVERNAME lab\nDOMAIN /home /etc\n',
    [`${BIN}/lab.inclexcl`]: 'INCLUDE /home/.../*\nEXCLUDE /home/.../core\nEXCLUDE.FS /scratch\n',
    '/etc/adsm/TSM.PWD': 'secret',
    '/etc/restic/excludes.txt': '# caches\n/home/*/.cache\n!/home/ann/.cache/keep\n',
    '/etc/restic/env': { content: 'RESTIC_PASSWORD=hunter2\nRESTIC_HOST=old\n', mode: 0o600 },
    '/etc/borgmatic/config.yaml': { content: BORGMATIC, mode: 0o600 },
    '/etc/timeshift/timeshift.json': TIMESHIFT,
    '/etc/rsnapshot.conf': 'config_version\t1.2\nexclude\t/tmp\nbackup\t/home/\tlocalhost/\n',
    '/etc/bacula/bacula-fd.conf': {
      content: 'FileDaemon {\n  Name = old-fd\n}\nDirector { Password = "hunter2" }\n',
      mode: 0o640,
    },
    '/home/ann/.config/borgmatic/config.yaml': BORGMATIC,
    '/home/ann/.config/dconf/user': 'GVariant\0org/gnome/deja-dup/\0',
    ...more,
  });

const BROUGHT: Record<string, TestFile> = {
  '/opt/': '',
  '/etc/': '',
  '/home/ann/.config/borgmatic/config.yaml': BORGMATIC,
  '/home/ann/.config/dconf/user': 'GVariant\0org/gnome/deja-dup/\0',
};

test('settings of backup programs are taken without passwords of clients, and the source has them as captured', (t) => {
  const machine = source(t);
  const { content, couldNot } = capture(backupRulesArea, machine);
  const { files, inHomes } = content as BackupRulesContent;
  assert.equal(files.length, 9);
  assert.ok(!JSON.stringify(content).includes('TSM.PWD'));
  assert.deepEqual(
    inHomes.map(({ tool }) => tool),
    ['borgmatic', 'Déjà Dup'],
  );
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    ['/etc/adsm/TSM.PWD', '/srv/lists/other'],
  );
  const items = backupRulesArea.check(content, machine, { ...ABOUT, identity: 'same' });
  assert.deepEqual([...new Set(items.map(({ verdict }) => verdict))], ['same']);
  assert.ok(items.every(({ group }) => group === 'backup include/exclude lists'));
  assert.match(items.find(({ id }) => id === `file:${BIN}/lab.inclexcl`)?.expected ?? '', /1 taken, 2 left out/);
});

test('another machine gets the lists, not the old one’s name at the server, nor its disk', (t) => {
  const { content } = capture(backupRulesArea, source(t));
  const machine = machineWith(t, BROUGHT);
  const items = restore(backupRulesArea, content, machine);
  assert.equal(machine.text(`${BIN}/dsm.sys`), DSM_SYS.replace('  NODENAME', '  * NODENAME'));
  assert.equal(machine.text('/etc/restic/env'), 'RESTIC_PASSWORD=hunter2\n# RESTIC_HOST=old\n');
  assert.equal(machine.facts('/etc/restic/env')?.mode, 0o600);
  assert.equal(machine.text('/etc/timeshift/timeshift.json'), TIMESHIFT.replace('1234-5678', ''));
  assert.equal(machine.text('/etc/bacula/bacula-fd.conf'), undefined);
  assert.deepEqual(
    items.filter(({ action }) => action === 'ask').map(({ id }) => id),
    ['file:/etc/bacula/bacula-fd.conf', 'node-name:/etc/restic/env', `node-name:${BIN}/dsm.sys`],
  );
  const checked = verdicts(backupRulesArea.check(content, machine, ABOUT));
  assert.deepEqual(checked, {
    'file:/etc/bacula/bacula-fd.conf': 'person',
    'file:/etc/borgmatic/config.yaml': 'same',
    'file:/etc/restic/env': 'changed',
    'node-name:/etc/restic/env': 'person',
    'file:/etc/restic/excludes.txt': 'same',
    'file:/etc/rsnapshot.conf': 'same',
    'file:/etc/timeshift/timeshift.json': 'changed',
    [`file:${BIN}/dsm.opt`]: 'same',
    [`file:${BIN}/dsm.sys`]: 'changed',
    [`node-name:${BIN}/dsm.sys`]: 'person',
    [`file:${BIN}/lab.inclexcl`]: 'same',
    'file:/home/ann/.config/borgmatic/config.yaml': 'same',
    'file:/home/ann/.config/dconf/user': 'same',
  });
  writeFileSync(join(machine.root, BIN, 'dsm.sys'), DSM_SYS.replace('NODENAME old', 'NODENAME fresh'));
  const named = verdicts(backupRulesArea.check(content, machine, ABOUT));
  assert.equal(named[`node-name:${BIN}/dsm.sys`], 'changed');
  assert.equal(named[`file:${BIN}/dsm.sys`], 'changed');
});

test('the same machine gets its settings to the byte', (t) => {
  const { content } = capture(backupRulesArea, source(t));
  const machine = machineWith(t, BROUGHT);
  const about = { identity: 'same' as const };
  restore(backupRulesArea, content, machine, { about });
  assert.equal(machine.text(`${BIN}/dsm.sys`), DSM_SYS);
  const items = backupRulesArea.check(content, machine, { ...ABOUT, ...about });
  assert.deepEqual([...new Set(items.map(({ verdict }) => verdict))], ['same']);
});

test('a rule that is lost, a file that is gone and a mode that opens a password have failed, and say so without secrets', (t) => {
  const { content } = capture(backupRulesArea, source(t));
  const machine = machineWith(t, BROUGHT);
  restore(backupRulesArea, content, machine, { about: { identity: 'same' } });
  writeFileSync(join(machine.root, BIN, 'lab.inclexcl'), 'INCLUDE /home/.../*\nEXCLUDE /home/.../core\n');
  rmSync(join(machine.root, 'etc/restic/excludes.txt'));
  appendFileSync(join(machine.root, 'etc/borgmatic/config.yaml'), '# a comment\n');
  writeFileSync(join(machine.root, 'etc/restic/env'), 'RESTIC_PASSWORD=hunter2\nRESTIC_HOST=old\n', { mode: 0o644 });
  rmSync(join(machine.root, 'home/ann/.config/borgmatic/config.yaml'));
  writeFileSync(join(machine.root, 'etc/rsnapshot.conf'), 'exclude\t/tmp\n');
  const items = backupRulesArea.check(content, machine, { ...ABOUT, identity: 'same' });
  const of = (id: string) => items.find((item) => item.id === id);
  for (const id of [
    `file:${BIN}/lab.inclexcl`,
    'file:/etc/restic/excludes.txt',
    'file:/etc/borgmatic/config.yaml',
    'file:/etc/rsnapshot.conf',
    'file:/home/ann/.config/borgmatic/config.yaml',
  ]) {
    assert.equal(of(id)?.verdict, 'failed', id);
    assert.ok(of(id)?.remedy, id);
  }
  assert.match(of(`file:${BIN}/lab.inclexcl`)?.observed ?? '', /does not leave out fs \/scratch/);
  assert.match(of('file:/etc/borgmatic/config.yaml')?.observed ?? '', /taken and left is as captured/);
  assert.ok(!JSON.stringify(items).includes('hunter2'));
  assert.ok(
    !JSON.stringify(planFor(backupRulesArea, content, machine).map(({ changes: _, ...rest }) => rest)).includes(
      'hunter2',
    ),
  );
});

test('a mode that opens a password to everybody has failed', (t) => {
  const { content } = capture(backupRulesArea, source(t));
  const machine = machineWith(t, { ...BROUGHT, '/etc/borgmatic/config.yaml': { content: BORGMATIC, mode: 0o644 } });
  const item = backupRulesArea
    .check(content, machine, ABOUT)
    .find(({ id }) => id === 'file:/etc/borgmatic/config.yaml');
  assert.equal(item?.verdict, 'failed');
  assert.match(item?.remedy ?? '', /chmod 600/);
});

test('homes that moved are followed in what a machine’s backups take', (t) => {
  const { content } = capture(backupRulesArea, source(t));
  const machine = machineWith(t, { '/opt/': '', '/etc/': '', '/home/anna/.config/borgmatic/config.yaml': BORGMATIC });
  const owners = { ...OWNERS_AS_CAPTURED, home: (path: string) => (path === '/home/ann' ? '/home/anna' : path) };
  restore(backupRulesArea, content, machine, { about: { owners } });
  assert.match(machine.text('/etc/borgmatic/config.yaml') ?? '', /- \/home\/anna\n/);
  assert.match(machine.text('/etc/timeshift/timeshift.json') ?? '', /"\/home\/anna\/\*\*"/);
  const checked = verdicts(backupRulesArea.check(content, machine, { ...ABOUT, owners }));
  assert.equal(checked['file:/etc/borgmatic/config.yaml'], 'changed');
  assert.equal(checked['file:/home/ann/.config/borgmatic/config.yaml'], 'person');
});

test('what may run programs is withheld unless allowed, and so are lists, which are root’s files', (t) => {
  const { content } = capture(backupRulesArea, source(t));
  const items = planFor(backupRulesArea, content, machineWith(t, BROUGHT), { allowPrivileged: false });
  assert.deepEqual(
    items.flatMap(({ changes }) => changes),
    [],
  );
  assert.equal(items.find(({ id }) => id === 'file:/etc/borgmatic/config.yaml')?.effect, 'root-runs');
  assert.equal(items.find(({ id }) => id === 'file:/etc/restic/excludes.txt')?.effect, 'root-file');
});

test('a forged document writes no other file, and nothing that has setuid', (t) => {
  const file = { mode: 0o6777, uid: 0, gid: 0, text: 'x' };
  const forged = {
    files: [
      { ...file, path: '/etc/cron.d/x' },
      { ...file, path: '/etc/adsm/TSM.PWD' },
      { ...file, path: '/opt/tivoli/tsm/client/ba/bin/dsmc' },
      { ...file, path: '/etc/restic/a/b/c' },
      { path: '/etc/restic/link', mode: 0o777, uid: 0, gid: 0, link: '/etc/shadow' },
      { ...file, path: '/etc/restic/excludes.txt' },
    ],
    inHomes: [],
  };
  const items = planFor(backupRulesArea, backupRulesArea.schema.parse(forged), machineWith(t, BROUGHT));
  const changes = items.flatMap((item) => item.changes);
  assert.deepEqual(
    changes.map(({ path }) => path),
    ['/etc/restic', '/etc/restic/excludes.txt'],
  );
  assert.ok(changes.every((change) => change.kind === 'folder' || (change.kind === 'file' && change.mode === 0o644)));
});

test('rules of each format are read', () => {
  assert.deepEqual(tsmRules('* EXCLUDE /a\nexclude.dir /tmp\nINCLUDE /home/*\nDOMAIN /\n'), {
    include: ['domain /', '/home/*'],
    exclude: ['dir /tmp'],
  });
  assert.deepEqual(listRules('# c\n/a\n- /b\n!/c\n+ /d\n'), { include: ['/c', '/d'], exclude: ['/a', '/b'] });
  assert.deepEqual(rsnapshotRules('exclude\t/a b\ninclude\t\t/c\nbackup\t/home/\tx/\n#exclude\t/z\n'), {
    include: ['/c', '/home/'],
    exclude: ['/a b'],
  });
  assert.deepEqual(
    backInTimeRules('profile1.snapshots.exclude.1.value=*.bak\nprofile1.snapshots.include.1.value=/home\n'),
    {
      include: ['/home'],
      exclude: ['*.bak'],
    },
  );
  assert.deepEqual(timeshiftRules(TIMESHIFT), { include: ['/root/**'], exclude: ['/home/ann/**'] });
  assert.deepEqual(borgmaticRules('location:\n  source_directories: [/a]\n  exclude_patterns: [b]\n'), {
    include: ['/a'],
    exclude: ['b'],
  });
});

test('an options file of IBM’s client that was written reads as it was, and no text makes a parser throw', () => {
  const option = fc.record(
    {
      keyword: fc.stringMatching(/^[A-Z]{3,10}(\.[A-Z]{2,6})?$/),
      value: fc.stringMatching(/^([\w/"*.-][\w /"*.-]{0,20}[\w/"*.-])?$/),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(option, { maxLength: 10 }), (options) =>
      assert.deepEqual(parseTsm(writeTsm(options)), options),
    ),
  );
  const parsers = [tsmRules, listRules, rsnapshotRules, backInTimeRules, timeshiftRules, borgmaticRules];
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      for (const parse of parsers) assert.ok(Array.isArray(parse(text).exclude));
    }),
  );
});
