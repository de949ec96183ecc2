/** The editors of network files: what they are not told to change stays to the byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDocument } from 'yaml';
import { OWNERS_AS_CAPTURED } from '../../../src/state/areas/base/owners-as-captured.ts';
import { AdapterMap } from '../../../src/state/areas/network/adapter-map.ts';
import { addressOf, maskOf } from '../../../src/state/areas/network/addresses.ts';
import { mapHomePath } from '../../../src/state/areas/network/home-path.ts';
import { fitInterfaces, interfacesAddresses, parseInterfaces } from '../../../src/state/areas/network/ifupdown.ts';
import { KeyLines } from '../../../src/state/areas/network/key-lines.ts';
import { fitConnection } from '../../../src/state/areas/network/keyfile.ts';
import { fitNetplan } from '../../../src/state/areas/network/netplan.ts';
import { runningWith } from '../support/running.ts';

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,11}$/);
const value = fc.stringMatching(/^[!-~ä€]([ -~ä€]{0,20}[!-~ä€])?$/).filter((text) => !text.endsWith('\\'));
const blank = fc.constantFrom('', '\n', '# a comment\n', ';another\n', '   \n');
const group = fc.record({
  name: word,
  keys: fc.array(fc.tuple(word, value, blank), { maxLength: 6 }),
});
const file = fc.array(group, { maxLength: 5 });
const textOf = (groups: { name: string; keys: [string, string, string][] }[]): string =>
  groups
    .map(({ name, keys }) => `[${name}]\n${keys.map(([key, text, after]) => `${key}=${text}\n${after}`).join('')}`)
    .join('\n');

test('a file of keys is read as it was written', () => {
  fc.assert(
    fc.property(file, (groups) => {
      const lines = KeyLines.parse(textOf(groups));
      assert.deepEqual(lines.badLines, []);
      assert.deepEqual(
        lines.lines.map((line) => [line.group, line.groupNumber, line.key, line.value]),
        groups.flatMap(({ name, keys }, at) => keys.map(([key, text]) => [name, at + 1, key, text])),
      );
    }),
  );
});

test('any text that nothing is changed in stays as it is, continued lines too', () => {
  const anything = fc
    .array(fc.oneof(fc.string(), fc.constantFrom('[a]', 'b=c', '\\', '\n', '\r\n', '#', 'x=\\\n y')))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(anything, fc.boolean(), (text, continues) => {
      assert.equal(
        KeyLines.parse(text, continues).edit(() => undefined),
        text,
      );
    }),
  );
});

test('a change of one key changes its line alone', () => {
  fc.assert(
    fc.property(file, fc.nat(), value, (groups, pick, to) => {
      const text = textOf(groups);
      const lines = KeyLines.parse(text);
      fc.pre(lines.lines.length > 0);
      const chosen = lines.lines[pick % lines.lines.length];
      let seen = -1;
      const edited = lines.edit(
        (line) => (++seen === pick % lines.lines.length ? to : undefined) ?? (line === chosen ? to : undefined),
      );
      const before = text.split('\n');
      const after = edited.split('\n');
      assert.equal(after.length, before.length);
      assert.ok(after.filter((line, at) => line !== before[at]).length <= 1);
      assert.equal(KeyLines.parse(edited).lines[pick % lines.lines.length]?.value, to);
      const removed = KeyLines.parse(lines.edit((line) => (line === chosen ? null : undefined)));
      assert.equal(removed.lines.length, lines.lines.length - 1);
    }),
  );
});

test('no value can begin another line', () => {
  const lines = KeyLines.parse('[a]\nb=c\n');
  assert.throws(() => lines.edit(() => 'x\n[evil]'), /line end/);
  assert.throws(() => lines.edit(() => ['y=1\nz=2']), /line end/);
});

test('netmasks are those of their prefixes', () => {
  assert.deepEqual(
    [0, 8, 20, 24, 32].map((prefix) => maskOf(true, prefix)),
    ['0.0.0.0', '255.0.0.0', '255.255.240.0', '255.255.255.0', '255.255.255.255'],
  );
  assert.deepEqual(
    [0, 64, 52, 128].map((prefix) => maskOf(false, prefix)),
    ['::', 'ffff:ffff:ffff:ffff::', 'ffff:ffff:ffff:f000::', Array(8).fill('ffff').join(':')],
  );
  assert.deepEqual(addressOf('10.0.0.5/8'), { address: '10.0.0.5', mask: '255.0.0.0' });
  for (const text of ['10.0.0/8', '10.0.0.5/33', '::1/129', '10.0.0.5/x', 'host', ''])
    assert.equal(addressOf(text), undefined, text);
});

test('paths follow their home, and only theirs', () => {
  const owners = { ...OWNERS_AS_CAPTURED, home: (path: string) => (path === '/home/ann' ? '/home/anna' : path) };
  assert.equal(mapHomePath('/home/ann/.cert/a.pem', owners), '/home/anna/.cert/a.pem');
  assert.equal(mapHomePath('file:///home/ann/a.pem', owners), 'file:///home/anna/a.pem');
  assert.equal(mapHomePath('/home/annette/a.pem', owners), '/home/annette/a.pem');
  assert.equal(mapHomePath('secret', owners), 'secret');
});

const CARD = { mac: '52:54:00:00:00:09' };
const configFile = (path: string, text: string) => ({ path, text, mode: 0o644, uid: 0, gid: 0 });

test('a word that every object of JavaScript has is a word as any other', (t) => {
  const adapters = new AdapterMap('new', [], runningWith(t, { eth0: CARD }));
  const about = { owners: OWNERS_AS_CAPTURED, adapters };
  for (const word of ['constructor', 'toString', '__proto__', 'valueOf']) {
    const { effect } = fitInterfaces(configFile('/x', ''), `${word} /etc/x\n`, about);
    assert.equal(effect, 'network');
    const text = `[connection]\nid=x\ntype=${word}\ninterface-name=eth0\n[${word}]\nmac-address=00:11:22:33:44:55\n`;
    assert.match(fitConnection(configFile('/x', text), text, about).text ?? '', /interface-name=eth0/);
  }
});

test('adapters of an ifupdown file get their names here, and everything else stays', (t) => {
  const about = {
    owners: OWNERS_AS_CAPTURED,
    adapters: new AdapterMap('new', [], runningWith(t, { enp9s0: CARD })),
  };
  const text = `# mine
auto lo enp3s0   # not a comment for ifupdown
iface lo inet loopback
allow-hotplug\tenp3s0
iface enp3s0 inet dhcp
    hwaddress ether 00:11:22:33:44:55
    mtu 9000
iface enp3s0.7 \\
   inet manual
    vlan-raw-device enp3s0
auto br0
iface br0 inet dhcp
  bridge_ports enp3s0 none
`;
  const fitted = fitInterfaces(configFile('/etc/network/interfaces', text), text, about);
  assert.equal(fitted.refusal, undefined);
  assert.equal(fitted.text, text.replaceAll('enp3s0', 'enp9s0').replace(/.*hwaddress.*\n/, ''));
  assert.equal(fitted.effect, 'network');
  const commands = fitInterfaces(configFile('/x', ''), 'iface enp9s0 inet dhcp\n post-up /bin/evil\n', about);
  assert.equal(commands.effect, 'root-runs');
  const elsewhere = fitInterfaces(configFile('/x', ''), 'source /home/eve/interfaces\n', about);
  assert.equal(elsewhere.effect, 'root-runs');
  const above = fitInterfaces(configFile('/x', ''), 'source interfaces.d/../../../home/eve/i\n', about);
  assert.equal(above.effect, 'root-runs');
});

test('any ifupdown text keeps every byte where no adapter is another one', (t) => {
  const adapters = new AdapterMap('new', [], runningWith(t, { enp9s0: CARD }));
  const part = fc.constantFrom(
    'auto',
    'iface',
    ' ',
    '\n',
    '\\\n',
    'enp9s0',
    'lo',
    'inet',
    'dhcp',
    '#',
    'up',
    'x',
    '\t',
    'mapping',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      // A longer name is that of another adapter.
      fc.pre(!/enp9s0\w/.test(text));
      assert.equal(
        parseInterfaces(text)
          .map(({ raw }) => raw)
          .join(''),
        text,
      );
      const { text: fitted, refusal } = fitInterfaces(configFile('/x', text), text, {
        owners: OWNERS_AS_CAPTURED,
        adapters,
      });
      assert.equal(refusal ? text : fitted, text);
    }),
  );
});

test('static addresses of an ifupdown file are found with mask and gateway', () => {
  const text =
    'iface eth0 inet static\n address 10.1.2.3\n netmask 255.255.0.0\n gateway 10.1.0.1\niface eth1 inet6 static\n address fd00::2/64\n';
  assert.deepEqual(interfacesAddresses(parseInterfaces(text)), [
    { interface: 'eth0', address: '10.1.2.3', mask: '255.255.0.0', gateway: '10.1.0.1' },
    { interface: 'eth1', address: 'fd00::2', mask: 'ffff:ffff:ffff:ffff::' },
  ]);
});

const netplan = (t: Parameters<typeof runningWith>[0], text: string, adapters = { enp9s0: CARD }) =>
  fitNetplan(configFile('/etc/netplan/a.yaml', text), text, {
    owners: { ...OWNERS_AS_CAPTURED, user: (name) => (name === 'ann' ? 'anna' : name) },
    adapters: new AdapterMap('new', [], runningWith(t, adapters)),
  });

test('netplan: devices get their names here, references too, comments stay', (t) => {
  const fitted = netplan(
    t,
    `# the office
network:
  version: 2
  ethernets:
    enp3s0: # on the desk
      dhcp4: true
  bridges:
    br0:
      interfaces: [enp3s0]
  vlans:
    lab: {id: 7, link: enp3s0}
`,
  );
  assert.equal(fitted.refusal, undefined);
  assert.match(fitted.text ?? '', /# the office/);
  assert.match(fitted.text ?? '', /enp9s0:\s+# on the desk/);
  const read = parseDocument(fitted.text ?? '').toJS();
  assert.deepEqual(read.network.bridges.br0.interfaces, ['enp9s0']);
  assert.equal(read.network.vlans.lab.link, 'enp9s0');
});

test('netplan: a hardware address is this machine’s, or none and no set-name', (t) => {
  const text =
    'network:\n  ethernets:\n    lan:\n      match: {macaddress: "00:11:22:33:44:55"}\n      set-name: lan0\n      macaddress: 00:aa:bb:cc:dd:ee\n      dhcp4: true\n';
  const one = parseDocument(netplan(t, text).text ?? '').toJS().network.ethernets.lan;
  assert.deepEqual(one, { match: { macaddress: CARD.mac }, 'set-name': 'lan0', dhcp4: true });
  const two = parseDocument(
    netplan(t, text, { enp8s0: { mac: '52:54:00:00:00:08' }, enp9s0: CARD } as never).text ?? '',
  ).toJS();
  assert.deepEqual(two.network.ethernets.lan, { match: { name: 'en*' }, dhcp4: true });
});

test('netplan: what NetworkManager keeps in it is fitted too', (t) => {
  const text = `network:
  wifis:
    NM-1:
      renderer: NetworkManager
      match: {}
      access-points:
        "Lab":
          auth: {key-management: psk, password: "0123456789"}
          networkmanager:
            uuid: 1
            passthrough:
              wifi.mac-address: "00:11:22:33:44:55"
              connection.permissions: "user:ann:;"
`;
  const fitted = netplan(t, text);
  assert.doesNotMatch(fitted.text ?? '', /mac-address/);
  assert.match(fitted.text ?? '', /user:anna:;/);
  assert.match(fitted.text ?? '', /0123456789/);
});

test('netplan: what needs no change stays to the byte; what netplan would not take is not carried', (t) => {
  const text = 'network:   {version: 2,   renderer: NetworkManager}   # as installed\n';
  assert.equal(netplan(t, text).text, text);
  for (const wrong of ['a: [', 'network: 5\n', '- 1\n', 'network: {a: &x {b: *x}}\n']) {
    assert.equal(netplan(t, wrong).refusal?.kind, 'withhold', wrong);
  }
});

test('netplan: wireless by systemd-networkd cannot be for any adapter, so a person writes it', (t) => {
  const text = 'network:\n  wifis:\n    wlp2s0:\n      dhcp4: true\n';
  assert.equal(netplan(t, text).refusal?.kind, 'ask');
  const managed = netplan(t, `${text}  renderer: NetworkManager\n`);
  assert.equal(managed.refusal, undefined);
  assert.equal(parseDocument(managed.text ?? '').toJS().network.wifis.wlp2s0.match.name, 'wl*');
});

test('two adapters of the old machine never become one', (t) => {
  const target = runningWith(t, { enp9s0: CARD });
  const two = ['enp3s0', 'enp4s0'].map((name) => ({ interface: name, kind: 'ethernet' as const }));
  const about = { owners: OWNERS_AS_CAPTURED, adapters: new AdapterMap('new', two, target) };
  assert.equal(about.adapters.ofName('enp3s0').kind, 'none');
  const text = 'network:\n  ethernets:\n    enp3s0: {dhcp4: true}\n    enp4s0: {dhcp4: true}\n';
  const unknown = { owners: OWNERS_AS_CAPTURED, adapters: new AdapterMap('new', [], target) };
  assert.equal(fitNetplan(configFile('/a', text), text, unknown).refusal?.kind, 'ask');
  const stanzas = 'iface enp3s0 inet dhcp\niface enp4s0 inet dhcp\n';
  assert.equal(fitInterfaces(configFile('/a', stanzas), stanzas, unknown).refusal?.kind, 'ask');
});

test('netplan: what a bridge is made of is not made of all adapters', (t) => {
  const text = 'network:\n  ethernets:\n    enp3s0: {}\n  bridges:\n    br0: {interfaces: [enp3s0]}\n';
  const fitted = netplan(t, text, { enp8s0: CARD, enp9s0: CARD } as never);
  assert.equal(fitted.refusal?.kind, 'ask');
});
