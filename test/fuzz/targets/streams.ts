/** What is read from a stream: frames, asks, messages with their length in front. Pieces come in any size. */
import type { Stream } from '@libp2p/interface';
import { ResettleError } from '../../../src/common/errors.ts';
import {
  decodeFrameHeader,
  encodeFrameHeader,
  FRAME,
  FRAME_HEADER_BYTES,
} from '../../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../../src/protocols/blocks/frame-stream.ts';
import { decodeOffsets, encodeOffsets, readAsk } from '../../../src/protocols/direct/ask.ts';
import { isBroken } from '../../../src/protocols/direct/broken.ts';
import { Incoming, NO_PACK } from '../../../src/protocols/direct/incoming.ts';
import { DirectAskHead } from '../../../src/protocols/direct/messages.ts';
import type { Pulse } from '../../../src/protocols/direct/pulse.ts';
import { PointAnswer, PointRequest } from '../../../src/protocols/point/messages.ts';
import { joinPackIds, splitPackIds } from '../../../src/protocols/point/point.ts';
import { serve } from '../../../src/protocols/wire/control.ts';
import type { Random } from '../../faults/scenario.ts';
import { difference } from '../same.ts';
import { type Target, target } from '../target.ts';
import { FedStream } from './fed-stream.ts';
import { hashHex, listOf, someBytes } from './some.ts';

/** The first bytes of an input: the sizes of the pieces. */
const SIZES = 3;
const sizesOf = (bytes: Uint8Array): number[] => [...bytes.subarray(0, SIZES)].map((size) => size + 1);

function frame(random: Random): Buffer {
  const payload = someBytes(random, 200);
  const type = random.pick([FRAME.offer, FRAME.want, FRAME.have, FRAME.bye, FRAME.data, FRAME.bad, FRAME.opened]);
  const payloadBytes = type === FRAME.data ? payload.length + 1 : payload.length;
  const header = encodeFrameHeader({ type, payloadBytes, number: random.integer(9999), pack: hashHex(random) });
  return Buffer.concat([header, payload, Buffer.alloc(payloadBytes - payload.length)]);
}

/** Everything that a reader makes of the bytes, and why it stopped. */
async function framesIn(bytes: Uint8Array, sizes: readonly number[]): Promise<unknown[]> {
  const stream = new FedStream();
  const frames = new FrameStream(stream);
  const read: unknown[] = [];
  stream.feed(bytes, sizes);
  try {
    for (;;) {
      const header = await frames.readHeader();
      const payload = new Uint8Array(header.payloadBytes);
      await frames.readPayload(payload);
      read.push(header, payload);
    }
  } catch (error) {
    if (!(error instanceof ResettleError)) throw error;
    read.push(error.code);
  } finally {
    frames.abort(new Error('read'));
  }
  return read;
}

const QUIET = { heard: () => {} } as unknown as Pulse;

function ask(random: Random): Buffer {
  const entries = someBytes(random, 300);
  const offsets = encodeOffsets(
    listOf(random, 4, () => 0).map((_, entry) => ({ entry, offset: random.integer(9999) })),
  );
  const head = DirectAskHead.encode({
    what: 3,
    entriesBytes: entries.length,
    offsets: offsets.length / 12,
    overBulk: false,
  });
  const framed = (type: 4 | 5, payload: Uint8Array): Uint8Array =>
    payload.length === 0
      ? payload
      : Buffer.concat([encodeFrameHeader({ type, payloadBytes: payload.length, number: 0, pack: NO_PACK }), payload]);
  return Buffer.concat([
    Buffer.alloc(SIZES, 99),
    framed(FRAME.want, head),
    framed(FRAME.data, entries),
    framed(FRAME.data, offsets),
  ]);
}

async function readAskFrom(bytes: Uint8Array): Promise<unknown> {
  const stream = new FedStream();
  const frames = new FrameStream(stream);
  stream.feed(bytes.subarray(SIZES), sizesOf(bytes));
  try {
    const incoming = new Incoming(frames, QUIET, 'ann');
    return (await readAsk(incoming, await incoming.next())).ask.what;
  } catch (error) {
    // The stream ends where the input does.
    if (isBroken(error as Error)) throw new ResettleError('failed', 'it broke', { cause: error });
    throw error;
  } finally {
    frames.abort(new Error('read'));
  }
}

/** A request with its length in front, answered as a point would: what is no request ends the stream, and nothing else. */
async function serveOne(bytes: Uint8Array): Promise<number> {
  const stream = new FedStream();
  let asked = 0;
  const answerOf = async () => {
    asked += 1;
    return { key: new Uint8Array(3) };
  };
  const served = serve(stream as Stream, PointRequest, PointAnswer, answerOf);
  stream.feed(bytes.subarray(SIZES), sizesOf(bytes));
  await served.catch((error: unknown) => {
    if (stream.status === 'open') throw new Error('the stream of a bad request stays open', { cause: error });
  });
  return asked;
}

export const STREAMS: readonly Target[] = [
  target({
    ...{ name: 'frame-header', shape: 'bytes', refusals: ['damaged'], isCanonical: true },
    valid: (random) => frame(random).subarray(0, FRAME_HEADER_BYTES),
    decode: (bytes) =>
      decodeFrameHeader(Buffer.concat([bytes, Buffer.alloc(FRAME_HEADER_BYTES)]).subarray(0, FRAME_HEADER_BYTES)),
  }),
  target({
    ...{ name: 'frames', shape: 'bytes', refusals: [], weight: 0.5 },
    valid: (random) => Buffer.concat([random.bytes(SIZES), ...listOf(random, 5, () => frame(random))]),
    decode: async (bytes) => {
      const whole = await framesIn(bytes.subarray(SIZES), [bytes.length]);
      const differs = difference(whole, await framesIn(bytes.subarray(SIZES), sizesOf(bytes)));
      if (differs !== undefined) throw new Error(`pieces of another size read as something else: ${differs}`);
    },
  }),
  target({
    ...{
      name: 'ask',
      shape: 'bytes',
      refusals: ['damaged', 'failed', 'refused', 'not-found', 'no-point', 'usage'],
      weight: 0.5,
    },
    valid: ask,
    decode: readAskFrom,
  }),
  target({
    ...{ name: 'ask-offsets', shape: 'bytes', refusals: ['damaged'] },
    valid: (random) =>
      encodeOffsets(listOf(random, 5, () => 0).map((_, entry) => ({ entry, offset: random.integer(2 ** 32) }))),
    decode: (bytes) => decodeOffsets(bytes.subarray(0, bytes.length - (bytes.length % 12))),
    encode: encodeOffsets,
  }),
  target({
    ...{ name: 'request-on-a-stream', shape: 'bytes', refusals: [], weight: 0.5 },
    valid: (random) => {
      const request = PointRequest.encode({ find: { state: hashHex(random) } });
      return Buffer.concat([random.bytes(SIZES), Buffer.of(request.length), request]);
    },
    decode: serveOne,
  }),
  target({
    ...{ name: 'pack-ids', shape: 'bytes', refusals: ['damaged'], isCanonical: true },
    valid: (random) => random.bytes(32 * random.integer(5)),
    decode: splitPackIds,
    encode: joinPackIds,
  }),
];
