import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseInterfaces, isOnLink, isReachableOn } from '../../src/node/discovery/interfaces.ts';
import { addressesOn } from '../../src/node/discovery/link.ts';
import { isPhysicalName } from '../../src/node/link/interfaces.ts';

const NO_HARDWARE = '00:00:00:00:00:00';

function info(cidr: string, internal = false): NetworkInterfaceInfo {
  const address = cidr.split('/')[0]!;
  const common = { address, cidr, internal, netmask: '', mac: internal ? NO_HARDWARE : '02:00:00:00:00:07' };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

const SYSTEM = {
  lo: [info('127.0.0.1/8', true), info('::1/128', true)],
  eth0: [info('198.51.100.7/24'), info('fd00::7/64'), info('fe80::7/64')],
  wlan0: [info('192.168.1.7/24')],
  docker0: [info('172.17.0.1/16')],
  mute0: [info('fe80::1/64')],
  v6only: [info('fd01::1/64')],
};
const named = (name: string) => chooseInterfaces(SYSTEM, [name]).usable[0]!;

test('without names the physical interfaces are used, with IPv6 where there is no IPv4', () => {
  const { usable, missing } = chooseInterfaces(SYSTEM, []);
  assert.deepEqual(
    usable.map(({ name, address }) => [name, address]),
    [
      ['eth0', '198.51.100.7'],
      ['wlan0', '192.168.1.7'],
      ['v6only', 'fd01::1'],
    ],
  );
  assert.deepEqual(missing, []);
});

test('with names exactly those are used, and what is absent is told', () => {
  const { usable, missing } = chooseInterfaces(SYSTEM, ['lo', 'docker0', 'lo', 'usb0', 'mute0']);
  assert.deepEqual(
    usable.map(({ name }) => name),
    ['lo', 'docker0'],
  );
  assert.deepEqual(missing, ['usb0', 'mute0']);
});

test('names of cables and radios are physical, those of containers and tunnels are not', () => {
  for (const name of ['eth0', 'enp3s0', 'wlp2s0', 'wlan0', 'en0', 'Ethernet', 'Wi-Fi', 'usb0', 'bond0']) {
    assert.ok(isPhysicalName(name), name);
  }
  for (const name of [
    'lo',
    'lo0',
    'docker0',
    'br-1f2e',
    'veth12',
    'tun0',
    'tap0',
    'wg0',
    'virbr0',
    'tailscale0',
    'utun3',
  ]) {
    assert.ok(!isPhysicalName(name), name);
  }
});

test('a tunnel is left out whatever its name is, and an address from nobody gives way to a true one', () => {
  const tunnel = { ...info('10.9.0.2/24'), mac: NO_HARDWARE };
  const system = { corp0: [tunnel], eth0: [info('169.254.3.3/16'), info('192.168.1.7/24')] };
  assert.deepEqual(
    chooseInterfaces(system, []).usable.map(({ name, address }) => [name, address]),
    [['eth0', '192.168.1.7']],
  );
  assert.deepEqual(
    chooseInterfaces(system, ['corp0']).usable.map(({ name }) => name),
    ['corp0'],
  );
});

test('only addresses of the interface are told there, IPv4 first, without peer id', () => {
  const addresses = [
    '/ip6/fe80::7/tcp/1',
    '/ip6/fd00::7/tcp/1',
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/192.168.1.7/tcp/1',
    '/ip4/198.51.100.7/tcp/1/p2p/12D3KooWGRUarAYUCVWSCcyE5cmJQUcjZzqdRvuWjHvkUpYb5e5m',
    '/ip4/0.0.0.0/tcp/1',
    'nonsense',
  ];
  assert.deepEqual(addressesOn(named('eth0'), addresses), ['/ip4/198.51.100.7/tcp/1', '/ip6/fd00::7/tcp/1']);
  assert.deepEqual(addressesOn(named('wlan0'), addresses), ['/ip4/192.168.1.7/tcp/1']);
  assert.deepEqual(addressesOn(named('lo'), addresses), ['/ip4/127.0.0.1/tcp/1']);
});

test('a neighbour may be on the subnet or at a private address, and nowhere else', () => {
  const eth0 = named('eth0');
  for (const ip of ['198.51.100.9', '10.1.2.3', '169.254.3.4', 'fd00::9', 'fd77::1']) {
    assert.ok(isReachableOn(eth0, ip), ip);
  }
  const refused = ['198.51.101.9', '8.8.8.8', '127.0.0.1', '0.0.0.0', '224.0.0.251', '255.255.255.255', '::', '::1'];
  for (const ip of [...refused, 'ff02::fb', 'fe80::9', '::ffff:10.0.0.1', '::ffff:a00:1', '2001:db8::1', 'x', '']) {
    assert.ok(!isReachableOn(eth0, ip), ip);
  }
  assert.ok(isReachableOn(named('lo'), '127.0.0.1'));
  assert.ok(isReachableOn(named('lo'), '::1'));
});

test('a packet belongs to the interface on whose subnet its sender is', () => {
  assert.ok(isOnLink(named('eth0'), '198.51.100.200'));
  assert.ok(!isOnLink(named('wlan0'), '198.51.100.200'));
  assert.ok(isOnLink(named('lo'), '127.0.0.1'));
  assert.ok(!isOnLink(named('eth0'), '127.0.0.1'));
  assert.ok(!isOnLink(named('eth0'), 'fd00::9'), 'where IPv4 is used nothing else is heard');
  assert.ok(isOnLink(named('v6only'), 'fd01::9'));
  assert.ok(!isOnLink(named('v6only'), 'fd02::9'));
  assert.ok(!isOnLink(named('v6only'), '::ffff:192.168.1.9'));
  const zoned = chooseInterfaces({ v6: [info('fd01::1/64'), info('fe80::1/64')] }, ['v6']).usable[0]!;
  assert.ok(isOnLink(zoned, 'fe80::9%v6'));
  assert.ok(!isOnLink(zoned, 'fe80::9%eth0'));
});

test('no text makes the checks of addresses throw', () => {
  const text = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended());
  fc.assert(
    fc.property(text, (ip) => {
      isReachableOn(named('eth0'), ip);
      isOnLink(named('eth0'), ip);
    }),
  );
});
