/** Transfers of packs in the wrong order, of the wrong size, to and from the wrong people. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stream } from '@libp2p/interface';
import { CONTROL_STREAMS_MAX, PACK_MAX_BYTES } from '../../../../src/common/limits.ts';
import { encodeFrameHeader, FRAME, FRAME_HEADER_BYTES } from '../../../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../../../src/protocols/blocks/frame-stream.ts';
import { BLOCKS_PROTOCOL, BlocksOpen, BlocksOpened } from '../../../../src/protocols/blocks/messages.ts';
import type { Fault } from '../../../../src/protocols/wire/fault.ts';
import type { Behaviour } from '../behaviour.ts';
import type { Peer } from '../peer.ts';
import type { Leased, Stage } from '../stage.ts';
import { assertReset } from '../talk.ts';

const ROOM = 200_000;
const id = () => randomBytes(32).toString('hex');
const source = { who: 'source', protocol: 'blocks' } as const;
const destination = { who: 'destination', protocol: 'blocks' } as const;

interface Transfer extends Leased {
  readonly frames: FrameStream;
  readonly stream: Stream;
}

/** The fault with which a transfer is opened; undefined: it is open. */
async function opening(
  stage: Stage,
  peer: Peer,
  open: Partial<BlocksOpen>,
): Promise<{ frames: FrameStream; stream: Stream; fault: Fault | undefined }> {
  const stream = await peer.stream(stage.address, BLOCKS_PROTOCOL);
  const frames = new FrameStream(stream);
  await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode(open));
  const { payloadBytes } = await frames.readHeader();
  const payload = new Uint8Array(payloadBytes);
  await frames.readPayload(payload);
  return { frames, stream, fault: BlocksOpened.decode(payload).fault };
}

/** Reads until the agent ends it. */
async function untilEnd(frames: FrameStream): Promise<void> {
  await assert.rejects(async () => {
    for (;;) await frames.readPayload(new Uint8Array((await frames.readHeader()).payloadBytes));
  });
}

/** A transfer under a lease of one's own, which the agent must end, for the reason that its log gives. */
const putEnds =
  (says: RegExp, act: (transfer: Transfer) => unknown): Behaviour['run'] =>
  async (stage) => {
    const from = stage.log.length;
    const leased = await stage.lease(stage.member, ROOM);
    const { frames, stream, fault } = await opening(stage, stage.member, {
      state: leased.state,
      lease: leased.lease,
      put: true,
    });
    assert.equal(fault, undefined);
    // It may be ended while we write.
    await Promise.resolve(act({ ...leased, frames, stream })).then(undefined, () => {});
    await untilEnd(frames);
    await stage.logged(new RegExp(`"message":"[^"]*${says.source}[^\\n]*"msg":"refused"`), from);
    await stage.release(stage.member, leased.lease);
  };

/** The destination's transfer of the state that is for it. */
const getEnds =
  (says: RegExp, act: (frames: FrameStream, stage: Stage) => unknown): Behaviour['run'] =>
  async (stage) => {
    const from = stage.log.length;
    const { frames, fault } = await opening(stage, stage.destination, { state: stage.held.state });
    assert.equal(fault, undefined);
    await Promise.resolve(act(frames, stage)).then(undefined, () => {});
    await untilEnd(frames);
    await stage.logged(new RegExp(`"message":"[^"]*${says.source}[^\\n]*"msg":"refused"`), from);
  };

async function offer(frames: FrameStream, pack: string, bytes: number): Promise<void> {
  await frames.send(FRAME.offer, pack, bytes);
  await frames.readHeader();
}

export const transfers: readonly Behaviour[] = [
  {
    ...source,
    name: 'sends data before it has offered a pack',
    must: 'the transfer ends: data that was not asked for',
    run: putEnds(/was not asked for/, ({ frames }) => frames.send(FRAME.data, id(), 0, randomBytes(1000))),
  },
  {
    ...source,
    name: 'sends data from the middle of a pack',
    must: 'the transfer ends: data that was not asked for',
    run: putEnds(/was not asked for/, async ({ frames }) => {
      const pack = id();
      await offer(frames, pack, 10_000);
      await frames.send(FRAME.data, pack, 5000, randomBytes(1000));
    }),
  },
  {
    ...source,
    name: 'sends more than it has offered',
    must: 'the transfer ends: data that was not asked for',
    run: putEnds(/was not asked for/, async ({ frames }) => {
      const pack = id();
      await offer(frames, pack, 1000);
      await frames.send(FRAME.data, pack, 0, randomBytes(1001));
    }),
  },
  {
    ...source,
    name: 'sends other bytes than their name says (a lie about a hash)',
    must: '"bad", the transfer ends, nothing is kept',
    run: putEnds(/not what its name says|hash|damaged/, async ({ frames }) => {
      const pack = id();
      await offer(frames, pack, 1000);
      await frames.send(FRAME.data, pack, 0, randomBytes(1000));
    }),
  },
  {
    ...source,
    name: 'offers a pack of nothing',
    must: 'the transfer ends (damaged)',
    run: putEnds(/an offer of 0 bytes/, ({ frames }) => frames.send(FRAME.offer, id(), 0)),
  },
  {
    ...source,
    name: 'offers more than its lease has room for (a lie about sizes)',
    must: '"bad", and the transfer ends: the lease is used up',
    run: putEnds(/used up/, ({ frames }) => frames.send(FRAME.offer, id(), ROOM + 1)),
  },
  {
    ...source,
    name: 'offers a pack larger than any, in a number beyond all',
    must: 'the transfer ends at the header',
    run: putEnds(/a frame of type 3/, ({ stream }) => {
      const header = Buffer.from(encodeFrameHeader({ type: FRAME.offer, payloadBytes: 0, number: 0, pack: id() }));
      header.writeBigUInt64LE(2n ** 64n - 1n, 8);
      stream.send(header);
    }),
  },
  {
    ...source,
    name: 'announces a frame of four gigabytes',
    must: 'the transfer ends at the header',
    run: putEnds(/a frame of type 5/, ({ stream }) => {
      const header = Buffer.from(encodeFrameHeader({ type: FRAME.data, payloadBytes: 0, number: 0, pack: id() }));
      header.writeUInt32LE(0xffff_ffff, 4);
      stream.send(header);
    }),
  },
  {
    ...source,
    name: 'sends a frame of no known type, and one with bits set that must be zero',
    must: 'the transfer ends at the header',
    async run(stage) {
      for (const at of [0, 1, 2]) {
        await putEnds(/unknown type/, ({ stream }) => {
          const header = Buffer.alloc(FRAME_HEADER_BYTES);
          header[0] = FRAME.offer;
          header[at] = 77;
          stream.send(header);
        })(stage);
      }
    },
  },
  {
    ...source,
    name: 'offers a pack twice at once',
    must: 'the transfer ends: offered twice',
    run: putEnds(/offered twice/, async ({ frames }) => {
      const pack = id();
      await frames.send(FRAME.offer, pack, 1000);
      await frames.send(FRAME.offer, pack, 1000);
    }),
  },
  {
    ...source,
    name: 'floods offers',
    must: 'the transfer ends beyond sixteen that wait',
    run: putEnds(/more packs at once/, async ({ frames }) => {
      for (let count = 0; count < 60; count += 1) await frames.send(FRAME.offer, id(), 1000);
    }),
  },
  {
    ...source,
    name: 'wants a pack where it should send',
    must: 'the transfer ends: an unexpected frame',
    run: putEnds(/unexpected frame/, ({ frames }) => frames.send(FRAME.want, id())),
  },
  {
    ...source,
    name: 'opens a transfer a second time within it',
    must: 'the transfer ends: an unexpected frame',
    run: putEnds(/unexpected frame/, ({ frames }) => frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({}))),
  },
  {
    ...source,
    name: 'goes away in the middle of a pack',
    must: 'the door closes, the room is free again: the same lease opens anew',
    async run(stage) {
      const leased = await stage.lease(stage.member, ROOM);
      for (let round = 0; round < 3; round += 1) {
        const { frames, stream, fault } = await opening(stage, stage.member, { ...leased, put: true });
        assert.equal(fault, undefined);
        const pack = id();
        await offer(frames, pack, ROOM);
        await frames.send(FRAME.data, pack, 0, randomBytes(1000));
        stream.abort(new Error('gone'));
      }
      await stage.release(stage.member, leased.lease);
    },
  },
  {
    ...source,
    name: 'takes place after place for transfers and moves nothing on them (half-open, slow)',
    must: 'fault no-point at the fifth; others are served',
    async run(stage) {
      const opened: { frames: FrameStream; lease: string }[] = [];
      for (let count = 0; count < 4; count += 1) {
        const leased = await stage.lease(stage.member, ROOM);
        const { frames, fault } = await opening(stage, stage.member, { ...leased, put: true });
        assert.equal(fault, undefined);
        await frames.send(FRAME.offer, id(), 1000);
        opened.push({ frames, lease: leased.lease });
      }
      const fifth = await stage.lease(stage.member, ROOM);
      const { fault } = await opening(stage, stage.member, { ...fifth, put: true });
      assert.equal(fault?.code, 'no-point');
      assert.match(fault?.message ?? '', /this machine 4 times already/);
      await stage.honestService();
      for (const { frames } of opened) frames.abort(new Error('over'));
      for (const { lease } of [...opened, fifth]) await stage.release(stage.member, lease);
    },
  },
  {
    ...source,
    name: 'sends a pack at a few bytes a second',
    must: 'it holds its own state’s door and no other; others are served (after 600 s it loses that: door.test.ts)',
    async run(stage) {
      const leased = await stage.lease(stage.member, ROOM);
      const { frames } = await opening(stage, stage.member, { ...leased, put: true });
      const pack = id();
      await offer(frames, pack, ROOM);
      for (let sent = 0; sent < 3; sent += 1) {
        await frames.send(FRAME.data, pack, sent * 10, randomBytes(10));
        await sleep(500);
      }
      await stage.honestService();
      frames.abort(new Error('over'));
      await stage.release(stage.member, leased.lease);
    },
  },
  {
    ...source,
    name: 'uses the lease of somebody else, and one that there never was',
    must: 'fault refused: no such lease',
    async run(stage) {
      const leased = await stage.lease(stage.honest, ROOM, stage.member);
      for (const lease of [leased.lease, 'ab'.repeat(32), '../lease']) {
        const { fault } = await opening(stage, stage.member, { state: leased.state, lease, put: true });
        assert.equal(fault?.code, 'refused');
        assert.match(fault?.message ?? '', /no such lease/);
      }
      await (await stage.honest.point(stage.address)).release(leased.lease, new AbortController().signal);
    },
  },
  {
    ...source,
    name: 'uses its lease for another state than it is for',
    must: 'fault refused',
    async run(stage) {
      const { lease } = await stage.lease(stage.member, ROOM);
      const { fault } = await opening(stage, stage.member, { state: stage.held.state, lease, put: true });
      assert.equal(fault?.code, 'refused');
      await stage.release(stage.member, lease);
    },
  },
  {
    who: 'member',
    protocol: 'blocks',
    name: 'fetches the state of somebody else',
    must: 'fault refused: it is for another machine',
    async run(stage) {
      for (const peer of [stage.member, stage.operator]) {
        const { fault } = await opening(stage, peer, { state: stage.held.state });
        assert.equal(fault?.code, 'refused');
        assert.match(fault?.message ?? '', /for another machine/);
      }
    },
  },
  {
    who: 'member',
    protocol: 'blocks',
    name: 'opens a transfer with something else than an opening, and with a path for a state',
    must: 'the stream is reset',
    async run(stage) {
      const connection = await stage.member.to(stage.address);
      const first = encodeFrameHeader({ type: FRAME.offer, payloadBytes: 0, number: 10, pack: id() });
      await assertReset(connection, BLOCKS_PROTOCOL, first);
      const long = encodeFrameHeader({ type: FRAME.open, payloadBytes: 8192, number: 0, pack: '0'.repeat(64) });
      await assertReset(connection, BLOCKS_PROTOCOL, Buffer.concat([long, new Uint8Array(8192)]));
      const payload = BlocksOpen.encode({ state: '../../../../etc', put: true, lease: 'x' });
      const open = encodeFrameHeader({
        type: FRAME.open,
        payloadBytes: payload.length,
        number: 0,
        pack: '0'.repeat(64),
      });
      await assertReset(connection, BLOCKS_PROTOCOL, Buffer.concat([open, payload]));
    },
  },
  {
    who: 'member',
    protocol: 'blocks',
    name: 'opens streams without end and says nothing on them (half-open)',
    must: 'reset beyond thirty-two on a connection; others are served',
    async run(stage) {
      const connection = await stage.member.connect(stage.address);
      for (let count = 0; count < CONTROL_STREAMS_MAX; count += 1) await connection.newStream(BLOCKS_PROTOCOL);
      await assertReset(connection, BLOCKS_PROTOCOL, new Uint8Array(10));
      await stage.honestService();
      await connection.close();
    },
  },
  {
    ...destination,
    name: 'acknowledges a pack that it was not sent',
    must: 'the transfer ends: acknowledged before it was sent',
    run: getEnds(/acknowledged before it was sent/, (frames) => frames.send(FRAME.have, id())),
  },
  {
    ...destination,
    name: 'wants more packs at once than a transfer may',
    must: 'the transfer ends beyond sixteen that wait',
    run: getEnds(/more packs at once/, async (frames, { held }) => {
      for (let count = 0; count < 40; count += 1) await frames.send(FRAME.want, held.packs[0]!.id, 0);
    }),
  },
  {
    ...destination,
    name: 'sends data where it should fetch',
    must: 'the transfer ends: an unexpected frame',
    run: getEnds(/unexpected frame/, (frames) => frames.send(FRAME.data, id(), 0, randomBytes(10))),
  },
  {
    ...destination,
    name: 'wants a pack that is not of the state, and one from beyond its end',
    must: '"bad" with the reason, for each; the transfer goes on',
    async run(stage) {
      const { frames } = await opening(stage, stage.destination, { state: stage.held.state });
      for (const [pack, from] of [
        [id(), 0],
        [stage.held.packs[0]!.id, PACK_MAX_BYTES],
      ] as const) {
        await frames.send(FRAME.want, pack, from);
        const header = await frames.readHeader();
        assert.equal(header.type, FRAME.bad);
        const payload = new Uint8Array(header.payloadBytes);
        await frames.readPayload(payload);
        assert.match(BlocksOpened.decode(payload).fault?.code ?? '', /not-found|refused/);
      }
      frames.abort(new Error('over'));
    },
  },
  {
    ...destination,
    name: 'fetches packs and reads nothing of them',
    must: 'two packs are in memory for it, no more; the source, and others, are served',
    async run(stage) {
      const stream = await stage.destination.stream(stage.address, BLOCKS_PROTOCOL);
      const frames = new FrameStream(stream);
      stream.pause();
      await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({ state: stage.held.state }));
      for (const { id: pack } of stage.held.packs) await frames.send(FRAME.want, pack, 0);
      await stage.honestService();
      frames.abort(new Error('over'));
    },
  },
];
