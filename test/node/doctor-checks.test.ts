import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerIdText } from '../../src/common/ids.ts';
import type { InterfaceReport } from '../../src/node/discovery/index.ts';
import {
  checkClock,
  checkDuplicates,
  checkFleet,
  checkListening,
  checkMulticast,
} from '../../src/node/doctor/agent-checks.ts';
import type { Finding } from '../../src/node/doctor/finding.ts';
import { checkInterfaces, checkLeftOut, checkRoutes, checkSubnets } from '../../src/node/doctor/interface-checks.ts';
import { readDefaultRoutes } from '../../src/node/doctor/routes.ts';
import { link } from '../discovery/support/links.ts';

/** Verdict and subject of each finding, and the words that must be in its message and remedy. */
function assertFindings(found: readonly Finding[], expected: readonly [string, string, RegExp, RegExp?][]): void {
  assert.deepEqual(
    found.map(({ verdict, subject }) => [verdict, subject]),
    expected.map(([verdict, subject]) => [verdict, subject]),
    JSON.stringify(found, null, 1),
  );
  for (const [index, [, , message, remedy]] of expected.entries()) {
    assert.match(found[index]!.message, message);
    if (remedy) assert.match(found[index]!.remedy, remedy);
  }
  for (const { verdict, remedy } of found)
    if (verdict === 'fault' || verdict === 'warning') assert.notEqual(remedy, '');
}

const lo = link('lo', ['127.0.0.1/8'], { kind: 'loopback' });
const eth0 = link('eth0', ['192.168.1.7/24', 'fe80::7/64'], { speedMbps: 1000 });
const wlan0 = link('wlan0', ['192.168.1.8/24'], { kind: 'radio' });
const docker0 = link('docker0', ['172.17.0.1/16'], { kind: 'virtual' });
const tun0 = link('tun0', ['10.8.0.2/24'], { kind: 'virtual' });

describe('checks of interfaces', () => {
  it('one that is in order is described', () => {
    assertFindings(checkInterfaces({ links: [lo, eth0], named: [] }), [
      ['ok', 'eth0', /wired, 192\.168\.1\.7\/24.*1000 Mbit/],
    ]);
  });

  it('one that is down, without a cable or out of reach of its access point is a fault where there is no other', () => {
    const down = link('eth1', [], { isUp: false });
    const loose = link('eth2', [], { hasCarrier: false });
    const apart = link('wlan1', [], { hasCarrier: false, kind: 'radio' });
    const links = [down, loose, apart];
    assertFindings(checkInterfaces({ links, named: [] }), [
      ['fault', 'eth1', /switched off/, /ip link set eth1 up/],
      ['fault', 'eth2', /no cable/, /plug/],
      ['fault', 'wlan1', /access point/],
      ['fault', 'this machine', /no interface/, /join a network/],
    ]);
    assertFindings(checkInterfaces({ links: [...links, eth0], named: [] }), [
      ['ok', 'eth1', /switched off/],
      ['ok', 'eth2', /no cable/],
      ['ok', 'wlan1', /access point/],
      ['ok', 'eth0', /wired/],
    ]);
    assertFindings(checkInterfaces({ links: [down, eth0], named: ['eth1', 'eth0'] }), [
      ['fault', 'eth1', /switched off/],
      ['ok', 'eth0', /wired/],
    ]);
  });

  it('one without an address, with one of its own making, or with IPv6 only is named', () => {
    assertFindings(
      checkInterfaces({
        links: [
          link('eth0', []),
          link('eth1', ['169.254.1.1/16']),
          link('eth2', ['fd00::1/64', 'fe80::1/64']),
          link('eth3', [], { master: 'br0' }),
        ],
        named: [],
      }),
      [
        ['warning', 'eth0', /nobody has given it one/, /DHCP/],
        ['warning', 'eth1', /gave itself/, /DHCP/],
        ['warning', 'eth2', /no IPv4/, /--peer/],
        ['ok', 'eth3', /part of br0/, /--interface br0/],
      ],
    );
  });

  it('one that does no multicast is a fault', () => {
    assertFindings(checkInterfaces({ links: [link('eth0', ['192.168.1.7/24'], { canMulticast: false })], named: [] }), [
      ['fault', 'eth0', /multicast/, /ip link set eth0 multicast on/],
    ]);
  });

  it('one that was named and is absent is a fault, and says what there is', () => {
    assertFindings(checkInterfaces({ links: [lo, eth0], named: ['usb0'] }), [
      ['fault', 'usb0', /not there/, /lo, eth0/],
      ['fault', 'this machine', /no interface/],
    ]);
  });

  it('containers and tunnels are told as left out, with the way to use them', () => {
    const links = [lo, eth0, docker0, tun0, link('veth1', [], { kind: 'virtual' })];
    assertFindings(checkLeftOut({ links, named: [] }), [
      ['ok', 'docker0', /left out/, /--interface docker0/],
      ['ok', 'tun0', /left out/],
    ]);
    assertFindings(checkLeftOut({ links: [lo, eth0, wlan0], named: ['eth0'] }), [['ok', 'wlan0', /not named/]]);
  });

  it('two in one subnet are a warning, and the cable is what is kept', () => {
    assertFindings(checkSubnets({ links: [wlan0, eth0], named: [] }), [
      ['warning', 'wlan0, eth0', /both in the subnet/, /--interface eth0/],
    ]);
    assertFindings(checkSubnets({ links: [eth0, link('eth1', ['10.0.0.1/8']), docker0], named: [] }), []);
  });
});

describe('checks of routes', () => {
  const facts = { links: [eth0, tun0], named: [] };

  it('no default route is fine and said, one that cannot be read is unknown', () => {
    assertFindings(checkRoutes(facts, [], false), [['ok', 'this machine', /no default route/]]);
    assertFindings(checkRoutes(facts, undefined, false), [['unknown', 'this machine', /cannot be read/]]);
  });

  it('one through a tunnel is a warning only when somebody is missing', () => {
    assertFindings(checkRoutes(facts, ['eth0', 'tun0', 'tun0'], false), [
      ['ok', 'eth0', /has the default route/],
      ['ok', 'tun0', /tunnel/],
    ]);
    assertFindings(checkRoutes(facts, ['tun0'], true), [['warning', 'tun0', /tunnel/, /VPN/]]);
    assertFindings(checkRoutes({ ...facts, named: ['tun0'] }, ['tun0'], true), [['ok', 'tun0', /default route/]]);
  });

  it('are read from what Linux prints', () => {
    const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
    const text = `${head}eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\ntun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\neth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n\n`;
    assert.deepEqual(readDefaultRoutes(text), ['eth0', 'tun0']);
    assert.deepEqual(readDefaultRoutes(''), []);
    assert.deepEqual(readDefaultRoutes('x\ny\n\0\t\t'), []);
  });
});

describe('checks of the agent', () => {
  const at = (addresses: string[], more: object = {}) =>
    checkListening({ addresses, defaultPort: 24717, isByHand: false, links: [lo, eth0], ...more });

  it('it listens at the default port, at another one because that was taken, or nowhere', () => {
    assertFindings(at(['/ip4/192.168.1.7/tcp/24717']), [['ok', 'tcp 24717', /listens/]]);
    assertFindings(at(['/ip4/192.168.1.7/tcp/40000']), [['warning', 'tcp 40000', /24717 was taken/, /ss -ltnp/]]);
    assertFindings(at(['/ip4/192.168.1.7/tcp/40000'], { isByHand: true }), [['ok', 'tcp 40000', /listens/]]);
    assertFindings(at([]), [['fault', 'this agent', /nowhere/]]);
    assertFindings(at(['/ip4/192.168.1.99/tcp/1'], { isByHand: true }), [
      ['fault', 'this agent', /no such address/, /--listen/],
    ]);
  });

  const report: InterfaceReport = {
    name: 'eth0',
    address: '192.168.1.7',
    openForMs: 600_000,
    sentAgoMs: 900,
    ownHeardAgoMs: 900,
    othersHeardAgoMs: 20_000,
  };
  const multicast = (more: Partial<InterfaceReport>, expectsOthers = true) =>
    checkMulticast({ reports: [{ ...report, ...more }], askedAgoMs: 1000, expectsOthers });

  it('multicast that comes back and brings others is fine', () => {
    assertFindings(multicast({}), [['ok', 'eth0', /hears others/]]);
  });

  it('a socket that cannot be opened is a fault, and a taken port has its own remedy', () => {
    assertFindings(multicast({ error: 'bind EADDRINUSE 0.0.0.0:5353' }), [
      ['fault', 'eth0', /EADDRINUSE/, /another program/],
    ]);
    assertFindings(multicast({ error: 'addMembership ENODEV', openForMs: undefined }), [
      ['fault', 'eth0', /ENODEV/, /--peer/],
    ]);
    assertFindings(multicast({ openForMs: undefined }), [['fault', 'eth0', /not open/]]);
  });

  it('what does not come back is dropped here', () => {
    assertFindings(multicast({ ownHeardAgoMs: undefined }), [
      ['fault', 'eth0', /does not come back/, /firewall of this machine/],
    ]);
    assertFindings(multicast({ ownHeardAgoMs: 5000 }), [['fault', 'eth0', /does not come back/]]);
    assertFindings(multicast({ sentAgoMs: 5000 }), [['warning', 'eth0', /nothing could be sent/]]);
  });

  it('silence is a warning where others should be, and after some minutes', () => {
    assertFindings(multicast({ othersHeardAgoMs: undefined }), [
      ['warning', 'eth0', /nobody else for 10 min/, /--peer/],
    ]);
    assertFindings(multicast({ othersHeardAgoMs: 400_000 }), [['warning', 'eth0', /nobody else for 6 min/]]);
    assertFindings(multicast({ othersHeardAgoMs: undefined }, false), [['ok', 'eth0', /nobody else/]]);
    assertFindings(multicast({ othersHeardAgoMs: undefined, openForMs: 60_000 }), [
      ['ok', 'eth0', /nobody else for 1 min/],
    ]);
  });

  it('a duplicate identity is a fault at the address that it comes from', () => {
    const peerId = '12D3KooWx' as PeerIdText;
    const duplicate = {
      peerId,
      source: '192.168.1.9',
      addresses: ['/ip4/192.168.1.9/tcp/1'],
      interfaceName: 'eth0',
      agoMs: 3000,
    };
    assertFindings(checkDuplicates([duplicate]), [['fault', '192.168.1.9', /identity of this machine/, /--home/]]);
  });

  it('a machine in no fleet, or that is no active member, is told', () => {
    assertFindings(checkFleet({ fleetName: 'office', status: 'active', joining: undefined }), [
      ['ok', 'office', /active/],
    ]);
    assertFindings(checkFleet({ fleetName: undefined, status: undefined, joining: 'the invite is over' }), [
      ['warning', 'this machine', /no fleet: the invite is over/, /fleet join/],
    ]);
    assertFindings(checkFleet({ fleetName: 'office', status: 'revoked', joining: undefined }), [
      ['fault', 'office', /revoked/],
    ]);
    assertFindings(checkFleet({ fleetName: 'office', status: 'forked', joining: undefined }), [
      ['fault', 'office', /forked/, /--home/],
    ]);
  });

  it('clocks far apart are a warning that says which way', () => {
    assertFindings(
      [checkClock('nas', 299_000), checkClock('nas', 7_200_000), checkClock('nas', -400_000)],
      [
        ['ok', 'nas', /agrees/],
        ['warning', 'nas', /2 h 0 min ahead/],
        ['warning', 'nas', /6 min 40 s behind/],
      ],
    );
  });
});
