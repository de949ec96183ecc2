import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { addressSorter, nearnessOf } from '../../src/node/link/address-order.ts';
import { ipOf, localLinks, rememberedLinks, sameSubnet } from '../../src/node/link/interfaces.ts';
import { addressesToTell, withSelfAssigned } from '../../src/node/link/own-addresses.ts';
import { HeldTime } from './support/fakes.ts';
import { info, link, source } from './support/links.ts';

const OFFICE = [
  link('lo', ['127.0.0.1/8', '::1/128'], { kind: 'loopback' }),
  link('eth0', ['10.1.2.3/24', 'fd00::3/64', 'fe80::3/64']),
  link('wlan0', ['10.9.0.3/16', '10.1.2.9/24'], { kind: 'radio' }),
  link('docker0', ['172.17.0.1/16'], { kind: 'virtual' }),
  link('tun0', ['10.200.0.2/24'], { kind: 'virtual' }),
];

test('what the system says of each interface is read, of those that are down too', () => {
  const links = localLinks(
    source(
      {
        lo: [info('127.0.0.1/8')],
        eth0: [info('192.168.1.7/24'), info('fe80::7/64')],
        wlp2s0: [info('192.168.2.7/24')],
        corp0: [info('10.8.0.2/24', '00:00:00:00:00:00')],
        odd: [{ ...info('10.0.0.1/8'), cidr: null }],
      },
      {
        lo: { flags: '0x9', carrier: '1' },
        eth0: { flags: '0x1003', carrier: '1', speed: '1000', address: '02:00:00:00:00:01', 'phy80211@': '' },
        eth1: { flags: '0x1002', speed: '-1', address: '02:00:00:00:00:02' },
        wlp2s0: { flags: '0x1003', carrier: '1', 'phy80211@': 'phy0' },
        corp0: { flags: '0x1091', carrier: '1' },
        br0: { flags: '0x1003', carrier: '0' },
        eth2: { flags: '0x3', carrier: '1', 'master@': 'br0' },
      },
    ),
  );
  const by = Object.fromEntries(links.map((one) => [one.name, one]));
  assert.deepEqual(Object.keys(by), ['br0', 'corp0', 'eth0', 'eth1', 'eth2', 'lo', 'odd', 'wlp2s0']);
  assert.deepEqual(by.eth1, link('eth1', [], { isUp: false, hasCarrier: undefined }));
  assert.deepEqual(
    ['br0', 'corp0', 'eth1', 'lo', 'wlp2s0'].map((name) => by[name]!.kind),
    ['virtual', 'virtual', 'wired', 'loopback', 'radio'],
  );
  assert.equal(by.eth0!.speedMbps, 1000);
  assert.deepEqual(by.eth0!.addresses, [
    { ip: '192.168.1.7', prefixBits: 24 },
    { ip: 'fe80::7', prefixBits: 64 },
  ]);
  assert.equal(by.eth2!.canMulticast, false);
  assert.equal(by.eth2!.master, 'br0');
  assert.equal(by.br0!.hasCarrier, false);
  assert.deepEqual(by.odd!.addresses, []);
});

test('this machine has a loopback interface, and no system makes the look at interfaces throw', () => {
  assert.ok(localLinks().some(({ kind }) => kind === 'loopback'));
  const broken = source({}, {});
  const throwing = () => {
    throw new Error('not allowed');
  };
  assert.deepEqual(localLinks({ ...broken, networkInterfaces: throwing }), []);
});

test('an address is on the subnet of a cable before that of a radio, and of nobody when it is far or no address', () => {
  const on = (address: string) => sameSubnet(address, OFFICE)?.name;
  assert.equal(on('/ip4/10.1.2.77/tcp/1'), 'eth0');
  assert.equal(on('10.9.7.7'), 'wlan0');
  assert.equal(on('/ip6/fd00::99/tcp/1'), 'eth0');
  assert.equal(on('127.0.0.9'), 'lo');
  assert.equal(on('172.17.0.5'), 'docker0');
  for (const far of ['192.0.2.1', '999.1.1.1', '/dns4/nas/tcp/1', '', '::ffff:10.1.2.77', '2001:db8::1']) {
    assert.equal(on(far), undefined, far);
  }
  assert.equal(sameSubnet('192.0.2.1', [link('any', ['10.0.0.1/0'])]), undefined);
});

test('no text makes the look for a subnet throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      sameSubnet(text, OFFICE);
      ipOf(text);
      nearnessOf(text, OFFICE);
    }),
  );
});

test('this machine is dialled first, then its subnets by wire, then by radio, then the rest', () => {
  const nearness = (address: string) => nearnessOf(address, OFFICE);
  assert.equal(nearness('/ip4/127.0.0.1/tcp/1'), 0);
  assert.equal(nearness('/ip4/10.1.2.3/tcp/1'), 0);
  assert.equal(nearness('/ip4/10.1.2.77/tcp/1'), 1, 'the wire wins where both reach it');
  assert.equal(nearness('/ip6/fd00::8/tcp/1'), 1);
  assert.equal(nearness('/ip4/10.9.7.7/tcp/1'), 2);
  for (const rest of ['/ip4/192.0.2.1/tcp/1', '/ip4/999.1.1.1/tcp/1', '/ip4/172.17.0.2/tcp/1', '/dns4/nas/tcp/1']) {
    assert.equal(nearness(rest), 3, rest);
  }
});

test('the addresses of a dial are sorted by nearness', () => {
  const addresses = ['192.0.2.1', '10.9.7.7', '10.1.2.77', '127.0.0.1'].map(
    (ip): Address => ({ multiaddr: multiaddr(`/ip4/${ip}/tcp/1`), isCertified: false }),
  );
  assert.deepEqual(
    addresses.toSorted(addressSorter(() => OFFICE)).map((address) => ipOf(address.multiaddr.toString())),
    ['127.0.0.1', '10.1.2.77', '10.9.7.7', '192.0.2.1'],
  );
});

test('interfaces that are asked for at every packet are looked at once a second', async () => {
  const time = new HeldTime();
  let looks = 0;
  const system = source({}, {});
  const links = rememberedLinks(time, {
    ...system,
    names: () => {
      looks += 1;
      return [];
    },
  });
  for (let count = 0; count < 100; count += 1) links();
  assert.equal(looks, 1);
  await time.pass(1001);
  links();
  assert.equal(looks, 2);
});

test('members are told the addresses of cables and radios, IPv4 and cables first', () => {
  const listening = [
    '/ip4/127.0.0.1/tcp/9',
    '/ip4/172.17.0.1/tcp/9',
    '/ip4/10.200.0.2/tcp/9',
    '/ip4/10.9.0.3/tcp/9',
    '/ip6/fd00::3/tcp/9',
    '/ip6/fe80::3/tcp/9',
    '/ip4/10.1.2.3/tcp/9',
  ];
  assert.deepEqual(addressesToTell(listening, OFFICE, []), [
    '/ip4/10.1.2.3/tcp/9',
    '/ip4/10.9.0.3/tcp/9',
    '/ip6/fd00::3/tcp/9',
  ]);
  assert.deepEqual(addressesToTell(listening, OFFICE, ['tun0']), ['/ip4/10.200.0.2/tcp/9']);
});

test('containers and tunnels are told where there is nothing better, loopback at the very last', () => {
  assert.deepEqual(addressesToTell(['/ip4/127.0.0.1/tcp/9', '/ip4/10.200.0.2/tcp/9'], OFFICE, []), [
    '/ip4/10.200.0.2/tcp/9',
  ]);
  assert.deepEqual(addressesToTell(['/ip4/127.0.0.1/tcp/9'], OFFICE, []), ['/ip4/127.0.0.1/tcp/9']);
  assert.deepEqual(addressesToTell([], OFFICE, []), []);
});

test('an address that a machine gave itself is listened at too, where libp2p does not say so', () => {
  const links = [link('eth0', ['169.254.7.7/16', 'fe80::7/64'])];
  assert.deepEqual(withSelfAssigned(['/ip4/127.0.0.1/tcp/24717'], links), [
    '/ip4/127.0.0.1/tcp/24717',
    '/ip4/169.254.7.7/tcp/24717',
  ]);
  assert.deepEqual(withSelfAssigned([], links), []);
});
