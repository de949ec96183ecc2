import assert from 'node:assert/strict';
import { chmodSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { LocalSystem } from '../../src/state/areas/base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import { type FstabEntry, fstabLine, parseFstab } from '../../src/state/areas/filesystems/fstab.ts';
import { filesystemsArea } from '../../src/state/areas/filesystems/index.ts';
import { lvmNameOf, volumeOf } from '../../src/state/areas/filesystems/mounts.ts';
import { type FilesystemsContent, fstabEntry } from '../../src/state/areas/filesystems/schema.ts';
import { tableLines, withLines } from '../../src/state/areas/filesystems/table-lines.ts';
import { validateFilesystems } from '../../src/state/areas/filesystems/validate.ts';
import { lacks } from '../support/tools.ts';
import { ABOUT, capture, machineWith, planFor, restore, verdicts } from './support/machine.ts';
import { type Answers, type RunningMachine, running } from './support/running.ts';

const GIB = 2 ** 30;
const ROOT_LINE = 'UUID=aaaa-root / ext4 errors=remount-ro 0 1\n';
const FSTAB = `# of the old machine
${ROOT_LINE}UUID=bbbb-boot /boot ext2 defaults 0 2
/dev/mapper/vg0-data /data ext4 defaults 0 2
UUID=cccc-disk /archive xfs defaults,nofail 0 2
srv:/home /mnt/home nfs defaults 0 0
//nas/lab /mnt/lab\\040files cifs credentials=/etc/lab.cred,uid=1000,gid=users 0 0
tmpfs /tmp tmpfs size=2G,nofail 0 0
/data/shared /srv/shared none bind 0 0
/dev/sda3 none swap sw 0 0
proc /proc proc hidepid=2 0 0
/data/docker /var/lib/docker none bind 0 0
`;
const CRYPTTAB =
  'data UUID=dddd /root/data.key luks\nhome UUID=eeee none tpm2-device=auto\nswap /dev/sda3 /dev/urandom swap\n';
const CREDENTIALS = 'username=ann\npassword=very secret\n';
const FILES = {
  '/etc/fstab': FSTAB,
  '/etc/crypttab': CRYPTTAB,
  '/etc/lab.cred': { content: CREDENTIALS, mode: 0o600 },
};
const disk = (path: string, size: number, more: object = {}) => ({
  path,
  type: 'part',
  size,
  fstype: null,
  label: null,
  uuid: null,
  ...more,
});
const LSBLK = 'lsblk -J -b -o PATH,TYPE,SIZE,FSTYPE,LABEL,UUID';
const lsblk = (...blockdevices: object[]): string => JSON.stringify({ blockdevices });
const mountinfo = (...mounts: [device: string, path: string, type: string][]): string =>
  mounts.map(([device, path, type], at) => `${at} 1 0:1 / ${path} rw - ${type} ${device} rw\n`).join('');
const OLD_ANSWERS: Answers = {
  [LSBLK]: lsblk(
    {
      ...disk('/dev/sda', 500 * GIB, { type: 'disk' }),
      children: [
        disk('/dev/sda1', 20 * GIB, { fstype: 'ext4', uuid: 'aaaa-root' }),
        {
          ...disk('/dev/sda2', 400 * GIB, { fstype: 'LVM2_member' }),
          children: [
            disk('/dev/mapper/vg0-data', 300 * GIB, { type: 'lvm', fstype: 'ext4', label: 'data', uuid: 'vvvv-data' }),
          ],
        },
        disk('/dev/sda3', 8 * GIB, { fstype: 'swap', uuid: 'ssss' }),
      ],
    },
    disk('/dev/sdb1', 1000 * GIB, { fstype: 'xfs', uuid: 'cccc-disk' }),
  ),
  'vgs --reportformat json --units b --nosuffix -o vg_name,vg_size,vg_free': JSON.stringify({
    report: [{ vg: [{ vg_name: 'vg0', vg_size: '429496729600', vg_free: '107374182400' }] }],
  }),
  'pvs --reportformat json --units b --nosuffix -o pv_name,vg_name': JSON.stringify({
    report: [{ pv: [{ pv_name: '/dev/sda2', vg_name: 'vg0' }] }],
  }),
};
const OLD_MOUNTS = mountinfo(
  ['/dev/sda1', '/', 'ext4'],
  ['/dev/mapper/vg0-data', '/data', 'ext4'],
  ['/dev/sdb1', '/archive', 'xfs'],
);
const oldMachine = (t: TestContext): RunningMachine =>
  running(machineWith(t, { ...FILES, '/proc/self/mountinfo': OLD_MOUNTS }), OLD_ANSWERS);
const actions = (items: readonly { id: string; action: string }[]): Record<string, string> =>
  Object.fromEntries(items.map(({ id, action }) => [id, action]));
const detailOf = (items: readonly { id: string; detail: string }[], id: string): string =>
  items.find((one) => one.id === id)?.detail ?? '';

test('at the source all of it is as captured, running or not', (t) => {
  for (const source of [oldMachine(t), machineWith(t, FILES)]) {
    const { content, couldNot } = capture(filesystemsArea, source);
    assert.deepEqual(couldNot, []);
    const items = filesystemsArea.check(content, source, { ...ABOUT, identity: 'same' });
    assert.deepEqual(
      items.filter(({ verdict }) => verdict !== 'same'),
      [],
    );
    assert.equal(items.length, 11 + 3 + 1);
    assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
    assert.ok(items.every(({ group }) => group === 'filesystems'));
  }
});

test('a line that no document can hold is left out and told, and the others come', (t) => {
  const machine = machineWith(t, {
    '/etc/fstab': `UUID=a /x\\000y ext4\n${FSTAB}`,
    '/etc/crypttab': 'a\0b /dev/sdb\n',
  });
  const { content, couldNot } = capture(filesystemsArea, machine);
  assert.deepEqual((content as FilesystemsContent).fstab, parseFstab(FSTAB).entries);
  assert.deepEqual((content as FilesystemsContent).crypttab, []);
  const told = couldNot.map(({ what }) => what);
  assert.ok(told.includes('1 lines of /etc/fstab') && told.includes('1 lines of /etc/crypttab'), told.join('; '));
});

test('what was behind each line is known: volume, label, size', (t) => {
  const { content } = capture(filesystemsArea, oldMachine(t));
  const { devices, volumeGroups, crypttab } = content as FilesystemsContent;
  assert.deepEqual(
    devices.find(({ volume }) => volume),
    {
      name: '/dev/mapper/vg0-data',
      kind: 'lvm',
      sizeBytes: 300 * GIB,
      type: 'ext4',
      label: 'data',
      uuid: 'vvvv-data',
      volume: 'vg0/data',
      mountPoint: '/data',
    },
  );
  assert.deepEqual(volumeGroups, [{ name: 'vg0', sizeBytes: 400 * GIB, freeBytes: 100 * GIB, disks: ['/dev/sda2'] }]);
  assert.deepEqual(
    crypttab.map(({ isBoundToHardware }) => isBoundToHardware),
    [false, true, false],
  );
  const items = filesystemsArea.check(content, oldMachine(t), ABOUT);
  assert.match(items.find(({ id }) => id === 'mount:/data')?.expected ?? '', /ext4, .*, volume vg0\/data/);
});

const NEW_FSTAB = '# of the installer\nUUID=ffff / btrfs defaults 0 0\n';
const newMachine = (t: TestContext): LocalSystem =>
  machineWith(t, { '/etc/fstab': NEW_FSTAB, '/mnt/': '', '/srv/': '', '/tmp/': '' });

test('shares and bind mounts are added, each with nofail; what was on disks is left to a person', (t) => {
  const { content } = capture(filesystemsArea, oldMachine(t));
  const target = newMachine(t);
  const owners = {
    ...OWNERS_AS_CAPTURED,
    uid: (uid: number) => (uid === 1000 ? 1005 : uid),
    group: (name: string) => (name === 'users' ? 'people' : name),
  };
  const items = restore(filesystemsArea, content, target, { about: { owners } });
  assert.deepEqual(actions(items), {
    'credentials:/etc/lab.cred': 'add',
    'mount:/': 'keep',
    'mount:/boot': 'keep',
    'mount:/data': 'ask',
    'mount:/archive': 'ask',
    'mount:/mnt/home': 'merge',
    'mount:/mnt/lab files': 'merge',
    'mount:/tmp': 'merge',
    'mount:/srv/shared': 'merge',
    'swap:/dev/sda3': 'ask',
    'mount:/proc': 'keep',
    'mount:/var/lib/docker': 'ask',
    'crypt:data': 'ask',
    'crypt:home': 'keep',
    'crypt:swap': 'keep',
  });
  assert.equal(
    target.text('/etc/fstab'),
    `${NEW_FSTAB}srv:/home\t/mnt/home\tnfs\tnofail\t0\t0\n//nas/lab\t/mnt/lab\\040files\tcifs\tcredentials=/etc/lab.cred,uid=1005,gid=people,nofail\t0\t0\ntmpfs\t/tmp\ttmpfs\tsize=2G,nofail\t0\t0\n/data/shared\t/srv/shared\tnone\tbind,nofail\t0\t0\n`,
  );
  assert.match(detailOf(items, 'mount:/mnt/home'), /nofail is added/);
  assert.equal(target.facts('/mnt/lab files')?.kind, 'folder');
  const cred = target.facts('/etc/lab.cred');
  assert.deepEqual([cred?.mode, cred?.uid], [0o600, 0]);
  assert.deepEqual(filesystemsArea.validate?.(target), []);
  const judged = filesystemsArea.check(content, target, { ...ABOUT, owners });
  assert.deepEqual(
    judged.filter(({ verdict }) => verdict === 'failed'),
    [],
  );
  const by = verdicts(judged);
  assert.deepEqual(
    [by['mount:/mnt/home'], by['mount:/tmp'], by['mount:/data'], by['mount:/'], by['crypt:home'], by['crypt:data']],
    ['changed', 'same', 'person', 'changed', 'skipped', 'person'],
  );
  assert.ok(judged.every(({ verdict, remedy }) => verdict !== 'person' || remedy));
  const again = planFor(filesystemsArea, content, target, { about: { owners } });
  assert.deepEqual(
    again.filter(({ action }) => action === 'merge' || action === 'add'),
    [],
  );
});

test('nothing of it comes unasked', (t) => {
  const { content } = capture(filesystemsArea, oldMachine(t));
  const items = planFor(filesystemsArea, content, newMachine(t), { allowPrivileged: false });
  assert.deepEqual(
    items.flatMap(({ changes }) => changes),
    [],
  );
  assert.equal(items.find(({ id }) => id === 'mount:/mnt/home')?.effect, 'mount-table');
  assert.equal(items.find(({ id }) => id === 'credentials:/etc/lab.cred')?.effect, 'root-file');
});

const withDisks = (t: TestContext, ...devices: object[]): RunningMachine =>
  running(newMachine(t), { [LSBLK]: lsblk(...devices) });

test('the very file system, attached to the target, is mounted again', (t) => {
  const { content } = capture(filesystemsArea, oldMachine(t));
  const target = withDisks(t, disk('/dev/sdc1', 1000 * GIB, { fstype: 'xfs', uuid: 'CCCC-disk' }));
  restore(filesystemsArea, content, target);
  assert.match(target.text('/etc/fstab') ?? '', /^UUID=cccc-disk\t\/archive\txfs\tnofail\t0\t2$/m);
});

test('a free disk of the label, or the only one alike, is proposed with its commands and nothing is done', (t) => {
  const { content } = capture(filesystemsArea, oldMachine(t));
  const labelled = planFor(
    filesystemsArea,
    content,
    withDisks(t, disk('/dev/sdc1', 50 * GIB, { fstype: 'ext4', uuid: '1111', label: 'data' })),
  );
  assert.match(
    detailOf(labelled, 'mount:/data'),
    /\/dev\/sdc1 here is ext4.*echo 'UUID=1111 \/data ext4 nofail 0 2' >> \/etc\/fstab && mkdir -p \/data && mount \/data$/,
  );
  const alike = disk('/dev/sdc1', 330 * GIB, { fstype: 'ext4', uuid: '2222' });
  assert.match(detailOf(planFor(filesystemsArea, content, withDisks(t, alike)), 'mount:/data'), /UUID=2222/);
  const two = planFor(filesystemsArea, content, withDisks(t, alike, { ...alike, path: '/dev/sdd1', uuid: '3333' }));
  assert.match(
    detailOf(two, 'mount:/data'),
    /300.*volume vg0\/data.*nothing here stands for it.*lvcreate -L 322122547200b -n data vg0 && mkfs.ext4 -L data \/dev\/vg0\/data/,
  );
  const larger = planFor(filesystemsArea, content, withDisks(t, { ...alike, size: 900 * GIB }));
  assert.match(detailOf(larger, 'mount:/data'), /nothing here stands for it/);
  assert.match(detailOf(larger, 'mount:/archive'), /mkfs.xfs -L archive \/dev\/DISK/);
  assert.ok(two.every(({ id, changes }) => changes.length === 0 || !/data|archive/.test(id)));
});

test('what the target mounts at a place stays', (t) => {
  const { content } = capture(filesystemsArea, oldMachine(t));
  const own = `${NEW_FSTAB}LABEL=d /data ext4 defaults 0 2\nother:/x /mnt/home nfs ro 0 0\n/swapfile none swap sw 0 0\n`;
  const target = machineWith(t, {
    '/etc/fstab': own,
    '/etc/lab.cred': 'username=bob\n',
    '/mnt/': '',
    '/srv/': '',
    '/tmp/': '',
  });
  const items = restore(filesystemsArea, content, target);
  const by = actions(items);
  assert.deepEqual(
    [by['mount:/data'], by['mount:/mnt/home'], by['swap:/dev/sda3'], by['credentials:/etc/lab.cred']],
    ['keep', 'keep', 'keep', 'keep'],
  );
  assert.ok(target.text('/etc/fstab')?.startsWith(own));
  const judged = verdicts(filesystemsArea.check(content, target, ABOUT));
  assert.deepEqual(
    [judged['mount:/data'], judged['mount:/mnt/home'], judged['credentials:/etc/lab.cred']],
    ['changed', 'person', 'person'],
  );
});

test('each thing that is broken after a restore is seen', (t) => {
  const { content } = capture(filesystemsArea, machineWith(t, FILES));
  const target = machineWith(t, { '/etc/fstab': FSTAB, '/etc/crypttab': CRYPTTAB, '/mnt/': '' });
  restore(filesystemsArea, content, target);
  const judge = (): Record<string, string> => verdicts(filesystemsArea.check(content, target, ABOUT));
  assert.deepEqual(
    Object.values(judge()).filter((verdict) => verdict !== 'same'),
    [],
  );
  const at = (path: string): string => join(target.root, path);
  chmodSync(at('/etc/lab.cred'), 0o644);
  assert.equal(judge()['credentials:/etc/lab.cred'], 'failed');
  rmSync(at('/etc/lab.cred'));
  assert.equal(judge()['credentials:/etc/lab.cred'], 'failed');
  assert.equal(judge()['mount:/mnt/lab files'], 'person');
  writeFileSync(at('/etc/fstab'), ROOT_LINE);
  writeFileSync(at('/etc/crypttab'), '');
  const broken = judge();
  for (const id of ['mount:/mnt/home', 'mount:/mnt/lab files', 'mount:/tmp', 'mount:/srv/shared'])
    assert.equal(broken[id], 'failed', id);
  for (const id of ['mount:/data', 'mount:/archive', 'swap:/dev/sda3', 'crypt:data', 'mount:/var/lib/docker'])
    assert.equal(broken[id], 'person', id);
});

test('a place that is smaller than what was used is left to a person', (t) => {
  const { blocks, bsize } = statfsSync('/tmp');
  const line = { device: 'UUID=1', path: '/tmp', type: 'ext4', options: ['defaults'], freq: 0, passno: 2 };
  const content = filesystemsArea.schema.parse({
    fstab: [line],
    devices: [
      {
        name: '/dev/sda1',
        kind: 'part',
        sizeBytes: 2 * blocks * bsize,
        usedBytes: blocks * bsize + 1,
        mountPoint: '/tmp',
      },
    ],
    volumeGroups: [],
    crypttab: [],
    credentials: [],
    absentFiles: [],
  });
  const target = running(
    machineWith(t, {
      '/etc/fstab': `${fstabLine(line)}\n`,
      '/proc/self/mountinfo': mountinfo(['/dev/vdb', '/tmp', 'ext4']),
    }),
  );
  assert.equal(verdicts(filesystemsArea.check(content, target, ABOUT))['mount:/tmp'], 'person');
});

test('no password is in anything that is shown', (t) => {
  const ftp = 'curlftpfs#ftp://ann:hunter2@host/x /mnt/ftp fuse.curlftpfs password=hunter2 0 0\n';
  const { content } = capture(filesystemsArea, machineWith(t, { ...FILES, '/etc/fstab': FSTAB + ftp }));
  const plan = planFor(filesystemsArea, content, newMachine(t)).map(({ changes: _, ...item }) => item);
  assert.doesNotMatch(
    JSON.stringify([plan, filesystemsArea.check(content, newMachine(t), ABOUT)]),
    /hunter2|very secret/,
  );
});

test('a line that is none is named, and the rest goes on', (t) => {
  const { content, couldNot } = capture(
    filesystemsArea,
    machineWith(t, { '/etc/fstab': `broken\n${ROOT_LINE}a /b ext4 defaults x 0\n`, '/etc/crypttab': 'alone\n' }),
  );
  assert.equal((content as FilesystemsContent).fstab.length, 1);
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    ['line 1 of /etc/fstab', 'line 3 of /etc/fstab', 'line 1 of /etc/crypttab'],
  );
});

test('a hostile document mounts nothing over the system, runs nothing and puts nothing into commands', (t) => {
  const line = (more: Partial<FstabEntry>): FstabEntry => ({
    device: 'evil:/x',
    path: '/mnt/x',
    type: 'nfs',
    options: ['defaults'],
    freq: 0,
    passno: 0,
    ...more,
  });
  const document = (fstab: object[], credentials: object[] = []) => ({
    fstab,
    devices: [],
    volumeGroups: [],
    crypttab: [],
    absentFiles: [],
    credentials,
  });
  for (const wrong of [
    { device: 'a\nb' },
    { path: '/x\0' },
    { options: ['a\n/dev/x / ext4'] },
    { type: 'ext4 x' },
    { passno: -1 },
  ]) {
    assert.equal(filesystemsArea.schema.safeParse(document([line(wrong)])).success, false);
  }
  const file = (path: string, text: string) => ({ path, text, mode: 0o6777, uid: 1000, gid: 1000 });
  const content = filesystemsArea.schema.parse(
    document(
      [
        ...['/', '/etc', '/usr/bin', '/root/.ssh', '/var/lib', '/proc/1'].map((path) => line({ path })),
        line({ path: 'relative' }),
        line({ path: '/mnt/../etc' }),
        line({ device: 'touch /evil;#x', path: '/mnt/fuse', type: 'fuse' }),
        line({ path: '/mnt/evil', type: 'fuse.evil' }),
        line({ path: '/mnt/ssh', type: 'fuse.sshfs', options: ['ssh_command=/tmp/evil'] }),
        line({ device: 'UUID=1', path: "/data/$(reboot)'", type: 'ext4' }),
        line({ device: 'UUID=1', path: '/data2', type: 'ext4', options: ["x';reboot;'"] }),
      ],
      [
        file('/etc/shadow', 'username=x\n'),
        file('/etc/x.cred', '#!/bin/sh\nreboot\n'),
        { path: '/etc/y.cred', link: '/etc/shadow', mode: 0o777, uid: 0, gid: 0 },
      ],
    ),
  );
  const target = newMachine(t);
  const items = planFor(filesystemsArea, content, target);
  const by = Object.fromEntries(items.map(({ id, action, effect }) => [id, `${action} ${effect ?? ''}`.trim()]));
  for (const path of ['/', '/etc', '/usr/bin', '/root/.ssh', '/var/lib', '/proc/1']) {
    assert.match(by[`mount:${path}`] ?? '', /^(ask|keep)/, path);
  }
  assert.equal(by['mount:relative'], 'withhold mount-table');
  assert.equal(by['mount:/mnt/../etc'], 'withhold mount-table');
  for (const path of ['/mnt/fuse', '/mnt/evil', '/mnt/ssh']) assert.equal(by[`mount:${path}`], 'merge root-runs', path);
  for (const path of ['/etc/shadow', '/etc/x.cred', '/etc/y.cred'])
    assert.equal(by[`credentials:${path}`], 'withhold root-file', path);
  for (const { detail, changes } of items) {
    assert.doesNotMatch(detail, /reboot.*(?:>>|mkfs|mkdir)|(?:>>|mkfs|mkdir).*reboot/);
    assert.ok(changes.every(({ path }) => path === '/etc/fstab' || path.startsWith('/mnt/')));
  }
});

test('findmnt judges the table', { skip: lacks('findmnt') }, (t) => {
  const before = machineWith(t, { '/etc/fstab': `broken\n${ROOT_LINE}` });
  const after = machineWith(t, { '/etc/fstab': `broken\n${ROOT_LINE}also broken\nx relative ext4 defaults 0 0\n` });
  const problems = validateFilesystems(after, before);
  assert.ok(problems.some(({ why }) => why.includes('also broken')));
  assert.ok(problems.some(({ why }) => why.includes('relative')));
  assert.ok(problems.every(({ why }) => !why.endsWith('whole: broken')));
  assert.deepEqual(validateFilesystems(machineWith(t, { '/etc/fstab': FSTAB })), []);
});

test('a path’s volume is known, running by what is mounted and otherwise by fstab', (t) => {
  const runs = running(
    machineWith(t, {
      '/proc/self/mountinfo': mountinfo(
        ['/dev/sda1', '/', 'ext4'],
        ['/dev/mapper/vg0-big--data', '/tmp', 'ext4'],
        ['srv:/x', '/tmp/share', 'nfs4'],
        ['/dev/sdb1', '/opt\\040x', 'xfs'],
      ),
      '/dev/disk/by-label/my\\x20disk': { link: '../../sdb1' },
    }),
  );
  const tmp = volumeOf(runs, '/tmp/a/b');
  assert.deepEqual(
    { ...tmp, sizeBytes: 0, usedBytes: 0 },
    {
      mountPoint: '/tmp',
      device: '/dev/mapper/vg0-big--data',
      volume: 'vg0/big-data',
      fsType: 'ext4',
      sizeBytes: 0,
      usedBytes: 0,
    },
  );
  assert.ok((tmp?.sizeBytes ?? 0) > (tmp?.usedBytes ?? 0));
  assert.deepEqual(volumeOf(runs, '/tmp/share/x'), { mountPoint: '/tmp/share', device: 'srv:/x', fsType: 'nfs4' });
  assert.equal(volumeOf(runs, '/opt x')?.volume, 'my disk');
  assert.equal(volumeOf(runs, '/tmpfiles')?.mountPoint, '/');
  const rests = machineWith(t, FILES);
  assert.deepEqual(volumeOf(rests, '/data/app'), {
    mountPoint: '/data',
    device: '/dev/mapper/vg0-data',
    volume: 'vg0/data',
    fsType: 'ext4',
  });
  assert.equal(volumeOf(rests, '/home/ann')?.device, 'UUID=aaaa-root');
  assert.equal(volumeOf(machineWith(t, { '/etc/': '' }), '/home'), undefined);
  assert.equal(volumeOf(new LocalSystem('/'), '/proc/1')?.mountPoint, '/proc');
  assert.deepEqual(['/dev/vg/lv', '/dev/mapper/luks-1234', '/dev/sda1', '/dev/disk/by-uuid'].map(lvmNameOf), [
    'vg/lv',
    'luks/1234',
    undefined,
    undefined,
  ]);
});

const field = fc.stringMatching(/^[!-~ \täß€\\#]{1,20}$/);
const option = fc.stringMatching(/^[!-~ äß]{1,12}$/).filter((text) => !/[,"]/.test(text));
const entry: fc.Arbitrary<FstabEntry> = fc.record({
  device: field,
  path: field,
  type: fc.stringMatching(/^[a-z0-9.]{1,10}$/),
  options: fc.array(option, { minLength: 1, maxLength: 4 }),
  freq: fc.nat(9),
  passno: fc.nat(9),
});

test('fstab lines are read as they were written, and what stood there stays', () => {
  const before = fc
    .array(fc.oneof(fc.string(), fc.constantFrom('# x\n', '\n', ROOT_LINE, '\t')))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(before, fc.array(entry), (text, entries) => {
      const longer = withLines(text, entries.map(fstabLine));
      assert.ok(longer.startsWith(text));
      assert.deepEqual(
        parseFstab(longer).entries.slice(parseFstab(text).entries.length),
        entries.map((one) => ({ ...one })),
      );
      assert.equal(
        tableLines(text)
          .map(({ raw }) => raw)
          .join(''),
        text,
      );
    }),
  );
  assert.throws(() => fstabLine({ device: 'a\nb', path: '/', type: 'x', options: [], freq: 0, passno: 0 }));
});

test('a line whose options are no line together is refused with the document, and none is "defaults"', () => {
  const entry = { device: 'tmpfs', path: '/tmp', type: 'tmpfs', freq: 0, passno: 0 };
  const options = Array.from({ length: 200 }, (_, index) => `x-${index}-${'y'.repeat(100)}`);
  assert.equal(fstabEntry.safeParse({ ...entry, options }).success, false);
  assert.equal(fstabEntry.safeParse({ ...entry, options: options.slice(0, 30) }).success, true);
  assert.deepEqual(parseFstab('tmpfs /tmp tmpfs ,\n').entries, [{ ...entry, options: ['defaults'] }]);
});
