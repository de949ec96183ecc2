import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Stream } from '@libp2p/interface';
import fc from 'fast-check';
import type { Libp2p } from 'libp2p';
import { ResettleError } from '../../src/common/errors.ts';
import {
  BULK_CHUNK_BYTES,
  DESCRIPTOR_MAX_BYTES,
  DIRECT_BUFFERS,
  DIRECT_ENTRIES_MAX_BYTES,
  DIRECT_OFFSETS_MAX,
  DIRECT_PACK_BYTES,
  PACK_MAX_BYTES,
} from '../../src/common/limits.ts';
import type { DirectAsk } from '../../src/common/ports.ts';
import { encodeFrameHeader, FRAME, type FrameType } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { encodeOffsets } from '../../src/protocols/direct/ask.ts';
import { isBroken } from '../../src/protocols/direct/broken.ts';
import {
  DIRECT_PROTOCOL,
  DirectAskHead,
  DirectDone,
  DirectOpen,
  DirectOpened,
} from '../../src/protocols/direct/messages.ts';
import { openDirect } from '../../src/protocols/direct/receive.ts';
import { type DirectSource, serveDirect } from '../../src/protocols/direct/send.ts';
import { connect, startNode } from '../protocols/support.ts';
import {
  aborted,
  idOf,
  Kept,
  NONE,
  never,
  openByHand,
  PULSE,
  pack,
  putAll,
  readUntil,
  SESSION,
  STATE_KEY,
  THE_PLAN,
  until,
} from './support.ts';

type Refused = (frames: FrameStream) => Promise<void>;
type Misbehave = (frames: FrameStream, stream: Stream) => Promise<unknown>;

interface AnyFrame {
  type: FrameType;
  pack: string;
  number: number;
  payload: Uint8Array;
}

const ID = 'ab'.repeat(32);
const OPENED = { stateKey: STATE_KEY, descriptorBytes: 0, buffers: DIRECT_BUFFERS };
const DONE = DirectDone.encode({ files: 1 });

/** Frames as a machine would send that has the formats right and the order not, and some that nobody sends. */
const anyFrames = fc.array(
  fc.record<AnyFrame>({
    type: fc.constantFrom<FrameType[]>(...Object.values(FRAME), 9 as FrameType),
    pack: fc.constantFrom(NONE, ID),
    number: fc.oneof(fc.constantFrom(0, 1, 100, DIRECT_PACK_BYTES, PACK_MAX_BYTES), fc.nat(PACK_MAX_BYTES)),
    payload: fc.oneof(
      fc.constant(new Uint8Array(0)),
      fc.constant(DirectAskHead.encode({ what: 1 })),
      fc.constant(DirectAskHead.encode({ what: 3, entriesBytes: 100, offsets: 1 })),
      fc.constant(DirectOpened.encode(OPENED)),
      fc.constant(DONE),
      fc.uint8Array({ maxLength: 200 }),
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

function encodeFrames(frames: AnyFrame[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap(({ payload, ...rest }) => [encodeFrameHeader({ ...rest, payloadBytes: payload.length }), payload]),
  );
}

describe('the sender of a direct stream, whose receiver does not follow the protocol,', () => {
  let sender: Libp2p;
  let receiver: Libp2p;
  let asked: DirectAsk[];
  let answer: DirectSource['answer'];
  let opened: number;
  let summaries: number;
  let logged: unknown[];

  before(async () => {
    [sender, receiver] = [await startNode(), await startNode()];
    const source: DirectSource = {
      descriptor: new Uint8Array(0),
      stateKey: STATE_KEY,
      answer: async (ask, sink, signal) => {
        asked.push(ask);
        await answer(ask, sink, signal);
      },
      done: async () => void summaries++,
    };
    const open = async (): Promise<DirectSource> => {
      opened += 1;
      return source;
    };
    await serveDirect(sender, { open }, (error) => logged.push(error), PULSE);
  });
  after(async () => {
    await receiver.stop();
    await sender.stop();
  });
  beforeEach(() => {
    [asked, logged, opened, summaries] = [[], [], 0, 0];
    answer = async () => {};
  });

  it('lets in nobody who opens it wrongly', async () => {
    for (const changed of [{ buffers: DIRECT_BUFFERS + 1 }, { buffers: 0 }, { session: pack(63) }]) {
      await readUntil(await openByHand(receiver, sender, changed), FRAME.opened);
    }
    for (const type of [FRAME.opened, FRAME.want, FRAME.bye]) {
      const frames = new FrameStream(await (await connect(receiver, sender)).newStream(DIRECT_PROTOCOL));
      await frames.send(type, NONE, 0, DirectAskHead.encode({ what: 1 }));
      assert.equal(await readUntil(frames, FRAME.opened), undefined);
    }
    await until(() => logged.length === 6);
    assert.equal(opened, 0);
  });

  const ask = (frames: FrameStream, head: Partial<DirectAskHead>): Promise<void> =>
    frames.send(FRAME.want, NONE, 0, DirectAskHead.encode(head));
  const head =
    (value: Partial<DirectAskHead>): Refused =>
    (frames) =>
      ask(frames, value);
  const offsets = (list: DirectAsk['offsets']): Refused => {
    return async (frames) => {
      await ask(frames, { what: 3, offsets: list.length });
      await frames.sendPack(NONE, encodeOffsets(list), 0);
    };
  };
  const cases: [string, Refused][] = [
    ['an ask of an unknown kind', head({ what: 4 })],
    ['an ask of no kind', head({})],
    ['entries beyond the limit, before any has come', head({ what: 3, entriesBytes: DIRECT_ENTRIES_MAX_BYTES + 1 })],
    ['as many entries as can be said', head({ what: 2, entriesBytes: Number.MAX_SAFE_INTEGER })],
    ['offsets beyond the limit, before any has come', head({ what: 3, offsets: DIRECT_OFFSETS_MAX + 1 })],
    ['entries of the plan', head({ what: 1, entriesBytes: 1 })],
    ['offsets that do not ascend', offsets([5, 5].map((entry) => ({ entry, offset: 1 })))],
    ['offsets beyond any file', offsets([{ entry: 1, offset: 2 ** 53 }])],
    ['an ask about a pack', (frames) => frames.send(FRAME.want, ID, 0, DirectAskHead.encode({ what: 1 }))],
    ['an ask for packs over a socket that nobody opened', head({ what: 1, overBulk: true })],
    ['an ask that does not decode', (frames) => frames.send(FRAME.want, NONE, 0, Uint8Array.of(8))],
    ['data that was not announced', (frames) => frames.send(FRAME.data, NONE, 0, pack(9))],
    [
      'more entries than were announced',
      async (frames) => {
        await ask(frames, { what: 3, entriesBytes: 8 });
        await frames.send(FRAME.data, NONE, 0, pack(9));
      },
    ],
    [
      'entries that another ask cuts short',
      async (frames) => {
        await ask(frames, { what: 3, entriesBytes: BULK_CHUNK_BYTES + 1 });
        await frames.send(FRAME.data, NONE, 0, pack(BULK_CHUNK_BYTES));
        await ask(frames, { what: 1 });
      },
    ],
    ['an acknowledgement of what was not sent', (frames) => frames.send(FRAME.have, ID)],
    ['an offer', (frames) => frames.send(FRAME.offer, ID, 10)],
    ['a summary that does not decode', (frames) => frames.send(FRAME.bye, NONE, 0, Uint8Array.of(8))],
  ];
  for (const [what, misbehave] of cases) {
    it(`refuses ${what}`, async () => {
      const frames = await openByHand(receiver, sender);
      assert.ok(await readUntil(frames, FRAME.opened));
      await misbehave(frames);
      await readUntil(frames, FRAME.have);
      await until(() => logged.length === 1);
      assert.equal((logged[0] as ResettleError).code, 'damaged');
      assert.deepEqual(asked, []);
      assert.equal(summaries, 0);
    });
  }

  it('refuses a second ask, or a goodbye, while one is being answered', async () => {
    answer = (_, __, signal) => aborted(signal);
    for (const [index, last] of [FRAME.want, FRAME.bye].entries()) {
      const frames = await openByHand(receiver, sender);
      await readUntil(frames, FRAME.opened);
      await ask(frames, { what: 1 });
      await until(() => asked.length === index + 1);
      await frames.send(last, NONE, 0, DONE);
      await readUntil(frames, FRAME.have);
      await until(() => logged.length === index + 1);
      assert.equal((logged[index] as ResettleError).code, 'damaged');
    }
    assert.equal(summaries, 0);
  });

  it('refuses an acknowledgement ahead of the pack, which would buy credit', async () => {
    const packs = Array.from({ length: DIRECT_BUFFERS + 1 }, () => pack(10));
    answer = (_, sink, signal) => putAll(packs, sink, signal);
    const frames = await openByHand(receiver, sender);
    await readUntil(frames, FRAME.opened);
    await ask(frames, { what: 1 });
    assert.ok(await readUntil(frames, FRAME.data));
    await frames.send(FRAME.have, idOf(packs.at(-1)!));
    await until(() => logged.length === 1);
    assert.match(String(logged[0]), /before it was sent/);
    frames.abort(new Error('done'));
  });

  it('ends with a ResettleError whatever frames or bytes come, and never has two answers at once', async () => {
    let answering = 0;
    answer = async (_, sink, signal) => {
      answering += 1;
      assert.equal(answering, 1);
      await putAll([pack(10)], sink, signal).finally(() => answering--);
    };
    const bytes = fc.oneof(anyFrames.map(encodeFrames), fc.uint8Array({ minLength: 1, maxLength: 300 }));
    await fc.assert(
      fc.asyncProperty(bytes, async (raw) => {
        logged.length = 0;
        summaries = 0;
        const stream = await (await connect(receiver, sender)).newStream(DIRECT_PROTOCOL);
        const frames = new FrameStream(stream);
        await frames.send(FRAME.open, NONE, 0, DirectOpen.encode({ session: SESSION, buffers: DIRECT_BUFFERS }));
        await readUntil(frames, FRAME.opened);
        stream.send(raw);
        await frames.close(AbortSignal.timeout(1000)).catch(() => {});
        await readUntil(frames, FRAME.open);
        frames.abort(new Error('done'));
        // A goodbye as the last word is in order.
        await until(() => logged.length + summaries > 0);
        for (const error of logged) assert.ok(error instanceof ResettleError, String(error));
      }),
      { numRuns: 100 },
    );
  });
});

describe('the receiver of a direct stream, whose sender does not follow the protocol,', () => {
  let hostile: Libp2p;
  let receiver: Libp2p;
  /** What the sender does from the opening on. */
  let script: Misbehave;

  before(async () => {
    [hostile, receiver] = [await startNode(), await startNode()];
    await hostile.handle(DIRECT_PROTOCOL, async (stream) => {
      const frames = new FrameStream(stream);
      assert.ok(await readUntil(frames, FRAME.open));
      // It may be cut off while it goes on.
      await script(frames, stream).catch(() => {});
    });
  });
  after(async () => {
    await receiver.stop();
    await hostile.stop();
  });

  async function asks(kept = new Kept()): Promise<void> {
    const options = { session: SESSION, signal: never, ...PULSE };
    const link = await openDirect(await connect(receiver, hostile), options);
    await link.ask(THE_PLAN, kept, never);
    link.abort(new Error('done'));
  }

  const opens: Misbehave = (frames) => frames.send(FRAME.opened, NONE, 0, DirectOpened.encode(OPENED));

  it('refuses an opening with wrong values, before there is memory for it', async () => {
    const wrong: Partial<DirectOpened>[] = [
      { stateKey: pack(31) },
      { descriptorBytes: DESCRIPTOR_MAX_BYTES + 1 },
      { descriptorBytes: Number.MAX_SAFE_INTEGER },
      { buffers: DIRECT_BUFFERS + 1 },
      { buffers: DIRECT_BUFFERS - 1 },
      { bulkPort: 2 ** 16, bulkKey: pack(32) },
      { bulkPort: 1, bulkKey: pack(31) },
      { bulkPort: 1 },
    ];
    for (const changed of wrong) {
      script = (frames) => frames.send(FRAME.opened, NONE, 0, DirectOpened.encode({ ...OPENED, ...changed }));
      await assert.rejects(asks(), { code: 'damaged' });
    }
    script = (frames) => frames.send(FRAME.have);
    await assert.rejects(asks(), { code: 'damaged' });
  });

  const offers = async (frames: FrameStream, bytes: Uint8Array): Promise<void> => {
    await frames.send(FRAME.offer, idOf(bytes), bytes.length);
    await frames.sendPack(idOf(bytes), bytes, 0);
  };
  const cases: [string, Misbehave][] = [
    [
      'more packs than there are buffers',
      async (frames) => {
        for (let count = 0; count <= DIRECT_BUFFERS; count++) await offers(frames, Uint8Array.of(count));
      },
    ],
    ['data that was not offered', (frames) => frames.send(FRAME.data, ID, 0, pack(9))],
    [
      'data of another pack',
      async (frames) => {
        await frames.send(FRAME.offer, ID, 10);
        await frames.send(FRAME.data, 'cd'.repeat(32), 0, pack(9));
      },
    ],
    [
      'data out of order',
      async (frames) => {
        await frames.send(FRAME.offer, ID, 10);
        await frames.send(FRAME.data, ID, 1, pack(9));
      },
    ],
    [
      'more data than was offered',
      async (frames) => {
        await frames.send(FRAME.offer, ID, 10);
        await frames.send(FRAME.data, ID, 0, pack(11));
      },
    ],
    [
      'the end of the answer within a pack',
      async (frames) => {
        await frames.send(FRAME.offer, ID, 10);
        await frames.send(FRAME.data, ID, 0, pack(9));
        await frames.send(FRAME.have);
      },
    ],
    ['an empty pack', (frames) => frames.send(FRAME.offer, ID, 0)],
    ['a pack that is too large', (frames) => frames.send(FRAME.offer, ID, DIRECT_PACK_BYTES + 1)],
    ['an offer with a payload', (frames) => frames.send(FRAME.offer, ID, 1, pack(1))],
    ['the end of one pack', (frames) => frames.send(FRAME.have, ID)],
    ['an ask', (frames) => frames.send(FRAME.want, NONE)],
    ['a goodbye', (frames) => frames.send(FRAME.bye)],
  ];
  for (const [what, misbehave] of cases) {
    it(`refuses ${what}`, async () => {
      script = async (frames, stream) => {
        await opens(frames, stream);
        await readUntil(frames, FRAME.want);
        await misbehave(frames, stream);
      };
      const kept = new Kept();
      const over = Promise.withResolvers<void>();
      // Packs are being used until the sender has been cut off.
      kept.before = () => over.promise;
      const told = assert.rejects(asks(kept), { code: 'damaged' });
      setTimeout(over.resolve, 50);
      await told;
    });
  }

  it('refuses packs and ends that nothing was asked for', async () => {
    for (const early of [FRAME.offer, FRAME.have, FRAME.bye]) {
      script = async (frames, stream) => {
        await opens(frames, stream);
        await frames.send(early, early === FRAME.offer ? ID : NONE, 1);
      };
      const connection = await connect(receiver, hostile);
      const link = await openDirect(connection, { session: SESSION, signal: never, ...PULSE });
      await until(() => connection.streams.every((stream) => stream.protocol !== DIRECT_PROTOCOL));
      await assert.rejects(link.ask(THE_PLAN, new Kept(), never), { code: 'damaged' });
    }
  });

  it('takes no stream for whole that ends without the end of its answer, in order or not, within a pack or not', async () => {
    const parts: Misbehave[] = [
      async () => {},
      (frames) => offers(frames, pack(10)),
      (frames) => frames.send(FRAME.offer, ID, 10),
      async (frames) => {
        await frames.send(FRAME.offer, ID, DIRECT_PACK_BYTES);
        await frames.send(FRAME.data, ID, 0, pack(BULK_CHUNK_BYTES));
      },
    ];
    const ends: Misbehave[] = [
      (frames) => frames.close(AbortSignal.timeout(1000)),
      async (frames) => frames.abort(new Error('gone')),
    ];
    for (const part of parts) {
      for (const end of ends) {
        script = async (frames, stream) => {
          await opens(frames, stream);
          await readUntil(frames, FRAME.want);
          await part(frames, stream);
          await end(frames, stream);
        };
        await assert.rejects(asks(), isBroken);
      }
    }
  });

  it('writes into no memory once an ask has settled', async () => {
    const failing = new AbortController();
    script = async (frames, stream) => {
      await opens(frames, stream);
      await readUntil(frames, FRAME.want);
      await frames.send(FRAME.offer, ID, DIRECT_PACK_BYTES);
      for (let at = 0; at < DIRECT_PACK_BYTES; at += BULK_CHUNK_BYTES) {
        await frames.send(FRAME.data, ID, at, new Uint8Array(BULK_CHUNK_BYTES).fill(1));
        if (at === 4 * BULK_CHUNK_BYTES) failing.abort(new Error('enough'));
      }
    };
    const options = { session: SESSION, signal: never, ...PULSE };
    const link = await openDirect(await connect(receiver, hostile), options);
    const kept = new Kept();
    const buffers = [...kept.free];
    await assert.rejects(link.ask(THE_PLAN, kept, failing.signal), /enough/);
    for (const buffer of buffers) buffer.fill(0);
    await new Promise((done) => setTimeout(done, 50));
    assert.ok(buffers.every((buffer) => buffer.every((byte) => byte === 0)));
  });

  it('throws nothing but ResettleError whatever frames or bytes come, and takes no more than there is room for', async () => {
    const bytes = fc.oneof(anyFrames.map(encodeFrames), fc.uint8Array({ minLength: 1, maxLength: 300 }));
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (raw, isOpen) => {
        script = async (frames, stream) => {
          if (isOpen) {
            await opens(frames, stream);
            await readUntil(frames, FRAME.want);
          }
          stream.send(raw);
          await stream.close();
        };
        const kept = new Kept();
        // Whole where the bytes happen to be the end of an answer, and nothing else is.
        await asks(kept).catch((error: unknown) => assert.ok(error instanceof ResettleError, String(error)));
      }),
      { numRuns: 100 },
    );
  });
});
