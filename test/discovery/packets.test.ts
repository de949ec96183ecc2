import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DISCOVERED_ADDRESSES_PER_PEER_MAX,
  DISCOVERY_ADDRESSES_MAX,
  DISCOVERY_PACKET_MAX_BYTES,
} from '../../src/common/limits.ts';
import {
  announcement,
  goodbye,
  type HeardPacket,
  instanceName,
  type OutgoingPacket,
  packetBytes,
  question,
  readQuestion,
  readResponse,
  readTcpAddress,
  SERVICE_TAG,
} from '../../src/node/discovery/packets.ts';
import { makePeerIds } from './support/peers.ts';

interface DnsPacket {
  encode(packet: object): Buffer;
  decode(bytes: Uint8Array): HeardPacket;
}
const require = createRequire(import.meta.url);
/** The codec that multicast-dns uses. */
const dnsPacket = createRequire(require.resolve('multicast-dns'))('dns-packet') as DnsPacket;
const overTheWire = (packet: OutgoingPacket): HeardPacket =>
  dnsPacket.decode(dnsPacket.encode(structuredClone(packet)));

const peerIds = await makePeerIds(2);
const peerId = peerIds[0]!;
const instance = instanceName(randomBytes, SERVICE_TAG);
const everywhere = () => true;

const tcpAddress = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `/ip4/${ip}/tcp/${port}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `/ip6/${ip}/tcp/${port}`),
);

/** Records as a hostile or a careless sender may make them. */
const wildRecord = fc.oneof(
  fc.anything(),
  fc.record(
    {
      type: fc.constantFrom('PTR', 'TXT', 'SRV', 'A', 'OPT', 7),
      name: fc.oneof(fc.constantFrom(SERVICE_TAG, instance, SERVICE_TAG.toUpperCase()), fc.string(), fc.anything()),
      ttl: fc.oneof(fc.integer(), fc.double(), fc.anything()),
      data: fc.oneof(
        fc.constantFrom(instance, `x.${SERVICE_TAG}`),
        tcpAddress.map((address) => Buffer.from(`dnsaddr=${address}/p2p/${peerId}`)),
        fc.array(tcpAddress.map((address) => `dnsaddr=${address}/p2p/${peerId}`)),
        fc.string().map((text) => `dnsaddr=${text}`),
        fc.anything(),
      ),
    },
    { requiredKeys: [] },
  ),
);
const wildPacket = fc.record(
  {
    type: fc.oneof(fc.constantFrom('query', 'response'), fc.anything()),
    questions: fc.oneof(fc.array(wildRecord), fc.anything()),
    answers: fc.oneof(fc.array(wildRecord), fc.anything()),
    additionals: fc.oneof(fc.array(wildRecord), fc.anything()),
  },
  { requiredKeys: [] },
);

test('what we announce is what is read, over the wire, within the limits', () => {
  fc.assert(
    fc.property(fc.uniqueArray(tcpAddress, { maxLength: 12 }), (addresses) => {
      const packet = announcement(SERVICE_TAG, instance, peerId, addresses);
      assert.ok(packet.answers.length <= 1 + DISCOVERY_ADDRESSES_MAX);
      assert.ok(dnsPacket.encode(structuredClone(packet)).length <= DISCOVERY_PACKET_MAX_BYTES);
      const [heard] = readResponse(overTheWire(packet), SERVICE_TAG, everywhere);
      const expected = addresses.slice(0, DISCOVERY_ADDRESSES_MAX).map((text) => readTcpAddress(text)!.address);
      assert.deepEqual(heard, {
        instance,
        ttlSeconds: 120,
        peerId: expected.length > 0 ? peerId : undefined,
        addresses: [...new Set(expected)],
      });
    }),
  );
});

test('the length of a packet is reckoned as the codec makes it', () => {
  fc.assert(
    fc.property(fc.array(tcpAddress, { maxLength: 6 }), fc.integer({ min: 0, max: 40 }), (addresses, knownCount) => {
      const known = Array.from({ length: knownCount }, () => ({
        instance: instanceName(randomBytes, SERVICE_TAG),
        remainingMs: 70_000,
      }));
      const packets = [
        announcement(SERVICE_TAG, instance, peerId, addresses),
        question(SERVICE_TAG, instance, known),
        goodbye(SERVICE_TAG, instance),
      ];
      for (const packet of packets) {
        assert.equal(packetBytes(packet), dnsPacket.encode(structuredClone(packet)).length);
        assert.ok(packetBytes(packet) <= DISCOVERY_PACKET_MAX_BYTES);
      }
    }),
  );
});

test('an address too long for a TXT record is left out and the others stay', () => {
  const long = `/dns4/${'a'.repeat(240)}/tcp/1`;
  const packet = announcement(SERVICE_TAG, instance, peerId, [long, '/ip4/10.0.0.1/tcp/1']);
  assert.deepEqual(
    packet.answers.map((record) => record.data),
    [instance, `dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/${peerId}`],
  );
});

test('a question names what is known, ourselves first, and as many as fit', () => {
  const known = Array.from({ length: 100 }, (_, index) => ({
    instance: instanceName(randomBytes, SERVICE_TAG),
    remainingMs: 60_000 + index,
  }));
  const heard = readQuestion(overTheWire(question(SERVICE_TAG, instance, known)), SERVICE_TAG);
  assert.equal(heard?.known.get(instance), 120);
  assert.equal(heard?.known.get(known[0]!.instance), 60);
  assert.ok(heard.known.size > 10 && heard.known.size < 20);
});

test('a question of a stock node is read, one for another service is not', () => {
  const ask = (name: string, type = 'PTR') => readQuestion({ type: 'query', questions: [{ name, type }] }, SERVICE_TAG);
  assert.equal(ask(SERVICE_TAG)?.known.size, 0);
  assert.equal(ask('_Resettle._UDP.local')?.known.size, 0);
  assert.equal(ask(SERVICE_TAG, 'ANY')?.known.size, 0);
  assert.equal(ask('_p2p._udp.local'), undefined);
  assert.equal(ask(SERVICE_TAG, 'A'), undefined);
});

test('TXT records are taken from the additional records too, and under any name when one instance speaks', () => {
  const txt = {
    type: 'TXT',
    name: 'other',
    ttl: 120,
    data: [Buffer.from(`dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/${peerId}`)],
  };
  const ptr = { type: 'PTR', name: SERVICE_TAG, ttl: 120, data: `abc.${SERVICE_TAG}` };
  const read = (answers: object[], additionals: object[]) =>
    readResponse({ type: 'response', answers, additionals }, SERVICE_TAG, everywhere).map((heard) => heard.addresses);
  assert.deepEqual(read([ptr], [txt]), [['/ip4/10.0.0.1/tcp/1']]);
  assert.deepEqual(read([ptr, txt], []), [['/ip4/10.0.0.1/tcp/1']]);
  assert.deepEqual(read([ptr, { ...ptr, data: `def.${SERVICE_TAG}` }], [txt]), [[], []]);
  assert.deepEqual(read([txt], [ptr]), []);
});

test('only addresses that can be dialled by IP and TCP are taken, and of one peer id only', () => {
  const strings = [
    'dnsaddr=/dns4/example.org/tcp/1/p2p/ID',
    'dnsaddr=/ip4/10.0.0.1/udp/1/quic-v1/p2p/ID',
    'dnsaddr=/ip4/10.0.0.1/tcp/1/ws/p2p/ID',
    'dnsaddr=/ip4/10.0.0.1/tcp/0/p2p/ID',
    'dnsaddr=/ip4/10.0.0.1/tcp/7',
    'dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/12D3KooWx',
    `dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/12D3KooW${'z'.repeat(44)}`,
    `dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/${peerIds[1]}/p2p-circuit/p2p/ID`,
    'path=/ip4/10.0.0.1/tcp/1/p2p/ID',
    'dnsaddr=/ip4/10.0.0.1/tcp/2/p2p/ID',
    `dnsaddr=/ip4/10.0.0.1/tcp/3/p2p/${peerIds[1]}`,
  ].map((text) => text.replace('ID', peerId));
  const answers = [
    { type: 'PTR', name: SERVICE_TAG, ttl: 120, data: instance },
    { type: 'TXT', name: instance, ttl: 120, data: strings },
  ];
  const [heard] = readResponse({ type: 'response', answers }, SERVICE_TAG, everywhere);
  assert.equal(heard?.peerId, peerId);
  assert.deepEqual(heard?.addresses, ['/ip4/10.0.0.1/tcp/2']);
});

test('no packet makes reading throw or exceed its limits', () => {
  fc.assert(
    fc.property(wildPacket, (packet) => {
      readQuestion(packet, SERVICE_TAG);
      const heard = readResponse(packet, SERVICE_TAG, everywhere);
      assert.ok(heard.length <= 8);
      for (const item of heard) assert.ok(item.addresses.length <= DISCOVERED_ADDRESSES_PER_PEER_MAX);
    }),
    { numRuns: 2000 },
  );
});

test('an instance name tells nothing and is a valid label', () => {
  const names = new Set(Array.from({ length: 100 }, () => instanceName(randomBytes, SERVICE_TAG)));
  assert.equal(names.size, 100);
  for (const name of names) assert.match(name, /^[a-z2-7]{16}\._resettle\._udp\.local$/);
});
