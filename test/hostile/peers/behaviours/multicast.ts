/** Packets of multicast DNS at an agent that listens on loopback. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { SERVICE_TAG } from '../../../../src/node/discovery/packets.ts';
import type { Behaviour } from '../behaviour.ts';
import type { Stage } from '../stage.ts';

const require = createRequire(import.meta.url);
const { encode } = createRequire(require.resolve('multicast-dns'))('dns-packet') as {
  encode(packet: object): Uint8Array;
};
const GROUP = '224.0.0.251';
const PORT = 5353;
const mdns = { who: 'stranger', protocol: 'mdns' } as const;

/** Sends packets from the port that neighbours send from. Then a new machine joins, and all members are served. */
const hears =
  (packets: (stage: Stage) => Iterable<Uint8Array>): Behaviour['run'] =>
  async (stage) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.bind(PORT, '0.0.0.0');
    await once(socket, 'listening');
    socket.setMulticastInterface('127.0.0.1');
    try {
      for (const packet of packets(stage)) await sent(socket, packet);
      await stage.newcomerIsAdmitted();
    } finally {
      socket.close();
    }
  };

async function sent(socket: Socket, packet: Uint8Array): Promise<void> {
  await new Promise((done) => socket.send(packet, PORT, GROUP, done));
}

function announcement(instance: string, peerId: string, addresses: readonly string[], ttl = 120): Uint8Array {
  const name = `${instance}.${SERVICE_TAG}`;
  const texts = addresses.map((address) => ({ type: 'TXT', name, ttl, data: `dnsaddr=${address}/p2p/${peerId}` }));
  return encode({ type: 'response', answers: [{ type: 'PTR', name: SERVICE_TAG, ttl, data: name }, ...texts] });
}

/** A header with so many questions and answers, and what follows. */
function raw(questions: number, answers: number, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x8400, 2);
  header.writeUInt16BE(questions, 4);
  header.writeUInt16BE(answers, 6);
  return Buffer.concat([header, body]);
}

export const packetsHeard: readonly Behaviour[] = [
  {
    ...mdns,
    name: 'announces thousands of machines, as fast as it can',
    must: 'those beyond a bound are not looked at; members are served, newcomers admitted',
    run: hears(function* ({ operator }) {
      for (let count = 0; count < 20_000; count += 1)
        yield announcement(`x${count}`, operator.peerId, ['/ip4/127.0.0.1/tcp/9']);
    }),
  },
  {
    ...mdns,
    name: 'announces members at addresses that are not theirs (forged answers), and says goodbye for them',
    must: 'who is dialled there has to prove the key; members are served',
    run: hears(function* ({ honest, member, nas }) {
      for (let count = 0; count < 50; count += 1) {
        for (const peerId of [honest.peerId, member.peerId, nas.peerId]) {
          yield announcement(`f${count}`, peerId, ['/ip4/127.0.0.1/tcp/9', '/ip4/203.0.113.1/tcp/1', '/dns4/x/tcp/1']);
          yield announcement(`f${count}`, peerId, [], 0);
        }
      }
    }),
  },
  {
    ...mdns,
    name: 'sends names that point at themselves, and at each other (loops of pointers)',
    must: 'the packet is dropped, the event loop does not stand still',
    run: hears(function* () {
      const record = Buffer.from([0, 12, 0, 1, 0, 0, 0, 120, 0, 2, 0xc0, 12]);
      const self = Buffer.from([0xc0, 12]);
      const each = Buffer.from([0xc0, 14, 0xc0, 12]);
      for (const name of [self, each]) {
        yield raw(0, 1, Buffer.concat([name, record]));
        yield raw(1, 0, Buffer.concat([name, Buffer.from([0, 12, 0, 1])]));
        yield raw(0, 0xffff, Buffer.concat(Array.from({ length: 80 }, () => Buffer.concat([name, record]))));
      }
    }),
  },
  {
    ...mdns,
    name: 'sends random bytes, packets cut short, counts without records, and names of all lengths',
    must: 'dropped; nothing is logged as a failure, and members are served',
    run: hears(function* ({ member }) {
      const valid = announcement('cut', member.peerId, ['/ip4/127.0.0.1/tcp/9']);
      for (let length = 0; length < valid.length; length += 1) yield valid.subarray(0, length);
      for (let count = 0; count < 200; count += 1) yield randomBytes(count * 5);
      yield raw(0xffff, 0xffff, new Uint8Array(0));
      yield announcement('x'.repeat(63), member.peerId, []);
      yield raw(0, 1, Buffer.concat(Array.from({ length: 120 }, () => Buffer.from([63, ...randomBytes(63)]))));
    }),
  },
  {
    ...mdns,
    name: 'asks who is there, again and again',
    must: 'answered once in a second; members are served',
    run: hears(function* () {
      for (let count = 0; count < 2000; count += 1)
        yield encode({ type: 'query', questions: [{ type: 'PTR', name: SERVICE_TAG }] });
    }),
  },
];
