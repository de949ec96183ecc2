/** Between an honest member and the agent: a relay that changes what goes through it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { HELLO_PROTOCOL } from '../../../../src/protocols/hello/messages.ts';
import type { Behaviour } from '../behaviour.ts';
import { dial, hostileNode } from '../hostile-node.ts';
import { Pieces } from '../pieces.ts';
import { type Place, placeOf, RawSocket } from '../raw-socket.ts';
import type { Stage } from '../stage.ts';

/** What becomes of each piece of Noise on its way to the agent, from 0. The first ones are the handshake. */
type Change = (piece: Buffer, number: number) => readonly Buffer[];

/** Pieces that the dialler's handshake has. */
const HANDSHAKE_PIECES = 2;

class Relay {
  readonly seen: Buffer[] = [];
  /** Settles when the agent has closed a connection; rejects when the dialler was first. */
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: Place, change: Change, from: string) {
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.closed.catch(() => {});
    this.#server = createServer((socket) => {
      const on = new RawSocket(to, { from, reads: false }).socket;
      const pieces = new Pieces();
      let number = 0;
      socket.on('data', (chunk) => {
        this.seen.push(chunk);
        const { before, whole } = pieces.take(chunk);
        on.write(before);
        for (const piece of whole) {
          for (const changed of change(piece, number)) on.write(changed);
          number += 1;
        }
      });
      on.on('data', (chunk) => socket.write(chunk));
      on.on('close', () => closed.resolve());
      socket.on('close', () => closed.reject(new Error('the dialler closed the connection, not the agent')));
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

/** The agent ends the honest member's connection through the relay. What it knows may grow meanwhile: the agent tells it directly, too. */
const endsWith =
  (change: Change, from = (stage: Stage) => stage.honest): Behaviour['run'] =>
  async (stage) => {
    const relay = await Relay.between(stage, change);
    try {
      const opened = dial(from(stage).node, relay.address(stage)).then((connection) =>
        // All at once, so that there is something behind what was changed.
        Promise.all(Array.from({ length: 12 }, () => connection.newStream(HELLO_PROTOCOL))),
      );
      opened.catch(() => {});
      await relay.closed;
    } finally {
      relay.end();
    }
  };

const flipped = (piece: Buffer): Buffer => {
  const changed = Buffer.from(piece);
  // Behind the length.
  changed[2 + (changed.length >> 1)]! ^= 1;
  return changed;
};

const middle = { who: 'in the middle', protocol: 'noise' } as const;

export const inTheMiddle: readonly Behaviour[] = [
  {
    ...middle,
    name: 'changes a bit of the handshake',
    must: 'no connection comes of it',
    run: endsWith((piece, number) => [number === 1 ? flipped(piece) : piece]),
  },
  {
    ...middle,
    name: 'changes a bit of what follows the handshake (garbles)',
    must: 'the connection is closed by the agent: it does not decrypt',
    run: endsWith((piece, number) => [number >= HANDSHAKE_PIECES ? flipped(piece) : piece]),
  },
  {
    ...middle,
    name: 'leaves out a piece (drops)',
    must: 'the connection is closed: what follows does not decrypt',
    run: endsWith((piece, number) => (number === HANDSHAKE_PIECES ? [] : [piece])),
  },
  {
    ...middle,
    name: 'repeats a piece (replays)',
    must: 'the connection is closed: its number was used',
    run: endsWith((piece, number) => (number === HANDSHAKE_PIECES ? [piece, piece] : [piece])),
  },
  {
    ...middle,
    name: 'exchanges two pieces (reorders)',
    must: 'the connection is closed: they do not decrypt',
    async run(stage) {
      let held: Buffer | undefined;
      await endsWith((piece, number) => {
        if (number === HANDSHAKE_PIECES) {
          held = piece;
          return [];
        }
        return number === HANDSHAKE_PIECES + 1 ? [piece, held!] : [piece];
      })(stage);
    },
  },
  {
    ...middle,
    isSlow: true,
    name: 'cuts a piece short, and inserts the beginning of a large one (out of step)',
    must: 'closed when what was begun does not come for a minute: nothing fails to decrypt before',
    async run(stage) {
      const insteadOfAll =
        (instead: (piece: Buffer) => Buffer): Change =>
        (piece, number) => {
          if (number < HANDSHAKE_PIECES) return [piece];
          return number === HANDSHAKE_PIECES ? [instead(piece)] : [];
        };
      await Promise.all([
        endsWith(insteadOfAll((piece) => piece.subarray(0, -1)))(stage),
        // Of another machine: two dials of one machine to one peer are one.
        endsWith(
          insteadOfAll(() => Buffer.from([0xff, 0xff, 0])),
          ({ member }) => member,
        )(stage),
      ]);
    },
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
      const relay = await Relay.between(stage, (piece) => [piece]);
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
