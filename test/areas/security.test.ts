import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { LocalSystem } from '../../src/state/areas/base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../../src/state/areas/base/owners-as-captured.ts';
import { securityArea } from '../../src/state/areas/security/index.ts';
import {
  judgeCertificate,
  judgeScript,
  judgeSshd,
  judgeSudoers,
  judgeTables,
} from '../../src/state/areas/security/judges.ts';
import { mapLimits, mapPolkit, mapSshd, mapSudoers } from '../../src/state/areas/security/names-in.ts';
import type { SecurityContent } from '../../src/state/areas/security/schema.ts';
import { liveView } from './support/live-view.ts';
import { ABOUT, capture, machineWith, planFor, restore, type TestFile, verdicts } from './support/machine.ts';

/** Self-signed, made for this test. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBijCCAS+gAwIBAgIUPvW6A1qNXP9cxHyi7iVZ3+0+zKcwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkwIBcNMjYxMTI2MDE0OTQ2WhgPMjEy
NjExMDIwMTQ5NDZaMBkxFzAVBgNVBAMMDlRlc3QgQXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAErB1HgFasefhypvVC1G0yiIhVMnkFJggN1XnAhUQf
eVHKfYLThAOlpHAXAcmk3ltRKGj41584yXrgdhlV7mtFsqNTMFEwHQYDVR0OBBYE
FNw/ta9WjAPWMphukqUtzeFNbXbKMB8GA1UdIwQYMBaAFNw/ta9WjAPWMphukqUt
zeFNbXbKMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAIHWLYeo
zsN6m2UbEqywFmQjV8+jP+uLtc3bSSFCpQNwAiEA/5YMl7jrZg81F+/o4hDzeIsa
aX/0zf9BYU/SowUkhyw=
-----END CERTIFICATE-----
`;
const SUDOERS = 'Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n';
const LAB = 'User_Alias LAB = ann, %lab\nLAB ALL=(ann:lab) NOPASSWD: /usr/bin/apt\nann ALL=(ALL) ALL\n';
const RULES = '*filter\n:ufw-user-input - [0:0]\n-A ufw-user-input -p tcp --dport 22 -j ACCEPT\nCOMMIT\n';
const POLKIT = 'polkit.addRule(function (action, subject) { if (subject.user == "ann") return polkit.Result.YES; });\n';
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const SHIPPED = '# shipped\nPort 22\n';

/** MD5 of SHIPPED is registered, as ucf does it. */
const FRESH: Record<string, TestFile> = {
  '/etc/sudoers': { content: SUDOERS, mode: 0o440 },
  '/etc/sudoers.d/README': { content: '# read me\n', mode: 0o440 },
  '/etc/ssh/sshd_config': SHIPPED,
  '/etc/ufw/user.rules': { content: '*filter\nCOMMIT\n', mode: 0o640 },
  '/usr/share/ufw/iptables/user.rules': '*filter\nCOMMIT\n',
  '/etc/apparmor.d/local/usr.sbin.cupsd': '# nothing yet\n',
  '/etc/pam.d/sshd': '# as shipped\n',
  '/var/lib/dpkg/info/x.list': '/etc/sudoers\n/etc/sudoers.d/README\n/etc/ssh/sshd_config\n/etc/pam.d/sshd\n',
  '/var/lib/dpkg/status': `Package: x\nConffiles:\n /etc/sudoers ${md5(SUDOERS)}\n /etc/sudoers.d/README ${md5('# read me\n')}\n /etc/pam.d/sshd ${md5('# as shipped\n')}\n /etc/ssh/sshd_config ${md5(SHIPPED)}\n`,
  '/usr/local/share/ca-certificates/': '',
  '/etc/polkit-1/rules.d/': { mode: 0o700 },
};

const source = (t: TestContext) =>
  machineWith(t, {
    ...FRESH,
    '/etc/sudoers.d/lab': { content: LAB, mode: 0o440 },
    '/etc/sudoers.d/old.disabled': { content: 'nonsense', mode: 0o440 },
    '/etc/polkit-1/rules.d/50-lab.rules': POLKIT,
    '/etc/ssh/sshd_config.d/lab.conf': 'AllowUsers ann bob@10.0.0.0/8\nPasswordAuthentication no\n',
    '/etc/ufw/user.rules': { content: RULES, mode: 0o640 },
    '/usr/local/share/ca-certificates/lab.crt': CERTIFICATE,
    '/etc/ssl/certs/ca-certificates.crt': `x\n${CERTIFICATE}`,
    '/etc/pam.d/sshd': '# changed\n',
    '/etc/security/limits.d/lab.conf': '@lab - memlock unlimited\nann hard nofile 9\n',
  });

test('what differs from what packages brought is taken, and the source has it as captured', (t) => {
  const machine = source(t);
  const { content } = capture(securityArea, machine);
  const { files, trusted, listed } = content as SecurityContent;
  assert.deepEqual(
    files.map(({ path }) => path),
    [
      '/etc/polkit-1/rules.d/50-lab.rules',
      '/etc/security/limits.d/lab.conf',
      '/etc/ssh/sshd_config.d/lab.conf',
      '/etc/sudoers.d/lab',
      '/etc/ufw/user.rules',
      '/usr/local/share/ca-certificates/lab.crt',
    ],
  );
  assert.deepEqual([trusted, listed], [['/usr/local/share/ca-certificates/lab.crt'], ['/etc/pam.d/sshd']]);
  const items = securityArea.check(content, machine, { ...ABOUT, identity: 'same' });
  assert.deepEqual([...new Set(items.map(({ verdict }) => verdict))], ['same']);
});

test('everything is restored where it is allowed, each with its effect, and the machine’s own programs take it', (t) => {
  const { content } = capture(securityArea, source(t));
  const machine = machineWith(t, FRESH);
  const items = restore(securityArea, content, machine);
  assert.deepEqual(
    items.map(({ id, action, effect }) => [id, action, effect]),
    [
      ['polkit:/etc/polkit-1/rules.d/50-lab.rules', 'add', 'polkit'],
      ['limits:/etc/security/limits.d/lab.conf', 'add', 'root-file'],
      ['ssh:/etc/ssh/sshd_config.d/lab.conf', 'add', 'root-runs'],
      ['sudoers:/etc/sudoers.d/lab', 'add', 'sudoers'],
      ['firewall:/etc/ufw/user.rules', 'replace', 'firewall'],
      ['certificate:/usr/local/share/ca-certificates/lab.crt', 'add', 'certificate'],
      ['trust:/usr/local/share/ca-certificates/lab.crt', 'ask', undefined],
      ['pam:/etc/pam.d/sshd', 'withhold', undefined],
    ],
  );
  assert.deepEqual(securityArea.validate?.(machine), []);
  assert.equal(machine.facts('/etc/sudoers.d/lab')?.mode, 0o440);
  const checked = verdicts(securityArea.check(content, machine, ABOUT));
  const others = Object.entries(checked).filter(([, verdict]) => verdict !== 'same');
  assert.deepEqual(others, [
    ['trust:/usr/local/share/ca-certificates/lab.crt', 'person'],
    ['pam:/etc/pam.d/sshd', 'person'],
  ]);
});

test('nothing comes without being allowed', (t) => {
  const { content } = capture(securityArea, source(t));
  const items = planFor(securityArea, content, machineWith(t, FRESH), { allowPrivileged: false });
  assert.deepEqual([...new Set(items.map(({ action }) => action))], ['withhold']);
});

test('a file that its own program would not take is withheld, and so is one that nobody can judge', (t) => {
  const { content } = capture(securityArea, source(t));
  const good = content as SecurityContent;
  const broken = good.files.map((file) => ({ ...file, text: `${file.text}\nann ALL=(ALL ALL\n` }));
  const items = planFor(securityArea, { ...good, files: broken }, machineWith(t, FRESH));
  const kinds = items.filter(({ action }) => action === 'withhold').map(({ id }) => id.split(':')[0]);
  assert.deepEqual(kinds, ['polkit', 'ssh', 'sudoers', 'firewall', 'pam']);
  const bare = liveView(machineWith(t, FRESH));
  const withheld = planFor(securityArea, good, bare).filter(({ detail }) => detail.includes('not installed here'));
  assert.deepEqual(
    withheld.map(({ id }) => id),
    ['ssh:/etc/ssh/sshd_config.d/lab.conf', 'sudoers:/etc/sudoers.d/lab'],
  );
});

test('validation finds what would lock people out, after the change', (t) => {
  const machine = machineWith(t, {
    ...FRESH,
    '/etc/sudoers.d/broken': { content: 'ann ALL=(ALL ALL\n', mode: 0o440 },
    '/etc/sudoers.d/open': { content: 'ann ALL=(ALL) ALL\n', mode: 0o666 },
    '/etc/ssh/sshd_config': 'PermitRootLogin perhaps\n',
    '/etc/nftables.conf': 'nonsense',
  });
  const problems = securityArea.validate?.(machine) ?? [];
  assert.deepEqual(
    problems.map(({ what }) => what),
    ['/etc/sudoers.d/broken', '/etc/sudoers.d/open', '/etc/ssh/sshd_config'],
  );
  const live = liveView(machine, { nft: () => ({ status: 1, stderr: 'syntax error' }) });
  assert.deepEqual(securityArea.validate?.(live), [{ what: '/etc/nftables.conf', why: 'syntax error' }]);
});

test('people and groups who have other names here have them in every file', (t) => {
  const { content } = capture(securityArea, source(t));
  const machine = machineWith(t, FRESH);
  const owners = {
    ...OWNERS_AS_CAPTURED,
    user: (name: string) => (name === 'ann' ? 'anna' : name),
    group: (name: string) => (name === 'lab' ? 'labor' : name),
  };
  restore(securityArea, content, machine, { about: { owners } });
  assert.equal(
    machine.text('/etc/sudoers.d/lab'),
    'User_Alias LAB = anna, %labor\nLAB ALL=(anna:labor) NOPASSWD: /usr/bin/apt\nanna ALL=(ALL) ALL\n',
  );
  assert.match(machine.text('/etc/ssh/sshd_config.d/lab.conf') ?? '', /^AllowUsers anna bob@10.0.0.0\/8$/m);
  assert.match(machine.text('/etc/polkit-1/rules.d/50-lab.rules') ?? '', /subject.user == "anna"/);
  assert.equal(machine.text('/etc/security/limits.d/lab.conf'), '@labor - memlock unlimited\nanna hard nofile 9\n');
  const checked = verdicts(securityArea.check(content, machine, { ...ABOUT, owners }));
  assert.equal(checked['sudoers:/etc/sudoers.d/lab'], 'changed');
  assert.equal(checked['firewall:/etc/ufw/user.rules'], 'same');
});

test('what is broken after a restore has failed', (t) => {
  const { content } = capture(securityArea, source(t));
  const machine = machineWith(t, FRESH);
  restore(securityArea, content, machine);
  const at = (path: string) => join(machine.root, path);
  chmodSync(at('etc/sudoers.d/lab'), 0o666);
  writeFileSync(at('etc/ufw/user.rules'), '*filter\nCOMMIT\n');
  rmSync(at('etc/polkit-1/rules.d/50-lab.rules'));
  rmSync(at('usr/local/share/ca-certificates/lab.crt'));
  writeFileSync(at('etc/ssh/sshd_config.d/lab.conf'), '');
  writeFileSync(at('etc/security/limits.d/lab.conf'), '');
  const items = securityArea.check(content, machine, ABOUT);
  const failed = items.filter(({ verdict }) => verdict === 'failed');
  assert.deepEqual(
    failed.map(({ id }) => id.split(':')[0]),
    ['polkit', 'limits', 'ssh', 'sudoers', 'firewall', 'certificate'],
  );
  assert.ok(failed.every(({ remedy }) => remedy));
});

test('settings that this machine changed itself stay', (t) => {
  const { content } = capture(securityArea, source(t));
  const machine = machineWith(t, {
    ...FRESH,
    '/etc/ufw/user.rules': { content: RULES.replace('22', '80'), mode: 0o640 },
  });
  const item = planFor(securityArea, content, machine).find(({ id }) => id.startsWith('firewall:'));
  assert.equal(item?.action, 'ask');
});

test('a forged document writes nothing else, nothing of others, and includes nothing from elsewhere', (t) => {
  const file = { mode: 0o440, uid: 0, gid: 0, text: 'ann ALL=(ALL) ALL\n' };
  const forged = {
    files: [
      { ...file, path: '/etc/shadow' },
      { ...file, path: '/etc/pam.d/sshd' },
      { ...file, path: '/etc/ssh/ssh_host_ed25519_key' },
      { ...file, path: '/etc/sudoers.d/a/b' },
      { ...file, path: '/etc/sudoers.d/dot.ted' },
      { ...file, path: '/etc/sudoers.d/theirs', uid: 1000 },
      { ...file, path: '/etc/sudoers.d/open', mode: 0o666 },
      { ...file, path: '/etc/sudoers.d/include', text: '@include /tmp/evil\n' },
      { ...file, path: '/etc/sudoers.d/nul', text: 'ann ALL=(ALL) ALL\0\n' },
      { path: '/etc/sudoers.d/link', mode: 0o777, uid: 0, gid: 0, link: '/tmp/evil' },
      { ...file, path: '/usr/local/share/ca-certificates/no.crt' },
      { ...file, path: '/etc/sudoers.d/setuid', mode: 0o6440 },
    ],
    trusted: [],
    listed: ['/etc/pam.d/x'],
  };
  const items = planFor(securityArea, securityArea.schema.parse(forged), machineWith(t, FRESH));
  const changes = items.flatMap((item) => item.changes);
  assert.deepEqual(
    changes.map(({ path }) => path),
    ['/etc/sudoers.d/setuid'],
  );
  assert.ok(changes.every((change) => change.kind === 'file' && change.mode === 0o440));
});

test('judges take what programs take', () => {
  const here = new LocalSystem('/');
  const of = (text: string) => Buffer.from(text);
  assert.equal(judgeSudoers(of(SUDOERS), here), undefined);
  assert.match(judgeSudoers(of('a b c d\n'), here) ?? '', /line 1/);
  assert.match(judgeSudoers(of('#include /tmp/x\n'), here) ?? '', /elsewhere/);
  assert.equal(judgeSshd(of('Port 22\nInclude /etc/ssh/sshd_config.d/*.conf\n'), here), undefined);
  assert.match(judgeSshd(of('Prot 22\n'), here) ?? '', /Prot/);
  assert.equal(judgeScript(of(POLKIT), here), undefined);
  assert.ok(judgeScript(of('if ('), here));
  assert.equal(judgeCertificate(of(CERTIFICATE), here), undefined);
  assert.ok(judgeCertificate(of('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), here));
  assert.equal(judgeTables(of(RULES), here), undefined);
  for (const text of ['*filter\n', '-A INPUT\n', '*filter\n$(id)\nCOMMIT\n', '*a\n*b\nCOMMIT\n'])
    assert.ok(judgeTables(of(text), here), text);
});

test('names are changed where they stand for people, and no other letter', () => {
  const owners = {
    ...OWNERS_AS_CAPTURED,
    user: (name: string) => (name === 'ann' ? 'zoe' : name),
    group: (name: string) => (name === 'ann' ? 'zoes' : name),
  };
  assert.equal(
    mapSudoers(
      '# ann\nHost_Alias ann = box\nDefaults env_keep="ann"\nDefaults:ann !lecture\nDefaults>ann set_home\nUser_Alias A = bob, \\\n  ann : B = ann\nann,%ann ann=(ann : ann) /bin/ann, /home/x/ann\n',
      owners,
    ),
    '# ann\nHost_Alias ann = box\nDefaults env_keep="ann"\nDefaults:zoe !lecture\nDefaults>zoe set_home\nUser_Alias A = bob, \\\n  zoe : B = zoe\nzoe,%zoes ann=(zoe : zoes) /bin/ann, /home/x/ann\n',
  );
  assert.equal(
    mapSshd('AllowUsers !ann@h joann ann\nMatch Address 1.2.3.4 User ann,bob\nBanner ann\n', owners),
    'AllowUsers !zoe@h joann zoe\nMatch Address 1.2.3.4 User zoe,bob\nBanner ann\n',
  );
  assert.equal(
    mapPolkit('subject.user === \'ann\' && subject.isInGroup("ann")', owners),
    'subject.user === \'zoe\' && subject.isInGroup("zoes")',
  );
  assert.equal(mapLimits('ann soft x\n# ann\n@ann hard y\n*\tz\n', owners), 'zoe soft x\n# ann\n@zoes hard y\n*\tz\n');
  for (const map of [mapSudoers, mapSshd, mapPolkit, mapLimits]) {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(map(text, OWNERS_AS_CAPTURED), text)));
  }
});
