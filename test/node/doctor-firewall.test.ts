import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkFirewall, type FirewallOutputs } from '../../src/node/doctor/firewall.ts';

const NONE: FirewallOutputs = { ufw: undefined, firewalld: undefined, nft: undefined, iptables: undefined };
const verdicts = (outputs: Partial<FirewallOutputs>, port = 24717) =>
  checkFirewall({ ...NONE, ...outputs }, port).map(({ verdict, subject }) => `${subject} ${verdict}`);
const OPEN = ['tcp 24717 ok', 'udp 5353 ok'];
const CLOSED = ['tcp 24717 warning', 'udp 5353 warning'];

test('a firewall that nobody can look at is unknown, one that is switched off is fine', () => {
  assert.deepEqual(verdicts({}), ['this machine unknown']);
  assert.deepEqual(verdicts({ ufw: 'Status: inactive\n', firewalld: 'FirewallD is not running\n' }), [
    'this machine ok',
  ]);
});

test('ufw is read: what it denies and what it allows', () => {
  const head =
    'Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n\nTo                         Action      From\n--                         ------      ----\n';
  assert.deepEqual(verdicts({ ufw: head }), ['tcp 24717 warning', 'udp 5353 ok']);
  assert.deepEqual(
    verdicts({ ufw: `${head}22/tcp   ALLOW IN    Anywhere\n24717/tcp                  ALLOW IN    Anywhere\n` }),
    OPEN,
  );
  assert.deepEqual(verdicts({ ufw: `${head}24717      ALLOW       192.168.1.0/24\n` }), OPEN);
  assert.deepEqual(verdicts({ ufw: 'Status: active\nDefault: allow (incoming)\n' }), OPEN);
  const [denied] = checkFirewall({ ...NONE, ufw: head }, 24717);
  assert.equal(denied!.remedy, 'ufw allow 24717/tcp');
});

test('firewalld is read: ports, ranges of ports, services, and a zone that lets everything in', () => {
  const zone = (services: string, ports: string, target = 'default') =>
    `public (active)\n  target: ${target}\n  interfaces: eth0\n  services: ${services}\n  ports: ${ports}\n  protocols: \n`;
  assert.deepEqual(verdicts({ firewalld: zone('ssh dhcpv6-client', '') }), CLOSED);
  assert.deepEqual(verdicts({ firewalld: zone('ssh mdns', '24717/tcp') }), OPEN);
  assert.deepEqual(verdicts({ firewalld: zone('ssh', '1025-65535/tcp 1025-65535/udp') }), OPEN);
  assert.deepEqual(verdicts({ firewalld: zone('ssh', '24717/udp') }), CLOSED);
  assert.deepEqual(verdicts({ firewalld: zone('ssh', '', 'ACCEPT') }), OPEN);
});

test('nft is read: chains that see what comes in, and drop what no rule lets in', () => {
  const chain = (rules: string, policy = 'drop') =>
    `table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy ${policy};\n\t\tct state established,related accept\n${rules}\t}\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n`;
  assert.deepEqual(verdicts({ nft: '' }), OPEN);
  assert.deepEqual(verdicts({ nft: chain('', 'accept') }), OPEN);
  assert.deepEqual(verdicts({ nft: chain('') }), CLOSED);
  assert.deepEqual(verdicts({ nft: chain('\t\ttcp dport { 22, 24717 } accept\n\t\tudp dport 5353 accept\n') }), OPEN);
  assert.deepEqual(verdicts({ nft: chain('\t\treject with icmpx admin-prohibited\n', 'accept') }), CLOSED);
  assert.deepEqual(verdicts({ nft: chain('\t\ttcp dport 2471 accept\n') }), CLOSED);
});

test('iptables is read: the policy and the last rule of INPUT', () => {
  assert.deepEqual(verdicts({ iptables: '-P INPUT ACCEPT\n-P FORWARD DROP\n' }), OPEN);
  assert.deepEqual(verdicts({ iptables: '-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n' }), CLOSED);
  const rules =
    '-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 24717 -j ACCEPT\n-A INPUT -p udp -m udp --dport 5353 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n';
  assert.deepEqual(verdicts({ iptables: rules }), OPEN);
  assert.deepEqual(verdicts({ iptables: rules }, 4000), ['tcp 4000 warning', 'udp 5353 ok']);
});

test('ufw speaks before what it wrote into nft, unless it is switched off', () => {
  const nft = 'chain input { type filter hook input priority 0; policy drop; }';
  assert.deepEqual(verdicts({ ufw: 'Status: active\nDefault: allow (incoming)\n', nft }), OPEN);
  assert.deepEqual(verdicts({ ufw: 'Status: inactive\n', nft }), CLOSED);
});

test('whatever the tools print, something is said and nothing thrown', () => {
  const words = fc.constantFrom(
    'Status: active',
    'ports:',
    'chain x {',
    'hook input',
    'policy drop',
    '}',
    '-P INPUT DROP',
    'drop',
    '\n',
    ' ',
  );
  const text = fc.option(
    fc.oneof(
      fc.string(),
      fc.array(words).map((all) => all.join('\n')),
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(text, text, text, text, (ufw, firewalld, nft, iptables) => {
      assert.ok(checkFirewall({ ufw, firewalld, nft, iptables }, 24717).length > 0);
    }),
  );
});
