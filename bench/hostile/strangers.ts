/** Floods by who has no place in the fleet. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { line, MULTISTREAM, placeOf, RawSocket } from '../../test/hostile/peers/raw-socket.ts';
import type { Flood, Target } from './flood.ts';
import { announcements } from './mdns-packets.ts';

const MDNS_PORT = 5353;
const PACKETS_AT_ONCE = 20;
/** The first message of the handshake: any point of the curve, at no cost. */
const FIRST_MESSAGE = Buffer.concat([MULTISTREAM, line('/noise'), Uint8Array.of(0, 32), randomBytes(32)]);
/** The answer is lines, then key, sealed key and payload. */
const ANSWERED_BYTES = MULTISTREAM.length + 8 + 100;
const ONE_HOST = '127.66.0.1';

async function open(target: Target, from: string): Promise<RawSocket> {
  const socket = new RawSocket(placeOf(target.address), { from });
  await Promise.race([socket.opened, socket.closed]);
  target.sent();
  return socket;
}

/** Goes as far as the agent has done all its work, and no further. */
async function handshake(target: Target, from: string): Promise<void> {
  const socket = await open(target, from);
  socket.write(FIRST_MESSAGE);
  await socket.arrived(ANSWERED_BYTES);
  socket.end();
}

let announcing: Promise<{ socket: Socket; packet: () => Uint8Array }> | undefined;

async function announcer(): Promise<{ socket: Socket; packet: () => Uint8Array }> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.bind(MDNS_PORT, '127.0.0.1');
  await once(socket, 'listening');
  socket.setMulticastInterface('127.0.0.1');
  return { socket, packet: await announcements() };
}

export const strangers: readonly Flood[] = [
  {
    name: 'connections without Noise',
    who: 'stranger',
    lanes: 100,
    async once(target) {
      (await open(target, target.host())).end();
    },
  },
  {
    name: 'handshakes, one address',
    who: 'stranger',
    lanes: 60,
    once: (target) => handshake(target, ONE_HOST),
  },
  {
    name: 'handshakes, many addresses',
    who: 'stranger',
    lanes: 100,
    once: (target) => handshake(target, target.host()),
  },
  {
    name: 'multicast announcements',
    who: 'stranger',
    lanes: 1,
    async once(target) {
      announcing ??= announcer();
      const { socket, packet } = await announcing;
      const sent = Array.from(
        { length: PACKETS_AT_ONCE },
        () => new Promise((done) => socket.send(packet(), MDNS_PORT, '224.0.0.251', done)),
      );
      await Promise.all(sent);
      target.sent(PACKETS_AT_ONCE);
    },
  },
];
