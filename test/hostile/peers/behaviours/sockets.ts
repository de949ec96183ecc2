/** Before anybody has proved a key: bare TCP, multistream-select, the Noise handshake. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from '../behaviour.ts';
import { line, MULTISTREAM, placeOf, RawSocket } from '../raw-socket.ts';
import type { Stage } from '../stage.ts';

const KIB = 1024;
const SLOW_MS = 1_000;

/** Opens a socket, lets it do something, and sees the agent close it. */
function socketThat(act: (socket: RawSocket) => unknown): Behaviour['run'] {
  return async (stage: Stage) => {
    const socket = new RawSocket(placeOf(stage.address), { from: stage.newHost() });
    await socket.opened;
    await Promise.race([act(socket), socket.closed]);
    await socket.closed;
  };
}

/** Writes a byte a second until it is closed. */
async function byteBySecond(socket: RawSocket, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) {
    if (socket.isClosed) return;
    socket.write(Uint8Array.of(byte));
    await sleep(SLOW_MS);
  }
}

async function selectNoise(socket: RawSocket): Promise<void> {
  const selected = Buffer.concat([MULTISTREAM, line('/noise')]);
  socket.write(selected);
  await socket.arrived(selected.length);
}

const stranger = { who: 'stranger', protocol: 'tcp' } as const;

export const sockets: readonly Behaviour[] = [
  {
    ...stranger,
    isSlow: true,
    name: 'opens four hundred connections from one host and says nothing on them',
    must: 'a host has a share of the pending ones; the others are closed at once, these after 10 s; who comes from elsewhere is served meanwhile',
    async run(stage) {
      const from = stage.newHost();
      const all = Array.from({ length: 400 }, () => new RawSocket(placeOf(stage.address), { from }));
      await Promise.all(all.map(({ opened, closed }) => Promise.race([opened, closed])));
      await stage.honestService();
      await Promise.all(all.map(({ closed }) => closed));
    },
  },
  {
    ...stranger,
    name: 'opens and closes connections as fast as it can',
    must: 'each is forgotten; those beyond 200 a second are closed unheard',
    async run(stage) {
      const from = stage.newHost();
      for (let round = 0; round < 10; round += 1) {
        const some = Array.from({ length: 100 }, () => new RawSocket(placeOf(stage.address), { from }));
        await Promise.all(some.map(({ opened, closed }) => Promise.race([opened, closed])));
        for (const socket of some) socket.end();
      }
      await stage.honestService();
    },
  },
  {
    ...stranger,
    protocol: 'multistream',
    name: 'speaks HTTP',
    must: 'the connection is closed',
    run: socketThat((socket) => socket.write(`GET / HTTP/1.1\r\nHost: nas\r\nUser-Agent: ${'x'.repeat(200)}\r\n\r\n`)),
  },
  {
    ...stranger,
    protocol: 'multistream',
    name: 'sends megabytes of noise of its own',
    must: 'the connection is closed',
    run: socketThat((socket) => socket.flood(randomBytes(64 * KIB), 1000)),
  },
  {
    ...stranger,
    protocol: 'multistream',
    name: 'begins a length that never ends',
    must: 'closed at its fifth byte, before the next thousand keep the event loop busy',
    run: socketThat((socket) => socket.flood(Buffer.alloc(64 * KIB, 0x80), 4000)),
  },
  {
    ...stranger,
    protocol: 'multistream',
    name: 'announces a line of two gigabytes',
    must: 'the connection is closed',
    run: socketThat((socket) => socket.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07))),
  },
  {
    ...stranger,
    protocol: 'multistream',
    name: 'asks for protocol after protocol, ten thousand of them',
    must: 'closed after the few that somebody may try',
    run: socketThat(async (socket) => {
      socket.write(MULTISTREAM);
      await socket.flood(Buffer.concat(Array.from({ length: 1000 }, () => line('/tls/1.0.0'))), 1000);
    }),
  },
  {
    ...stranger,
    protocol: 'multistream',
    isSlow: true,
    name: 'wants its bytes in clear (/plaintext/2.0.0)',
    must: '"na", and closed after 10 s without Noise',
    async run(stage) {
      const socket = new RawSocket(placeOf(stage.address), { from: stage.newHost() });
      await socket.opened;
      socket.write(Buffer.concat([MULTISTREAM, line('/plaintext/2.0.0')]));
      await socket.arrived(MULTISTREAM.length + 4);
      assert.ok(socket.received.subarray(MULTISTREAM.length).equals(line('na')));
      await socket.closed;
    },
  },
  {
    ...stranger,
    protocol: 'multistream',
    isSlow: true,
    name: 'says what it wants at one byte a second',
    must: 'closed after 10 s',
    run: socketThat((socket) => byteBySecond(socket, Buffer.concat([MULTISTREAM, line('/noise')]))),
  },
  {
    ...stranger,
    protocol: 'noise',
    isSlow: true,
    name: 'begins the handshake and goes silent (half-open)',
    must: 'closed after 10 s',
    run: socketThat(selectNoise),
  },
  {
    ...stranger,
    protocol: 'noise',
    isSlow: true,
    name: 'sends the handshake at one byte a second',
    must: 'closed after 10 s',
    run: socketThat(async (socket) => {
      await selectNoise(socket);
      await byteBySecond(socket, Buffer.concat([Uint8Array.of(0, 32), randomBytes(32)]));
    }),
  },
  {
    ...stranger,
    protocol: 'noise',
    isSlow: true,
    name: 'sends a handshake of 65,535 random bytes',
    must: 'the connection is closed',
    run: socketThat(async (socket) => {
      await selectNoise(socket);
      socket.write(Buffer.concat([Uint8Array.of(0xff, 0xff), randomBytes(0xffff)]));
      await socket.arrived(1e6);
    }),
  },
  {
    ...stranger,
    protocol: 'noise',
    name: 'ends the handshake with a message that no key opens',
    must: 'the connection is closed, nobody was let in',
    run: socketThat(async (socket) => {
      await selectNoise(socket);
      const before = socket.received.length;
      socket.write(Buffer.concat([Uint8Array.of(0, 32), randomBytes(32)]));
      await socket.arrived(before + 2);
      socket.write(Buffer.concat([Uint8Array.of(0, 200), randomBytes(200)]));
    }),
  },
  {
    ...stranger,
    protocol: 'noise',
    name: 'gives the point of order one as its key',
    must: 'the connection is closed: no shared secret comes of it',
    run: socketThat(async (socket) => {
      await selectNoise(socket);
      socket.write(Buffer.concat([Uint8Array.of(0, 32), Buffer.alloc(32)]));
      await socket.arrived(1e6);
    }),
  },
];
