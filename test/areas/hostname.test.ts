import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { HostsFile, type HostsLine } from '../../src/state/areas/hostname/hosts-file.ts';
import { hostnameArea } from '../../src/state/areas/hostname/index.ts';
import { renamedHosts } from '../../src/state/areas/hostname/renamed-hosts.ts';
import type { HostnameContent } from '../../src/state/areas/hostname/schema.ts';
import { validateHostname } from '../../src/state/areas/hostname/validate.ts';
import { lacks } from '../support/tools.ts';
import { ABOUT, capture, machineWith, planFor, restore, type TestFile, verdicts } from './support/machine.ts';
import { running } from './support/running.ts';

const USUAL = '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\nff02::1\t\tip6-allnodes\n';
const SAME = { about: { identity: 'same' as const } };
const PUBLIC = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1dCBub3QgYSByZWFsIGtleSBhdCBhbGwhISEh root@old\n';
const PRIVATE = '-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5\n-----END OPENSSH PRIVATE KEY-----\n';
const OLD: Record<string, TestFile> = {
  '/etc/hostname': 'old\n',
  '/etc/hosts': `${USUAL}127.0.1.1 old.lab.example old\n10.0.0.5 nas nas.lab # the NAS\n10.0.0.6 nas\n0.0.0.0 ads.example\n0.0.0.0 more.example\n`,
  '/etc/mailname': 'old.lab.example\n',
  '/etc/machine-info': 'PRETTY_HOSTNAME="Ann’s"\n',
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  '/etc/ssh/ssh_host_ed25519_key': { content: PRIVATE, mode: 0o600 },
  '/etc/ssh/ssh_host_ed25519_key.pub': PUBLIC,
  '/etc/ssh/sshd_config': 'PermitRootLogin yes\n',
};
const NEW: Record<string, TestFile> = {
  '/etc/hostname': 'new\n',
  '/etc/hosts': `${USUAL}# mine\n127.0.1.1\tnew.site new  # me\n`,
  '/etc/ssh/ssh_host_ed25519_key': { content: 'own', mode: 0o600 },
};
const content = (t: TestContext, files = OLD): HostnameContent =>
  capture(hostnameArea, machineWith(t, files)).content as HostnameContent;
const actions = (items: readonly { id: string; action: string }[]): Record<string, string> =>
  Object.fromEntries(items.map(({ id, action }) => [id, action]));

test('what is captured is the machine’s own, and at the source all of it is as captured', (t) => {
  const source = machineWith(t, OLD);
  const { content: captured, couldNot } = capture(hostnameArea, source);
  assert.deepEqual(couldNot, []);
  const { hostname, fqdn, hosts, hostKeys } = captured as HostnameContent;
  assert.deepEqual([hostname, fqdn], ['old', 'old.lab.example']);
  assert.deepEqual(
    hosts.map(({ address }) => address),
    ['10.0.0.5', '10.0.0.6', '0.0.0.0', '0.0.0.0'],
  );
  assert.equal(hostKeys.length, 2);
  assert.doesNotMatch(JSON.stringify(captured), /0123456789abcdef/);
  const items = hostnameArea.check(captured, source, { ...ABOUT, identity: 'same' });
  assert.deepEqual(
    items.filter(({ verdict }) => verdict !== 'same').map(({ id }) => id),
    ['machine-id:machine-id'],
  );
  assert.ok(items.every(({ group }) => group === 'hostname'));
  assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
});

test('the same machine gets its name, its line in hosts and its ssh keys back', (t) => {
  const target = machineWith(t, NEW);
  const items = restore(hostnameArea, content(t), target, SAME);
  assert.deepEqual(actions(items), {
    'hostname:name': 'replace',
    'mailname:mailname': 'add',
    'machine-info:machine-info': 'add',
    'hosts:10.0.0.5': 'merge',
    'hosts:10.0.0.6': 'merge',
    'hosts:0.0.0.0': 'merge',
    'ssh-host-key:ssh_host_ed25519_key': 'replace',
    'machine-id:machine-id': 'keep',
  });
  assert.equal(target.text('/etc/hostname'), 'old\n');
  assert.equal(
    target.text('/etc/hosts'),
    `${USUAL}# mine\n127.0.1.1\told.lab.example old  # me\n10.0.0.5\tnas nas.lab # the NAS\n10.0.0.6\tnas\n0.0.0.0\tads.example\n0.0.0.0\tmore.example\n`,
  );
  assert.equal(target.facts('/etc/ssh/ssh_host_ed25519_key')?.mode, 0o600);
  const judged = hostnameArea.check(content(t), target, { ...ABOUT, ...SAME.about });
  assert.deepEqual(
    judged.filter(({ verdict }) => verdict !== 'same').map(({ id }) => id),
    ['machine-id:machine-id'],
  );
  assert.deepEqual(
    new Set(Object.values(actions(planFor(hostnameArea, content(t), target, SAME)))),
    new Set(['same', 'keep']),
  );
});

test('a new machine keeps name and keys, is told of the old name, and gets the names of others', (t) => {
  const target = machineWith(t, NEW);
  const items = restore(hostnameArea, content(t), target);
  assert.deepEqual(actions(items), {
    'hostname:name': 'ask',
    'mailname:mailname': 'keep',
    'machine-info:machine-info': 'keep',
    'hosts:10.0.0.5': 'merge',
    'hosts:10.0.0.6': 'merge',
    'hosts:0.0.0.0': 'merge',
    'ssh-host-key:ssh_host_ed25519_key': 'keep',
    'machine-id:machine-id': 'keep',
  });
  assert.match(items[0]?.detail ?? '', /keeps its own name new; the old one was old/);
  assert.equal(target.text('/etc/ssh/ssh_host_ed25519_key'), 'own');
  const judged = verdicts(hostnameArea.check(content(t), target, ABOUT));
  assert.deepEqual(
    [judged['hostname:name'], judged['ssh-host-key:ssh_host_ed25519_key'], judged['hosts:10.0.0.5']],
    ['changed', 'skipped', 'same'],
  );
});

test('a name that leads elsewhere on the target keeps its address there', (t) => {
  const target = machineWith(t, { ...NEW, '/etc/hosts': '192.168.1.9 NAS\n' });
  const items = restore(hostnameArea, content(t), target);
  assert.match(items.find(({ id }) => id === 'hosts:10.0.0.5')?.detail ?? '', /nas keeps the address/);
  assert.equal(actions(items)['hosts:10.0.0.6'], 'keep');
  assert.match(target.text('/etc/hosts') ?? '', /^192.168.1.9 NAS\n10.0.0.5\tnas.lab # the NAS\n0/);
  assert.equal(verdicts(hostnameArea.check(content(t), target, ABOUT))['hosts:10.0.0.5'], 'person');
});

test('names and keys come only where they are allowed', (t) => {
  const items = planFor(hostnameArea, content(t), machineWith(t, NEW), { ...SAME, allowPrivileged: false });
  const effects = Object.fromEntries(items.map(({ id, action, effect }) => [id, `${action} ${effect}`]));
  assert.equal(effects['hosts:10.0.0.5'], 'withhold name-resolution');
  assert.equal(effects['ssh-host-key:ssh_host_ed25519_key'], 'withhold root-file');
});

test('each thing that is broken after a restore is seen', (t) => {
  const target = machineWith(t, NEW);
  restore(hostnameArea, content(t), target, SAME);
  const judge = (): Record<string, string> =>
    verdicts(hostnameArea.check(content(t), target, { ...ABOUT, ...SAME.about }));
  const at = (path: string): string => join(target.root, path);
  writeFileSync(at('/etc/hostname'), 'other\n');
  writeFileSync(at('/etc/hosts'), USUAL);
  rmSync(at('/etc/mailname'));
  writeFileSync(at('/etc/machine-info'), 'PRETTY_HOSTNAME=x\n');
  chmodSync(at('/etc/ssh/ssh_host_ed25519_key'), 0o644);
  const broken = judge();
  for (const id of [
    'hostname:name',
    'hostname:domain',
    'hosts:10.0.0.5',
    'hosts:0.0.0.0',
    'mailname:mailname',
    'machine-info:machine-info',
    'ssh-host-key:ssh_host_ed25519_key',
  ]) {
    assert.equal(broken[id], 'failed', id);
  }
  rmSync(at('/etc/ssh/ssh_host_ed25519_key.pub'));
  assert.equal(judge()['ssh-host-key:ssh_host_ed25519_key'], 'failed');
});

test('no private key is in anything that is shown', (t) => {
  const target = machineWith(t, NEW);
  const plan = planFor(hostnameArea, content(t), target, SAME).map(({ changes: _, ...item }) => item);
  assert.doesNotMatch(JSON.stringify([plan, hostnameArea.check(content(t), target, ABOUT)]), /bm90IGEga2V5|BEGIN/);
});

test('a machine that runs gets its name at once, and sshd its keys', (t) => {
  const target = running(machineWith(t, { ...NEW, '/proc/sys/kernel/hostname': 'new\n' }), {
    'hostname new': '',
    'systemctl is-active --quiet ssh.service': '',
    'systemctl reload-or-restart ssh.service': { status: 1, stdout: '', stderr: 'no bus' },
  });
  const problems = hostnameArea.activate?.(target, new Set(['/etc/hostname', '/etc/ssh/ssh_host_rsa_key']));
  assert.deepEqual(problems, [{ what: 'ssh.service', why: 'no bus' }]);
  assert.ok(target.asked.includes('hostname new'));
  writeFileSync(join(target.root, 'proc/sys/kernel/hostname'), 'stale\n');
  const named = { hostname: 'new', hosts: [], hostKeys: [] };
  assert.equal(verdicts(hostnameArea.check(named, target, { ...ABOUT, ...SAME.about }))['hostname:name'], 'failed');
});

test('real keys are judged by ssh-keygen', { skip: lacks('ssh-keygen') }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['a', 'b']) spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const source = {
    '/etc/hostname': 'old\n',
    '/etc/ssh/ssh_host_ed25519_key': { content: read('a'), mode: 0o600 },
    '/etc/ssh/ssh_host_ed25519_key.pub': read('a.pub'),
  };
  const target = machineWith(t, NEW);
  restore(hostnameArea, content(t, source), target, SAME);
  assert.deepEqual(validateHostname(target), []);
  const [, shown] = spawnSync('ssh-keygen', ['-lf', join(folder, 'a.pub')], { encoding: 'utf8' }).stdout.split(' ');
  const judged = hostnameArea.check(content(t, source), target, { ...ABOUT, ...SAME.about });
  const key = judged.find(({ id }) => id === 'ssh-host-key:ssh_host_ed25519_key');
  assert.equal(key?.expected, shown);
  writeFileSync(join(target.root, 'etc/ssh/ssh_host_ed25519_key.pub'), read('b.pub'));
  assert.match(validateHostname(target)[0]?.why ?? '', /not of/);
  writeFileSync(join(target.root, 'etc/ssh/ssh_host_ed25519_key'), PRIVATE);
  assert.equal(validateHostname(target)[0]?.what, '/etc/ssh/ssh_host_ed25519_key');
  assert.deepEqual(validateHostname(target, target), []);
});

test('a line of hosts that is none is named, and the rest goes on', (t) => {
  const source = machineWith(t, {
    '/etc/hostname': '# name\n\nold\n',
    '/etc/hosts': '10.0.0.5 nas\nno address\n10.0.0.7\n',
  });
  const { content: captured, couldNot } = capture(hostnameArea, source);
  assert.deepEqual((captured as HostnameContent).hosts, [{ address: '10.0.0.5', hostnames: ['nas'] }]);
  assert.deepEqual(
    couldNot.map(({ what }) => what),
    ['line 2 of /etc/hosts', 'line 3 of /etc/hosts'],
  );
});

test('a hostile document smuggles no line and no file in', (t) => {
  const base = { hosts: [], hostKeys: [] };
  const key = (path: string, text = PRIVATE) => ({ path, text, mode: 0o4777, uid: 1000, gid: 1000 });
  for (const wrong of [
    { ...base, hostname: 'a\nb' },
    { ...base, hostname: '-x' },
    { ...base, hostname: 'a'.repeat(65) },
    { ...base, mailname: 'x y' },
    { ...base, hosts: [{ address: '10.0.0.1\n6.6.6.6 bank', hostnames: ['x'] }] },
    { ...base, hosts: [{ address: '10.0.0.1', hostnames: ['x\n6.6.6.6 bank'] }] },
    { ...base, hosts: [{ address: '10.0.0.1', hostnames: ['x'], comment: 'a\n6.6.6.6 bank' }] },
    { ...base, hostKeys: [key('/etc/ssh/sshd_config')] },
    { ...base, hostKeys: [key('/etc/ssh/ssh_host_x_key/../../passwd')] },
    { ...base, hostKeys: [key('/etc/ssh/ssh_host_a_key'), key('/etc/ssh/ssh_host_a_key')] },
  ]) {
    assert.equal(hostnameArea.schema.safeParse(wrong).success, false, JSON.stringify(wrong).slice(0, 80));
  }
  const forged = hostnameArea.schema.parse({
    ...base,
    hostKeys: [
      key('/etc/ssh/ssh_host_rsa_key', 'no key'),
      key('/etc/ssh/ssh_host_dsa_key'),
      { path: '/etc/ssh/ssh_host_x_key', link: '/etc/shadow', mode: 0o777, uid: 0, gid: 0 },
    ],
  });
  const items = planFor(hostnameArea, forged, machineWith(t, { '/etc/': '' }), SAME);
  assert.deepEqual(actions(items), {
    'ssh-host-key:ssh_host_rsa_key': 'withhold',
    'ssh-host-key:ssh_host_dsa_key': 'add',
    'ssh-host-key:ssh_host_x_key': 'withhold',
    'machine-id:machine-id': 'keep',
  });
  const [change] = items.flatMap(({ changes }) => changes);
  assert.ok(change?.kind === 'file' && change.mode === 0o600 && change.uid === 0 && change.gid === 0);
});

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const name = fc.stringMatching(/^[a-z0-9_]([a-z0-9_.-]{0,10}[a-z0-9_])?$/);
const line = fc.record({
  address,
  hostnames: fc.array(name, { minLength: 1, maxLength: 4 }),
  comment: fc.option(fc.stringMatching(/^[!-~][ -~]{0,10}[!-~]$/), { nil: undefined }),
});

test('hosts lines are read as they were written, after whatever stood there', () => {
  const before = fc
    .array(fc.oneof(fc.string(), fc.constantFrom('127.0.0.1 localhost', '# x', '\n', '\r\n', '\t')))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(before, fc.array(line), (text, lines) => {
      const file = HostsFile.parse(text);
      const longer = file.with(lines as HostsLine[]);
      assert.ok(longer.startsWith(text));
      const read = HostsFile.parse(longer).lines.slice(file.lines.length);
      assert.deepEqual(
        read.map(({ address: at, hostnames, comment }) => ({ address: at, hostnames, comment })),
        lines.map((one) => ({ ...one })),
      );
      assert.equal(
        file.rename((word) => word),
        text,
      );
    }),
  );
});

test('renaming a machine changes its own line alone', () => {
  const others = fc.array(line.filter(({ address: at }) => !at.startsWith('127.') && at !== '::1'));
  fc.assert(
    fc.property(others, others, (above, below) => {
      const own = '127.0.1.1  old.lab\told  # me\n';
      const text = (lines: typeof above): string => HostsFile.parse('').with(lines as HostsLine[]);
      const renamed = renamedHosts(text(above) + own + text(below), 'old', 'new', undefined);
      assert.equal(renamed, `${text(above)}127.0.1.1  new.lab\tnew  # me\n${text(below)}`);
    }),
  );
  assert.equal(renamedHosts('127.0.1.1 old\n', 'old', 'new', 'new.lab'), '127.0.1.1 new.lab new\n');
  assert.equal(renamedHosts('127.0.1.1 new\n', 'new', 'new', 'new.lab'), '127.0.1.1 new.lab new\n');
  assert.equal(renamedHosts('::1 localhost\n', 'old', 'new', 'new.lab'), '::1 localhost\n127.0.1.1\tnew.lab new\n');
  assert.equal(renamedHosts('10.0.0.1 new\n', 'old', 'new', undefined), undefined);
});

test('the same machine gets its domain again, whether it had its name already or not', (t) => {
  const content = capture(
    hostnameArea,
    machineWith(t, { '/etc/hostname': 'old\n', '/etc/hosts': '127.0.1.1 old.lab old\n' }),
  ).content;
  for (const name of ['old', 'debian']) {
    const there = machineWith(t, { '/etc/hostname': `${name}\n`, '/etc/hosts': `127.0.1.1 ${name}\n` });
    restore(hostnameArea, content, there, { about: { identity: 'same' } });
    assert.equal(there.text('/etc/hosts'), '127.0.1.1 old.lab old\n');
    const checked = verdicts(hostnameArea.check(content, there, { ...ABOUT, identity: 'same' }));
    assert.equal(checked['hostname:domain'], 'same');
  }
});
