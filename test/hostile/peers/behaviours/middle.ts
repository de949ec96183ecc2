/** Between an honest member and the agent: a relay that changes what goes through it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { HELLO_PROTOCOL } from '../../../../src/protocols/hello/messages.ts';
import type { Behaviour } from '../behaviour.ts';
import { dial, hostileNode } from '../hostile-node.ts';
import { type Place, placeOf, RawSocket } from '../raw-socket.ts';
import type { Stage } from '../stage.ts';
import { ended } from '../talk.ts';

/** What becomes of each chunk on its way to the agent. The first ones are the handshake. */
type Change = (chunk: Buffer, number: number) => readonly Buffer[];

/** Chunks of the handshake, which go through as they are. */
const HANDSHAKE_CHUNKS = 2;

class Relay {
  readonly seen: Buffer[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: Place, change: Change, from: string) {
    this.#server = createServer((socket) => {
      const on = new RawSocket(to, { from, reads: false }).socket;
      let number = 0;
      socket.on('data', (chunk) => {
        this.seen.push(chunk);
        for (const changed of change(chunk, number)) on.write(changed);
        number += 1;
      });
      on.on('data', (chunk) => socket.write(chunk));
      for (const [one, other] of [
        [socket, on],
        [on, socket],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => other.destroy());
      }
    });
  }

  static async between(stage: Stage, change: Change): Promise<Relay> {
    const relay = new Relay(placeOf(stage.address), change, stage.newHost());
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  /** The agent's address, as the relay gives it out. */
  address(stage: Stage): string {
    const { port } = this.#server.address() as { port: number };
    return `/ip4/127.0.0.1/tcp/${port}/p2p/${stage.nas.peerId}`;
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** The honest member's connection through the relay ends. What it knows may grow meanwhile: the agent tells it directly, too. */
const endsWith =
  (change: Change): Behaviour['run'] =>
  async (stage) => {
    const relay = await Relay.between(stage, change);
    try {
      await assert.rejects(async () => {
        const connection = await dial(stage.honest.node, relay.address(stage));
        // All at once, so that there is something behind what was changed.
        await Promise.all(Array.from({ length: 12 }, () => connection.newStream(HELLO_PROTOCOL)));
        await ended(connection);
        throw new Error('it was closed');
      });
    } finally {
      relay.end();
    }
  };

const flipped = (chunk: Buffer): Buffer => {
  const changed = Buffer.from(chunk);
  changed[changed.length >> 1]! ^= 1;
  return changed;
};

const middle = { who: 'in the middle', protocol: 'noise' } as const;
let held: Buffer | undefined;

export const inTheMiddle: readonly Behaviour[] = [
  {
    ...middle,
    name: 'changes a bit of the handshake',
    must: 'no connection comes of it',
    run: endsWith((chunk, number) => [number === 1 ? flipped(chunk) : chunk]),
  },
  {
    ...middle,
    name: 'changes a bit of what follows the handshake (garbles)',
    must: 'the connection is closed by the agent: it does not decrypt',
    run: endsWith((chunk, number) => [number > HANDSHAKE_CHUNKS ? flipped(chunk) : chunk]),
  },
  {
    ...middle,
    name: 'leaves out a piece (drops)',
    must: 'the connection is closed: what follows does not decrypt',
    run: endsWith((chunk, number) => (number === HANDSHAKE_CHUNKS + 1 ? [] : [chunk])),
  },
  {
    ...middle,
    name: 'repeats a piece (replays)',
    must: 'the connection is closed: its number was used',
    run: endsWith((chunk, number) => (number === HANDSHAKE_CHUNKS + 1 ? [chunk, chunk] : [chunk])),
  },
  {
    ...middle,
    name: 'exchanges two pieces (reorders)',
    must: 'the connection is closed: they do not decrypt',
    run: endsWith((chunk, number) => {
      if (number === HANDSHAKE_CHUNKS + 1) {
        held = chunk;
        return [];
      }
      const late = number === HANDSHAKE_CHUNKS + 2 ? held : undefined;
      return late ? [chunk, late] : [chunk];
    }),
  },
  {
    ...middle,
    name: 'answers in the agent’s place with a key of its own',
    must: 'the dialler closes: another key than it wanted',
    async run(stage) {
      const impostor = await hostileNode({ listen: true });
      const [address] = impostor.getMultiaddrs().map((one) => one.toString().replace(/\/p2p\/.*/, ''));
      await assert.rejects(
        dial(stage.honest.node, `${address}/p2p/${stage.nas.peerId}`),
        /identity key|UnexpectedPeer|does not match/i,
      );
      await impostor.stop();
    },
  },
  {
    ...middle,
    name: 'records all of an honest connection and sends it again',
    must: 'closed in the handshake: the agent’s own part is a fresh one',
    async run(stage) {
      const relay = await Relay.between(stage, (chunk) => [chunk]);
      const connection = await dial(stage.honest.node, relay.address(stage));
      await stage.honest.hello(connection);
      await connection.close();
      relay.end();
      const socket = new RawSocket(placeOf(stage.address), { from: stage.newHost() });
      await socket.opened;
      for (const chunk of relay.seen) socket.write(chunk);
      await socket.closed;
    },
  },
];
