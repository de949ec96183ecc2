/** A member's own state on the point, fetched over and over by as many transfers as it may have. */

import { randomBytes } from 'node:crypto';
import type { StateId } from '../../src/common/ids.ts';
import { associationId, stateId } from '../../src/common/ids.ts';
import { BlocksSink } from '../../src/protocols/blocks/client.ts';
import { FRAME } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { BLOCKS_PROTOCOL, BlocksOpen } from '../../src/protocols/blocks/messages.ts';
import { plainAssociation, readRecord } from '../../src/state/records/index.ts';
import { describe } from '../../test/hostile/peers/stage.ts';
import { somePacks } from '../../test/node/point/support/office.ts';
import type { Flood, Target } from './flood.ts';

const PACKS = somePacks(8e6, 8e6);
const NEVER = new AbortController().signal;
let stored: Promise<StateId> | undefined;

/** The whole way of a capture. */
async function store({ peer, address }: Target): Promise<StateId> {
  const nonce = randomBytes(16).toString('hex');
  const parties = { source: peer.peerId, destination: peer.peerId, mode: 'side-by-side', nonce } as const;
  const { envelope } = await peer.log.append(plainAssociation({ ...parties, destination: null }));
  const state = stateId(randomBytes(32).toString('hex'));
  const client = await peer.point(address);
  const { lease } = await client.reserve({ association: envelope, state, bytes: 20e6, copy: false }, NEVER);
  const sink = await BlocksSink.open({ connection: await peer.to(address), name: 'the point', state }, lease, NEVER);
  for (const pack of PACKS) await sink.put(pack, NEVER);
  await sink.close();
  const descriptor = await describe(peer, associationId(readRecord(envelope).hash), state, PACKS);
  const keys = [{ name: 'recovery', bytes: randomBytes(200) }];
  const commit = { lease, snapshot: 1, descriptor, keys, packs: new Uint8Array(0) };
  for (;;) {
    try {
      await client.commit(commit, 20e6, NEVER);
      return state;
    } catch (error) {
      if (!/in use/.test((error as Error).message)) throw error;
    }
  }
}

export const packs: readonly Flood[] = [
  {
    name: 'packs fetched',
    who: 'member',
    lanes: 4,
    async once(target) {
      stored ??= store(target);
      const stream = await target.peer.stream(target.address, BLOCKS_PROTOCOL);
      const frames = new FrameStream(stream);
      try {
        await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({ state: await stored }));
        const { payloadBytes } = await frames.readHeader();
        await frames.readPayload(new Uint8Array(payloadBytes));
        const memory = new Uint8Array(16 * 2 ** 20);
        while (!target.isOver()) {
          const { id, bytes } = PACKS[0]!;
          await frames.send(FRAME.want, id, 0);
          for (let came = 0; came < bytes.length; ) {
            const header = await frames.readHeader();
            if (header.type !== FRAME.data) throw new Error('no data');
            await frames.readPayload(memory.subarray(0, header.payloadBytes));
            came += header.payloadBytes;
          }
          await frames.send(FRAME.have, id);
          target.sent();
        }
      } finally {
        frames.abort(new Error('over'));
      }
    },
  },
];
