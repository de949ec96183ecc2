import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Finding } from '../../src/node/doctor/finding.ts';
import {
  type AddressProbe,
  checkAddresses,
  checkOtherSide,
  checkPeer,
  type OwnFacts,
  type PeerFacts,
} from '../../src/node/doctor/peer-checks.ts';
import { DIAL_OUTCOMES, type DialOutcome } from '../../src/node/doctor/probe.ts';
import { link } from '../discovery/support/links.ts';

const own: OwnFacts = {
  links: [
    link('lo', ['127.0.0.1/8'], { kind: 'loopback' }),
    link('eth0', ['192.168.1.7/24'], { speedMbps: 1000 }),
    link('wlan0', ['192.168.2.7/24'], { kind: 'radio' }),
  ],
  hasDefaultRoute: true,
  isInFleet: true,
  othersHeardOn: ['eth0'],
};
const WIRED = '/ip4/192.168.1.9/tcp/24717';
const RADIO = '/ip4/192.168.2.9/tcp/24717';
const FAR = '/ip4/10.9.9.9/tcp/24717';
const probe = (address: string, outcome: DialOutcome, more: Partial<AddressProbe> = {}): AddressProbe => ({
  address,
  knownBy: ['record'],
  outcome,
  tookMs: 3,
  ...more,
});
const GREETED = { fleet: 'same', takesUs: true } as const;
const peer = (more: Partial<PeerFacts>): PeerFacts => ({
  name: 'nas',
  status: 'active',
  connectedAt: undefined,
  heard: [],
  probes: [],
  hello: undefined,
  isAskedFor: true,
  ...more,
});
const HEARD = [{ interfaceName: 'eth0', agoMs: 5000 }];

function assertOne(found: readonly Finding[], verdict: string, message: RegExp, remedy?: RegExp): void {
  const one = found.find((finding) => finding.verdict === verdict && message.test(finding.message));
  assert.ok(one, JSON.stringify(found, null, 1));
  if (remedy) assert.match(one.remedy, remedy);
}

describe('why a peer is not reached', () => {
  const missing = (more: Partial<PeerFacts>, ownMore: Partial<OwnFacts> = {}): Finding => {
    const found = checkPeer(peer(more), { ...own, ...ownMore });
    assert.equal(found.length, 1);
    assert.equal(found[0]!.verdict, 'fault');
    assert.notEqual(found[0]!.remedy, '');
    return found[0]!;
  };

  it('a firewall, when it is heard and its port does not answer', () => {
    const found = missing({ heard: HEARD, probes: [probe(WIRED, 'timeout')] });
    assert.match(found.message, /heard on eth0 \(5 s ago\).*24717 does not answer/);
    assert.match(found.remedy, /let tcp 24717 in/);
    assert.doesNotMatch(found.remedy, /client isolation/);
    const radio = missing({ heard: [{ interfaceName: 'wlan0', agoMs: 0 }], probes: [probe(RADIO, 'timeout')] });
    assert.match(radio.remedy, /client isolation/);
  });

  it('no agent there, when its machine refuses', () => {
    assert.match(missing({ probes: [probe(WIRED, 'refused')] }).message, /no agent listens/);
    assert.match(missing({ heard: HEARD, probes: [probe(WIRED, 'refused')] }).message, /nobody takes connections/);
  });

  it('client isolation or a machine that is off, when it is in the same subnet and silent', () => {
    const radio = missing({ probes: [probe(RADIO, 'unreachable', { detail: 'EHOSTUNREACH' })] });
    assert.match(radio.message, /subnet of wlan0.*nobody else is heard there either/);
    assert.match(radio.remedy, /client isolation/);
    const wired = missing({ probes: [probe(WIRED, 'timeout')] });
    assert.match(wired.message, /subnet of eth0.*others are heard there/);
    assert.match(wired.remedy, /port isolation/);
  });

  it('routers, when it is in another subnet; and no route, when there is none', () => {
    assert.match(missing({ probes: [probe(FAR, 'timeout')] }).remedy, /routers/);
    const found = missing({ probes: [probe(FAR, 'unreachable')] }, { hasDefaultRoute: false });
    assert.match(found.message, /no route/);
  });

  it('another machine at its address, something else there, or a copy of this machine', () => {
    const other = missing({ probes: [probe(WIRED, 'timeout'), probe(FAR, 'other-identity', { detail: '12D3KooWx' })] });
    assert.match(other.message, /12D3KooWx/);
    assert.match(missing({ probes: [probe(WIRED, 'no-handshake')] }).message, /proves no identity/);
    assert.match(missing({ probes: [probe(WIRED, 'itself')] }).message, /copied/);
    const mine = missing({ probes: [probe('/ip4/192.168.1.7/tcp/24717', 'itself')] });
    assert.match(mine.message, /this machine's own/);
  });

  it('nothing known of where it is', () => {
    assert.match(missing({}).message, /not heard, and its record has no address/);
    assert.match(missing({ heard: HEARD }).message, /announces no address/);
  });

  it('its membership, before anything else', () => {
    for (const status of ['suspended', 'revoked', 'forked'] as const) {
      const found = missing({ status, connectedAt: WIRED, hello: GREETED });
      assert.match(found.message, status === 'forked' ? /sign with its key/ : new RegExp(status));
    }
  });

  it('is a warning where nobody has asked for that peer: machines are switched off at night', () => {
    const found = checkPeer(peer({ isAskedFor: false, probes: [probe(WIRED, 'timeout')] }), own);
    assert.deepEqual(
      found.map(({ verdict }) => verdict),
      ['warning'],
    );
  });
});

describe('a peer that is reached', () => {
  it('is told with its address, interface, speed and time', () => {
    const found = checkPeer(
      peer({ heard: HEARD, connectedAt: WIRED, probes: [probe(WIRED, 'answers')], hello: GREETED }),
      own,
    );
    assert.equal(found.length, 1);
    assertOne(found, 'ok', /connected at .*192\.168\.1\.9.*eth0, wired, 1000 Mbit\/s.*3 ms/);
  });

  it('and not heard: multicast does not pass in the same subnet, and need not from another one', () => {
    assertOne(
      checkPeer(peer({ probes: [probe(WIRED, 'answers')], hello: GREETED }), own),
      'warning',
      /not heard by multicast on eth0/,
      /switch/,
    );
    assertOne(
      checkPeer(peer({ probes: [probe(RADIO, 'answers')], hello: GREETED }), own),
      'warning',
      /not heard/,
      /access point/,
    );
    const far = checkPeer(peer({ probes: [probe(FAR, 'answers')], hello: GREETED }), own);
    assert.ok(far.every(({ verdict }) => verdict === 'ok'));
    assertOne(far, 'ok', /another subnet/);
    const here = checkPeer(peer({ connectedAt: '/ip4/127.0.0.1/tcp/1' }), own);
    assert.equal(here.length, 1);
  });

  it('and is a stranger, of another version, or does not want us: each is said', () => {
    const answers = { probes: [probe(WIRED, 'answers')], heard: HEARD };
    const said = (more: Partial<PeerFacts>, ownMore: Partial<OwnFacts> = {}) =>
      checkPeer(peer({ ...answers, ...more }), { ...own, ...ownMore });
    const stranger = { status: undefined, hello: { fleet: 'other', takesUs: false } } as const;
    assertOne(said(stranger), 'fault', /another fleet/);
    assertOne(said({ ...stranger, isAskedFor: false }), 'ok', /another fleet/);
    assertOne(said(stranger, { isInFleet: false }), 'ok', /this machine is in none/);
    assertOne(said({ status: undefined, hello: { fleet: 'none', takesUs: false } }), 'fault', /no fleet/, /invite/);
    assertOne(said({ status: undefined, hello: GREETED }), 'warning', /record has not come/);
    assertOne(said({ hello: { fleet: 'same', takesUs: false } }), 'warning', /does not take this machine/);
    assertOne(said({}), 'warning', /does not answer a hello/);
    const version = { ...GREETED, refusal: { isVersion: true, message: 'nas: this machine speaks version 2, not 1' } };
    assertOne(said({ hello: version }), 'fault', /version 2/, /same version/);
    assertOne(
      said({ hello: { ...version, refusal: { isVersion: false, message: 'nas: no' } } }),
      'warning',
      /refuses: nas: no/,
    );
  });
});

describe('addresses and the other side', () => {
  it('each address has its own finding; those that fail count only where none works', () => {
    const failing = DIAL_OUTCOMES.filter((outcome) => outcome !== 'answers').map((outcome) => probe(WIRED, outcome));
    const verdicts = (probes: AddressProbe[]) => checkAddresses(peer({ probes }), own).map(({ verdict }) => verdict);
    assert.deepEqual(new Set(verdicts(failing)), new Set(['warning']));
    assert.deepEqual(new Set(verdicts([...failing, probe(RADIO, 'answers')])), new Set(['ok']));
  });

  it('what the other side cannot reach or hear is a warning', () => {
    const MINE = '/ip4/192.168.1.7/tcp/24717';
    const said = (more: object) =>
      checkOtherSide(
        'nas',
        { hears: true, at: WIRED, dials: [{ address: MINE, outcome: 'answers', tookMs: 2 }], ...more },
        own,
      );
    assert.ok(said({}).every(({ verdict }) => verdict === 'ok'));
    assertOne(
      said({ dials: [{ address: MINE, outcome: 'timeout', tookMs: 4000 }] }),
      'warning',
      /cannot connect/,
      /firewall of this machine/,
    );
    assertOne(said({ dials: [] }), 'warning', /no address/);
    assertOne(said({ hears: false }), 'warning', /does not hear this machine/);
    assertOne(said({ hears: false, at: FAR }), 'ok', /between subnets/);
  });

  it('whatever was observed, something is said, and every fault and warning has a remedy', () => {
    const facts = fc.record({
      status: fc.constantFrom('active', 'suspended', 'revoked', 'forked', undefined),
      connectedAt: fc.constantFrom(undefined, WIRED, FAR),
      heard: fc.constantFrom([], HEARD),
      probes: fc.array(
        fc.record({
          address: fc.constantFrom(WIRED, RADIO, FAR, '/dns4/nas/tcp/1', ''),
          outcome: fc.constantFrom(...DIAL_OUTCOMES),
          tookMs: fc.nat(),
          knownBy: fc.constant(['seed' as const]),
        }),
      ),
      hello: fc.option(fc.record({ fleet: fc.constantFrom('same', 'other', 'none'), takesUs: fc.boolean() }), {
        nil: undefined,
      }),
      isAskedFor: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, fc.boolean(), (observed, isInFleet) => {
        const all = { ...own, isInFleet };
        const found = checkPeer(peer(observed as Partial<PeerFacts>), all);
        assert.ok(found.length > 0);
        for (const { verdict, remedy, message } of [
          ...found,
          ...checkAddresses(peer(observed as Partial<PeerFacts>), all),
        ]) {
          assert.ok(verdict === 'ok' || remedy !== '', message);
        }
        const isThere =
          observed.connectedAt !== undefined || observed.probes.some(({ outcome }) => outcome === 'answers');
        if (!isThere) assert.ok(found.some(({ verdict }) => verdict !== 'ok'));
      }),
    );
  });
});
