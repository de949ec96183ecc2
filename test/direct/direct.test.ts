import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Libp2p } from 'libp2p';
import { ResettleError } from '../../src/common/errors.ts';
import { type PackId, packId } from '../../src/common/ids.ts';
import { DESCRIPTOR_MAX_BYTES, DIRECT_BUFFERS_MAX, PACK_MAX_BYTES } from '../../src/common/limits.ts';
import type { PackSink } from '../../src/common/ports.ts';
import { FRAME, type FrameHeader } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { DIRECT_PROTOCOL, type DirectDone, DirectOpen, DirectOpened } from '../../src/protocols/direct/messages.ts';
import { type DirectConsumer, receiveDirect } from '../../src/protocols/direct/receive.ts';
import { type DirectSource, serveDirect } from '../../src/protocols/direct/send.ts';
import { connect, startNode } from '../protocols/support.ts';

const SESSION = randomBytes(64);
const PLAN = randomBytes(16);
const DESCRIPTOR = randomBytes(5000);
const NOTHING = new Uint8Array(0);
const never = new AbortController().signal;
const PULSE = { pulseMs: 20, silenceMs: 400 };

const idOf = (bytes: Uint8Array): PackId => packId(createHash('sha256').update(bytes).digest('hex'));
const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Keeps what it is given, in buffers of which there are few. */
class Kept implements DirectConsumer {
  readonly packs: PackId[] = [];
  readonly free: Uint8Array[];
  began: { plan: Uint8Array; from: number } | undefined;
  descriptor: Uint8Array | undefined;
  takeMs = 0;
  failAt = Number.POSITIVE_INFINITY;

  constructor(buffers: number) {
    this.free = Array.from({ length: buffers }, () => new Uint8Array(PACK_MAX_BYTES));
  }
  async begin(plan: Uint8Array, from: number): Promise<void> {
    this.began = { plan: Uint8Array.from(plan), from };
  }
  borrow(): Uint8Array {
    return this.free.pop() ?? assert.fail('more packs at once than there are buffers');
  }
  async take(id: PackId, buffer: Uint8Array, sizeBytes: number): Promise<void> {
    this.packs.push(id);
    const at = this.packs.length;
    await wait(this.takeMs);
    if (at === this.failAt) throw new ResettleError('no-point', 'the disk is full');
    assert.equal(idOf(buffer.subarray(0, sizeBytes)), id);
    this.free.push(buffer);
  }
  async finish(descriptor: Uint8Array): Promise<DirectDone> {
    this.descriptor = Uint8Array.from(descriptor);
    return { files: this.packs.length, bytes: 7, skipped: 1 };
  }
}

describe('a direct stream', () => {
  let sender: Libp2p;
  let receiver: Libp2p;
  let run: (sink: PackSink, signal: AbortSignal) => Promise<Uint8Array>;
  let asked: { session: Uint8Array; plan: Uint8Array; from: number }[];
  let summaries: DirectDone[];
  let logged: unknown[];

  before(async () => {
    [sender, receiver] = [await startNode(), await startNode()];
    const open = async (one: (typeof asked)[number], remote: string): Promise<DirectSource> => {
      asked.push({ ...one });
      if (remote !== receiver.peerId.toString() || !Buffer.from(one.session).equals(SESSION)) {
        throw new ResettleError('refused', 'not the machine that was paired');
      }
      const from = Buffer.from(one.plan).equals(PLAN) ? one.from : 0;
      return { plan: PLAN, from, run, done: async (summary) => void summaries.push(summary) };
    };
    await serveDirect(sender, { open }, (error) => logged.push(error), PULSE);
  });
  after(async () => {
    await receiver.stop();
    await sender.stop();
  });
  beforeEach(() => {
    [asked, summaries, logged] = [[], [], []];
    run = async () => DESCRIPTOR;
  });

  const putAll = (packs: readonly Uint8Array[]) => async (sink: PackSink, signal: AbortSignal) => {
    await Promise.all(packs.map((bytes) => sink.put({ id: idOf(bytes), bytes }, signal)));
    return DESCRIPTOR;
  };

  async function receive(kept: Kept, options: Partial<Parameters<typeof receiveDirect>[1]> = {}) {
    const buffers = kept.free.length;
    const all = { session: SESSION, plan: NOTHING, from: 0, buffers, signal: never, ...PULSE, ...options };
    return receiveDirect(await connect(receiver, sender), all, kept);
  }

  it('brings packs in the order in which they were put, then the descriptor, and both sides the same summary', async () => {
    const packs = [1, 300_000, 5_000_000, 16, PACK_MAX_BYTES].map((size) => Uint8Array.from(randomBytes(size)));
    run = putAll(packs);
    const kept = new Kept(2);
    const { done, told } = await receive(kept);
    assert.deepEqual(kept.packs, packs.map(idOf));
    assert.ok(Buffer.from(kept.descriptor!).equals(DESCRIPTOR));
    assert.ok(told);
    await until(() => summaries.length === 1);
    assert.deepEqual({ ...summaries[0] }, { ...done });
    assert.equal(kept.free.length, 2);
  });

  it('keeps order and memory for any sizes and however slow packs are used', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: DIRECT_BUFFERS_MAX }), fc.nat(3), async (list, buffers, ms) => {
        const packs = list.map((size) => Uint8Array.from(randomBytes(size)));
        run = putAll(packs);
        const kept = new Kept(buffers);
        kept.takeMs = ms;
        await receive(kept);
        assert.deepEqual(kept.packs, packs.map(idOf));
        assert.equal(kept.free.length, buffers);
      }),
      { numRuns: 20 },
    );
  });

  it('goes on where an earlier one stopped, and from the front where the sender has another plan', async () => {
    const kept = new Kept(1);
    await receive(kept, { plan: PLAN, from: 41 });
    assert.equal(kept.began!.from, 41);
    assert.ok(Buffer.from(kept.began!.plan).equals(PLAN));
    const other = new Kept(1);
    await receive(other, { plan: randomBytes(16), from: 41 });
    assert.equal(other.began!.from, 0);
    assert.deepEqual(
      asked.map(({ from }) => from),
      [41, 41],
    );
  });

  it('is refused to who was not paired', async () => {
    const kept = new Kept(1);
    await assert.rejects(receive(kept, { session: randomBytes(64) }), { code: 'refused', message: /not the machine/ });
    assert.equal(kept.began, undefined);
  });

  it('is unfinished where it breaks off before the descriptor, whatever came', async () => {
    const packs = [100, 200].map((size) => Uint8Array.from(randomBytes(size)));
    run = async (sink, signal) => {
      await putAll(packs)(sink, signal);
      for (const connection of sender.getConnections(receiver.peerId)) connection.abort(new Error('the cable is out'));
      await new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason), { once: true }));
      return DESCRIPTOR;
    };
    const kept = new Kept(2);
    await assert.rejects(receive(kept));
    assert.equal(kept.packs.length, 2);
    assert.equal(kept.descriptor, undefined);
    await until(() => logged.length === 1);
    assert.equal(summaries.length, 0);
    for (const connection of receiver.getConnections()) connection.abort(new Error('the cable is out here, too'));
    await until(() => receiver.getConnections().length === 0 && sender.getConnections().length === 0);
  });

  it('ends on both sides when a pack cannot be used, and the sender is told why as far as it may know', async () => {
    const packs = [100, 200, 300].map((size) => Uint8Array.from(randomBytes(size)));
    run = putAll(packs);
    const kept = new Kept(2);
    kept.failAt = 2;
    await assert.rejects(receive(kept), { code: 'no-point', message: 'the disk is full' });
    await until(() => logged.length === 1);
    assert.match(String(logged[0]), /the disk is full/);
    assert.equal(kept.descriptor, undefined);
  });

  it('ends on both sides when the sender fails, and tells the receiver what it may know', async () => {
    run = async (sink, signal) => {
      const bytes = Uint8Array.from(randomBytes(400_000));
      await sink.put({ id: idOf(bytes), bytes }, signal);
      throw new ResettleError('not-found', '/home/ann is gone');
    };
    await assert.rejects(receive(new Kept(2)), { code: 'not-found', message: /ann is gone/ });
    run = async () => {
      throw new Error('an inner secret');
    };
    await assert.rejects(receive(new Kept(2)), (error: Error) => !error.message.includes('secret'));
    await until(() => logged.length === 2);
  });

  it('ends when the person at the receiving side stops it', async () => {
    const stop = new AbortController();
    run = async (_, signal) => {
      stop.abort(new Error('enough'));
      await new Promise((_resolve, no) => signal.addEventListener('abort', () => no(signal.reason), { once: true }));
      return DESCRIPTOR;
    };
    await assert.rejects(receive(new Kept(1), { signal: stop.signal }), /enough/);
    await until(() => logged.length === 1);
  });

  it('waits for a sender or a receiver that is busy, as long as it says that it is there', async () => {
    const packs = [10, 20].map((size) => Uint8Array.from(randomBytes(size)));
    run = async (sink, signal) => {
      await wait(2 * PULSE.silenceMs);
      return putAll(packs)(sink, signal);
    };
    const kept = new Kept(1);
    kept.takeMs = 2 * PULSE.silenceMs;
    await receive(kept);
    assert.equal(kept.packs.length, 2);
  });

  it('ends when nothing is heard of the other side', async () => {
    const quiet = await startNode();
    const opened: FrameStream[] = [];
    await quiet.handle(DIRECT_PROTOCOL, (stream) => void opened.push(new FrameStream(stream)));
    const options = { session: SESSION, plan: NOTHING, from: 0, buffers: 1, signal: never, ...PULSE };
    await assert.rejects(receiveDirect(await connect(receiver, quiet), options, new Kept(1)), { message: /heard/ });

    const started = Promise.withResolvers<void>();
    run = async (_, signal) => {
      started.resolve();
      await new Promise((_resolve, no) => signal.addEventListener('abort', () => no(signal.reason), { once: true }));
      return DESCRIPTOR;
    };
    const frames = await openByHand();
    await started.promise;
    await until(() => logged.length === 1);
    assert.match(String(logged[0]), /heard/);
    frames.abort(new Error('done'));
    await quiet.stop();
  });

  async function openByHand(changed: Partial<DirectOpen> = {}): Promise<FrameStream> {
    const frames = new FrameStream(await (await connect(receiver, sender)).newStream(DIRECT_PROTOCOL));
    const open = DirectOpen.encode({ session: SESSION, plan: NOTHING, from: 0, buffers: 2, ...changed });
    await frames.send(FRAME.open, undefined, 0, open);
    return frames;
  }

  it('ends a receiver that opens it wrongly, or acknowledges what was not sent', async () => {
    for (const changed of [{ buffers: 0 }, { buffers: DIRECT_BUFFERS_MAX + 1 }, { session: randomBytes(63) }]) {
      const frames = await openByHand(changed);
      await assert.rejects(frames.readHeader());
    }
    assert.equal(asked.length, 0);
    run = (_, signal) =>
      new Promise((_resolve, no) => signal.addEventListener('abort', () => no(signal.reason), { once: true }));
    for (const type of [FRAME.have, FRAME.bye, FRAME.want] as const) {
      const frames = await openByHand();
      await frames.send(type, 'ab'.repeat(32));
      await ended(frames);
    }
    assert.equal(summaries.length, 0);
  });

  describe('from a sender that does not follow the protocol', () => {
    const id = 'ab'.repeat(32);
    const none = '0'.repeat(64);
    const cases: [string, (frames: FrameStream) => Promise<void>][] = [
      [
        'more packs than there are buffers',
        async (frames) => {
          for (let count = 0; count < 3; count++) {
            const bytes = Uint8Array.of(count);
            await frames.send(FRAME.offer, idOf(bytes), 1);
            await frames.sendPack(idOf(bytes), bytes, 0);
          }
        },
      ],
      ['data that was not offered', (frames) => frames.send(FRAME.data, id, 0, new Uint8Array(9))],
      [
        'data of another pack',
        async (frames) => {
          await frames.send(FRAME.offer, id, 10);
          await frames.send(FRAME.data, 'cd'.repeat(32), 0, new Uint8Array(9));
        },
      ],
      [
        'data out of order',
        async (frames) => {
          await frames.send(FRAME.offer, id, 10);
          await frames.send(FRAME.data, id, 1, new Uint8Array(9));
        },
      ],
      [
        'more data than was offered',
        async (frames) => {
          await frames.send(FRAME.offer, id, 10);
          await frames.send(FRAME.data, id, 0, new Uint8Array(11));
        },
      ],
      ['an empty pack', (frames) => frames.send(FRAME.offer, id, 0)],
      ['a descriptor that is too long', (frames) => frames.send(FRAME.offer, none, DESCRIPTOR_MAX_BYTES + 1)],
      ['an end without a descriptor', (frames) => frames.send(FRAME.bye)],
    ];
    for (const [what, misbehave] of cases) {
      it(`refuses ${what}`, async () => {
        await rejectsFrom(misbehave, { plan: PLAN, from: 0 });
      });
    }

    it('refuses an opening that leaves out entries, or has no plan', async () => {
      await rejectsFrom(async () => {}, { plan: PLAN, from: 1 });
      await rejectsFrom(async () => {}, { plan: randomBytes(3), from: 0 });
    });

    it('throws nothing but ResettleError, whatever it sends', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 48, maxLength: 200 }), async (bytes) => {
          await rejectsFrom(async () => {}, { plan: PLAN, from: 0 }, bytes);
        }),
        { numRuns: 25 },
      );
    });

    /** A sender by hand: answers the opening, then does what it likes. */
    async function rejectsFrom(
      misbehave: (frames: FrameStream) => Promise<void>,
      opened: Partial<DirectOpened>,
      raw?: Uint8Array,
    ): Promise<void> {
      const hostile = await startNode();
      await hostile.handle(DIRECT_PROTOCOL, async (stream) => {
        const frames = new FrameStream(stream);
        const header: FrameHeader = await frames.readHeader();
        await frames.readPayload(new Uint8Array(header.payloadBytes));
        await frames.send(FRAME.opened, undefined, 0, DirectOpened.encode(opened));
        if (raw) {
          stream.send(raw);
          await stream.close();
        }
        // It may be cut off while it goes on.
        await misbehave(frames).catch(() => {});
      });
      const kept = new Kept(2);
      kept.takeMs = 50;
      const options = { session: SESSION, plan: NOTHING, from: 0, buffers: 2, signal: never, ...PULSE };
      try {
        await assert.rejects(
          receiveDirect(await connect(receiver, hostile), options, kept),
          (error) => error instanceof ResettleError && (raw !== undefined || error.code === 'damaged'),
        );
        assert.equal(kept.descriptor, undefined);
      } finally {
        await hostile.stop();
      }
    }
  });
});

async function ended(frames: FrameStream): Promise<void> {
  await assert.rejects(async () => {
    for (;;) {
      const { payloadBytes } = await frames.readHeader();
      await frames.readPayload(new Uint8Array(payloadBytes));
    }
  });
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (isTrue()) return;
    await wait(10);
  }
  assert.fail('it did not come true');
}
