/** Beneath all protocols: frames of the muxer by a stranger, whom Noise takes as it takes everybody with a key. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection } from '@libp2p/interface';
import { STRANGER_CONNECTIONS_MAX, STREAMS_PER_CONNECTION_MAX } from '../../../../src/common/limits.ts';
import { HELLO_PROTOCOL } from '../../../../src/protocols/hello/messages.ts';
import type { Behaviour } from '../behaviour.ts';
import {
  type BareFrames,
  bareConnection,
  dial,
  hostileNode,
  YAMUX_FLAG,
  YAMUX_TYPE,
  yamuxFrame,
} from '../hostile-node.ts';
import { line, MULTISTREAM } from '../raw-socket.ts';
import type { Stage } from '../stage.ts';
import { ending, framed } from '../talk.ts';

const KIB = 1024;
const { data, window, ping, goAway } = YAMUX_TYPE;
const { syn, ack, rst } = YAMUX_FLAG;

function* repeat(chunk: Uint8Array, count: number): Iterable<Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) yield chunk;
}

/** Frames on an authenticated connection, which the agent closes. */
function framesThat(act: (frames: BareFrames) => unknown): Behaviour['run'] {
  return async (stage: Stage) => {
    const { node, frames } = await bareConnection(stage.address, { from: stage.newHost() });
    await Promise.race([act(frames), frames.closed]);
    await frames.closed;
    await node.stop();
  };
}

const frames = { who: 'stranger', protocol: 'yamux' } as const;

export const muxer: readonly Behaviour[] = [
  {
    ...frames,
    name: 'announces a frame of four gigabytes and sends half a gigabyte of it',
    must: 'closed at its header: nothing of it is kept',
    run: framesThat(async (bare) => {
      bare.send(yamuxFrame({ type: data, flags: syn, stream: 1, length: 0xffff_ffff }));
      await bare.sendAll(repeat(randomBytes(64 * KIB), 8192));
    }),
  },
  {
    ...frames,
    name: 'sends more than a stream’s window allows',
    must: 'the connection is closed',
    run: framesThat((bare) =>
      bare.sendAll([
        yamuxFrame({ type: data, flags: syn, stream: 1 }, MULTISTREAM),
        yamuxFrame({ type: data, stream: 1 }, Buffer.alloc(1024 * KIB)),
      ]),
    ),
  },
  {
    ...frames,
    name: 'speaks another version of the muxer',
    must: 'the connection is closed',
    run: framesThat((bare) => bare.send(yamuxFrame({ type: ping, flags: syn, version: 1 }))),
  },
  {
    ...frames,
    name: 'sends a frame of no known type',
    must: 'the connection is closed',
    run: framesThat((bare) => bare.send(yamuxFrame({ type: 9, stream: 1 }))),
  },
  {
    ...frames,
    name: 'answers a ping that nobody sent',
    must: 'the connection is closed',
    run: framesThat(async (bare) => {
      for (let number = 5; number < 50 && bare.isOpen; number += 1)
        bare.send(yamuxFrame({ type: ping, flags: ack, length: number }));
    }),
  },
  {
    ...frames,
    name: 'opens streams with the numbers of the other side',
    must: 'the connection is closed',
    run: framesThat((bare) => bare.send(yamuxFrame({ type: window, flags: syn, stream: 2 }))),
  },
  {
    ...frames,
    name: 'floods pings and reads no answer',
    must: 'closed at some thousand of them',
    run: framesThat((bare) =>
      bare.sendAll(repeat(Buffer.concat([...repeat(yamuxFrame({ type: ping, flags: syn, length: 7 }), 1000)]), 5000)),
    ),
  },
  {
    ...frames,
    name: 'opens streams and resets them, as fast as it can (rapid reset)',
    must: 'closed at some thousand of them',
    run: framesThat((bare) => {
      const both = (stream: number) => [
        yamuxFrame({ type: window, flags: syn, stream }),
        yamuxFrame({ type: window, flags: rst, stream }),
      ];
      const all = Array.from({ length: 20_000 }, (_, index) => both(index * 2 + 1));
      return bare.sendAll(all.map((some) => Buffer.concat(some)));
    }),
  },
  {
    ...frames,
    isSlow: true,
    name: 'opens a thousand streams and chooses no protocol on any (half-open)',
    must: 'those beyond the limit are reset at once, the others when the negotiation has taken 10 s',
    async run(stage) {
      const { node, frames: bare } = await bareConnection(stage.address, { from: stage.newHost() });
      const opened = Array.from({ length: 1000 }, (_, index) =>
        yamuxFrame({ type: window, flags: syn, stream: index * 2 + 1 }),
      );
      await bare.sendAll([Buffer.concat(opened)]);
      const resets = (): number[] => resetStreams(bare.received.subarray());
      while (resets().length < 1000 && bare.isOpen) await sleep(100);
      // By their order, not by the time: this machine may be late.
      const beyond = resets().slice(0, 1000 - STREAMS_PER_CONNECTION_MAX);
      assert.equal(new Set(beyond).size, 1000 - STREAMS_PER_CONNECTION_MAX);
      const lastWithin = STREAMS_PER_CONNECTION_MAX * 2 - 1;
      assert.ok(
        beyond.every((stream) => stream > lastWithin),
        'those within the limit are reset last',
      );
      await node.stop();
    },
  },
  {
    ...frames,
    isSlow: true,
    name: 'floods data for streams that do not exist',
    must: 'nothing is kept; the connection ends as every stranger’s does, after 15 s',
    run: framesThat((bare) =>
      bare.sendAll(repeat(yamuxFrame({ type: data, stream: 77 }, randomBytes(64 * KIB)), 2000)),
    ),
  },
  {
    ...frames,
    isSlow: true,
    name: 'says that it goes away, and goes on sending',
    must: 'the connection is closed',
    run: framesThat(async (bare) => {
      bare.send(yamuxFrame({ type: goAway, length: 1 }));
      await bare.sendAll(repeat(yamuxFrame({ type: window, flags: syn, stream: 1 }), 100));
    }),
  },
  {
    ...frames,
    protocol: 'multistream',
    name: 'begins a length that never ends, on a stream that it has opened',
    must: 'the stream is reset at the fifth byte',
    async run(stage) {
      const { node, frames: bare } = await bareConnection(stage.address, { from: stage.newHost() });
      bare.send(yamuxFrame({ type: data, flags: syn, stream: 1 }, Buffer.alloc(200 * KIB, 0x80)));
      while (resetStreams(bare.received.subarray()).length < 1 && bare.isOpen) await sleep(20);
      assert.equal(resetStreams(bare.received.subarray()).length, 1);
      await node.stop();
    },
  },
  {
    ...frames,
    protocol: 'multistream',
    name: 'asks a stream for protocol after protocol',
    must: 'the stream is reset after the few that somebody may try',
    async run(stage) {
      const { node, frames: bare } = await bareConnection(stage.address, { from: stage.newHost() });
      const asks = Buffer.concat([MULTISTREAM, ...Array.from({ length: 500 }, () => line('/ipfs/id/1.0.0'))]);
      bare.send(yamuxFrame({ type: data, flags: syn, stream: 1 }, asks));
      while (resetStreams(bare.received.subarray()).length < 1 && bare.isOpen) await sleep(20);
      assert.equal(resetStreams(bare.received.subarray()).length, 1);
      await node.stop();
    },
  },
  {
    ...frames,
    protocol: 'noise',
    name: 'proves keys of other kinds (RSA, secp256k1) and greets with them',
    must: 'it learns version and fleet as every stranger does, or is refused; no other key is ever a member’s',
    async run(stage) {
      for (const kind of ['RSA', 'secp256k1'] as const) {
        const privateKey = kind === 'RSA' ? await generateKeyPair('RSA', 2048) : await generateKeyPair('secp256k1');
        const node = await hostileNode({ privateKey, from: stage.newHost() });
        const connection = await dial(node, stage.address);
        const stream = await connection.newStream(HELLO_PROTOCOL);
        const over = ending(stream);
        stream.send(framed(Buffer.from([8, 1])));
        assert.ok((await over).bytes < 200);
        await node.stop();
      }
    },
  },
  {
    ...frames,
    protocol: 'connections',
    isSlow: true,
    name: 'takes all places for strangers, with a key each, and keeps them',
    must: 'who comes from elsewhere is served; the host that has most loses its oldest, and all after 15 s',
    async run(stage) {
      const from = stage.newHost();
      const nodes = await Promise.all(
        Array.from({ length: STRANGER_CONNECTIONS_MAX + 8 }, () => hostileNode({ from })),
      );
      const connections: Connection[] = [];
      // Not all handshakes at once: a host may have fewer under way than places.
      for (let at = 0; at < nodes.length; at += 16)
        connections.push(...(await Promise.all(nodes.slice(at, at + 16).map((node) => dial(node, stage.address)))));
      await stage.honestService();
      await stage.newcomerIsAdmitted();
      await Promise.all(
        connections.map(
          (one) => one.status !== 'open' || new Promise((closed) => one.addEventListener('close', closed)),
        ),
      );
      await Promise.all(nodes.map((node) => node.stop()));
    },
  },
];

/** Streams that the frames reset, in order; there is no data among them that could look like one. */
function resetStreams(received: Uint8Array): number[] {
  const streams: number[] = [];
  for (let at = 0; at + 12 <= received.length; ) {
    const header = Buffer.from(received.subarray(at, at + 12));
    if ((header.readUInt16BE(2) & rst) !== 0) streams.push(header.readUInt32BE(4));
    at += 12 + (header.readUInt8(1) === data ? header.readUInt32BE(8) : 0);
  }
  return streams;
}
