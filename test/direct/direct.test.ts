import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Libp2p } from 'libp2p';
import { ResettleError } from '../../src/common/errors.ts';
import {
  DESCRIPTOR_MAX_BYTES,
  DIRECT_BUFFERS,
  DIRECT_ENTRIES_MAX_BYTES,
  DIRECT_OFFSETS_MAX,
  DIRECT_PACK_BYTES,
} from '../../src/common/limits.ts';
import type { DirectAsk, DirectSink } from '../../src/common/ports.ts';
import { FRAME } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { isBroken } from '../../src/protocols/direct/broken.ts';
import { DIRECT_PROTOCOL, type DirectDone, DirectOpened } from '../../src/protocols/direct/messages.ts';
import { type DirectLink, openDirect } from '../../src/protocols/direct/receive.ts';
import { type DirectSource, serveDirect } from '../../src/protocols/direct/send.ts';
import type { Handlers } from '../../src/protocols/wire/registrar.ts';
import { connect, startNode } from '../protocols/support.ts';
import {
  aborted,
  idOf,
  Kept,
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
  wait,
} from './support.ts';

const SUMMARY: DirectDone = { files: 7, bytes: 2 ** 52, skipped: 1 };

describe('a direct stream', () => directStreams(false));
describe('a direct stream whose packs come over a bulk socket', () => directStreams(true));

function directStreams(overBulk: boolean): void {
  let sender: Libp2p;
  let receiver: Libp2p;
  let descriptor: Uint8Array;
  let answer: DirectSource['answer'];
  let done: DirectSource['done'];
  let opening: (signal: AbortSignal) => Promise<void>;
  let opened: AbortSignal[];
  let logged: unknown[];
  let links: DirectLink[];
  /** Streams that the sender serves. */
  let running = 0;

  before(async () => {
    [sender, receiver] = [await startNode(), await startNode()];
    const open = async (session: Uint8Array, remote: string, signal: AbortSignal): Promise<DirectSource> => {
      if (remote !== receiver.peerId.toString() || !Buffer.from(session).equals(SESSION)) {
        throw new ResettleError('refused', 'not the machine that was paired');
      }
      opened.push(signal);
      await opening(signal);
      return { descriptor, stateKey: STATE_KEY, answer, done };
    };
    const registrar: Handlers = {
      handle: (protocol, handler, options) =>
        sender.handle(
          protocol,
          async (stream, connection) => {
            running += 1;
            await handler(stream, connection);
            running -= 1;
          },
          options,
        ),
    };
    const bulkBeside = (): string[] => (overBulk ? sender.getMultiaddrs().map(String) : []);
    await serveDirect(registrar, { open }, (error) => logged.push(error), { ...PULSE, bulkBeside });
  });
  after(async () => {
    await receiver.stop();
    await sender.stop();
  });
  beforeEach(() => {
    [opened, logged, links] = [[], [], []];
    descriptor = pack(5000);
    answer = async () => {};
    done = async () => {};
    opening = async () => {};
  });

  afterEach(async () => {
    for (const link of links) link.abort(new Error('the test is over'));
    await until(() => running === 0);
    assert.ok(opened.every((signal) => signal.aborted));
  });

  async function link(options: Partial<Parameters<typeof openDirect>[1]> = {}): Promise<DirectLink> {
    const all = { session: SESSION, signal: never, ...PULSE, ...options };
    const link = await openDirect(await connect(receiver, sender), all);
    links.push(link);
    return link;
  }

  function answerWith(packs: readonly Uint8Array[]): void {
    answer = (_, sink, signal) => putAll(packs, sink, signal);
  }

  /** Ends the connections of both, as a cable does that is pulled out. */
  async function breakAll(): Promise<void> {
    for (const node of [sender, receiver]) {
      for (const connection of node.getConnections()) connection.abort(new Error('the cable is out'));
    }
    await until(() => receiver.getConnections().length === 0 && sender.getConnections().length === 0);
  }

  describe('opened', () => {
    it('brings the descriptor and the state key', async () => {
      for (const size of [0, 1, 300_000, DESCRIPTOR_MAX_BYTES]) {
        descriptor = pack(size);
        const opened = await link();
        assert.ok(Buffer.from(opened.descriptor).equals(descriptor));
        assert.ok(Buffer.from(opened.stateKey).equals(STATE_KEY));
        assert.ok(await opened.done(SUMMARY));
      }
    });

    it('is refused to who was not paired, which is no break', async () => {
      await assert.rejects(link({ session: pack(64) }), (error: ResettleError) => {
        assert.equal(error.code, 'refused');
        assert.match(error.message, /not the machine/);
        return !isBroken(error);
      });
    });

    it('is not where the other machine does not send, and broken where there is no connection any more', async () => {
      const idle = await startNode();
      const connection = await connect(receiver, idle);
      const options = { session: SESSION, signal: never, ...PULSE };
      await assert.rejects(openDirect(connection, options), { code: 'not-found', message: /nothing to send/ });
      connection.abort(new Error('the cable is out'));
      await assert.rejects(openDirect(connection, options), isBroken);
      await idle.stop();
    });

    it('waits for a host that takes its time, as long as it says that it is there', async () => {
      opening = () => wait(2 * PULSE.silenceMs);
      assert.ok(await (await link()).done(SUMMARY));
    });

    it('ends by its signal, before and after', async () => {
      const stop = new AbortController();
      opening = (signal) => {
        stop.abort(new Error('enough'));
        return aborted(signal);
      };
      await assert.rejects(link({ signal: stop.signal }), /enough/);
      await until(() => logged.length === 1 && opened[0]!.aborted);
      opening = async () => {};
      const again = new AbortController();
      const open = await link({ signal: again.signal });
      again.abort(new Error('enough again'));
      await assert.rejects(open.ask(THE_PLAN, new Kept(), never), /enough again/);
    });
  });

  describe('answers', () => {
    it('one ask after another, each with its packs in the order of put', async () => {
      const packs = new Map<string, Uint8Array[]>([
        ['plan', [1, 300_000, 16].map(pack)],
        ['compare', []],
        ['content', [DIRECT_PACK_BYTES, 1, DIRECT_PACK_BYTES, 262_144, 262_145, DIRECT_PACK_BYTES].map(pack)],
      ]);
      const asked: DirectAsk[] = [];
      answer = async (ask, sink, signal) => {
        asked.push(ask);
        await putAll(packs.get(ask.what)!, sink, signal);
      };
      const open = await link();
      const asks: DirectAsk[] = [
        THE_PLAN,
        { what: 'compare', entries: pack(3), offsets: [] },
        { what: 'content', entries: pack(DIRECT_ENTRIES_MAX_BYTES), offsets: offsets(DIRECT_OFFSETS_MAX) },
        { what: 'content', entries: pack(300_000), offsets: offsets(1) },
      ];
      for (const ask of asks) {
        const kept = new Kept();
        await open.ask(ask, kept, never);
        assert.deepEqual(kept.packs, packs.get(ask.what)!.map(idOf));
        assert.equal(kept.free.length, DIRECT_BUFFERS);
      }
      assert.deepEqual(asked, asks);
      assert.ok(await open.done(SUMMARY));
    });

    it('in order and within the buffers, for any sizes and however slowly packs are used', async () => {
      const sizes = fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(sizes, fc.nat(3), fc.boolean(), async (list, ms, atOnce) => {
          const packs = list.map(pack);
          answer = async (_, sink, signal) => {
            if (atOnce) return putAll(packs, sink, signal);
            for (const bytes of packs) await putAll([bytes], sink, signal);
          };
          const kept = new Kept();
          kept.before = () => wait(ms);
          const open = await link();
          await open.ask(THE_PLAN, kept, never);
          assert.ok(await open.done(SUMMARY));
          assert.deepEqual(kept.packs, packs.map(idOf));
          assert.equal(kept.free.length, DIRECT_BUFFERS);
        }),
        { numRuns: 20 },
      );
    });

    it('no more ahead than there are buffers', async () => {
      const packs = Array.from({ length: 3 * DIRECT_BUFFERS }, () => pack(10));
      let acknowledged = 0;
      answer = async (_, sink, signal) => {
        await Promise.all(packs.map((bytes) => putAll([bytes], sink, signal).then(() => acknowledged++)));
      };
      const kept = new Kept();
      const first = Promise.withResolvers<void>();
      const full = Promise.withResolvers<void>();
      kept.before = async (count) => {
        if (count === DIRECT_BUFFERS) full.resolve();
        await first.promise;
      };
      const asking = (await link()).ask(THE_PLAN, kept, never);
      await full.promise;
      // Long enough for what is on its way; with a pack too many, `borrow` fails.
      await wait(50);
      assert.equal(kept.packs.length, DIRECT_BUFFERS);
      assert.equal(acknowledged, 0);
      first.resolve();
      await asking;
      assert.equal(acknowledged, packs.length);
    });

    it('after a long preparation, and to a receiver that works long', async () => {
      const packs = [10, 20].map(pack);
      answer = async (_, sink, signal) => {
        await wait(2 * PULSE.silenceMs);
        await putAll(packs, sink, signal);
      };
      const kept = new Kept();
      kept.before = () => wait(2 * PULSE.silenceMs);
      const open = await link();
      await open.ask(THE_PLAN, kept, never);
      await wait(2 * PULSE.silenceMs);
      assert.ok(await open.done(SUMMARY));
      assert.equal(kept.packs.length, 2);
      assert.deepEqual(logged, []);
    });

    it('not two at once, and none beyond its limits: that is told before anything is sent', async () => {
      const go = Promise.withResolvers<void>();
      answer = () => go.promise;
      const open = await link();
      const first = open.ask(THE_PLAN, new Kept(), never);
      await assert.rejects(open.ask(THE_PLAN, new Kept(), never), /one thing/);
      await assert.rejects(open.done(SUMMARY), /in use/);
      go.resolve();
      await first;
      await assert.rejects(open.ask({ ...THE_PLAN, entries: pack(1) }, new Kept(), never), RangeError);
      await open.ask(THE_PLAN, new Kept(), never);
    });

    function offsets(count: number): DirectAsk['offsets'] {
      return Array.from({ length: count }, (_, index) => ({ entry: 3 * index, offset: index * 2 ** 20 }));
    }
  });

  describe('at its end', () => {
    it('has told both sides the same summary, also where nothing was asked for', async () => {
      const summaries: DirectDone[] = [];
      done = async (summary) => void summaries.push({ ...summary });
      const open = await link();
      assert.ok(await open.done(SUMMARY));
      assert.deepEqual(summaries, [SUMMARY]);
      await until(() => opened[0]!.aborted);
      assert.deepEqual(logged, []);
      await assert.rejects(open.ask(THE_PLAN, new Kept(), never), /has ended/);
    });

    it('has not told it where the sender is gone, or cannot keep it', async () => {
      const open = await link();
      await breakAll();
      assert.equal(await open.done(SUMMARY), false);
      const [second, saved] = [await link(), Promise.withResolvers<void>()];
      done = async () => {
        await breakAll();
        saved.resolve();
      };
      const third = await link();
      assert.equal(await second.done(SUMMARY), false);
      assert.equal(await third.done(SUMMARY), false);
      await saved.promise;
      done = async () => {
        throw new Error('the disk is full');
      };
      assert.equal(await (await link()).done(SUMMARY), false);
    });
  });

  describe('that breaks', () => {
    it('says so, whatever came before, and what was taken is taken', async () => {
      const packs = [100, 200].map(pack);
      answer = async (_, sink, signal) => {
        await putAll(packs, sink, signal);
        await Promise.all([aborted(signal), breakAll()]);
      };
      const kept = new Kept();
      await assert.rejects((await link()).ask(THE_PLAN, kept, never), isBroken);
      assert.equal(kept.packs.length, 2);
      assert.equal(kept.free.length, DIRECT_BUFFERS);
      await until(() => logged.length === 1);
    });

    it('waits for what is being taken, and tells its failure rather than the break', async () => {
      for (const fails of [false, true]) {
        let settled = false;
        const kept = new Kept();
        kept.before = async () => {
          await breakAll();
          await wait(30);
          settled = true;
          if (fails) throw new ResettleError('no-point', 'the disk is full');
        };
        answerWith([pack(100)]);
        await assert.rejects(
          (await link()).ask(THE_PLAN, kept, never),
          (error: ResettleError) => isBroken(error) !== fails && (!fails || error.code === 'no-point'),
        );
        assert.ok(settled);
      }
    });

    it('does not settle a put whose pack was not acknowledged', async () => {
      let put: Promise<void> | undefined;
      answer = async (_, sink, signal) => {
        put = putAll([pack(DIRECT_PACK_BYTES)], sink, signal);
        await put;
      };
      const kept = new Kept();
      kept.before = breakAll;
      await assert.rejects((await link()).ask(THE_PLAN, kept, never), isBroken);
      await assert.rejects(put!, isBroken);
    });
  });

  describe('that fails', () => {
    it('at the receiver tells the sender why, as far as it may know', async () => {
      answerWith([100, 200, 300, 400, 500].map(pack));
      const kept = new Kept();
      kept.before = async (count) => {
        if (count === 2) throw new ResettleError('no-point', 'the disk is full');
      };
      const open = await link();
      await assert.rejects(open.ask(THE_PLAN, kept, never), { code: 'no-point', message: 'the disk is full' });
      await until(() => logged.length === 1);
      assert.match(String(logged[0]), /the disk is full/);
      assert.equal(await open.done(SUMMARY), false);

      const none = new Kept();
      none.free.length = 0;
      await assert.rejects((await link()).ask(THE_PLAN, none, never), /more packs at once/);
      await until(() => logged.length === 2);
    });

    it('at the sender tells the receiver what it may know, and is no break', async () => {
      answer = async (_, sink, signal) => {
        await putAll([pack(DIRECT_PACK_BYTES), pack(DIRECT_PACK_BYTES)], sink, signal);
        // These are not waited for: the fault comes behind them.
        for (let count = 0; count < 2; count++) sink.put({ id: idOf(pack(9)), bytes: pack(9) }, signal).catch(() => {});
        throw new ResettleError('not-found', '/home/ann is gone');
      };
      await assert.rejects((await link()).ask(THE_PLAN, new Kept(), never), (error: ResettleError) => {
        assert.equal(error.code, 'not-found');
        assert.match(error.message, /ann is gone/);
        return !isBroken(error);
      });
      answer = async () => {
        throw new Error('an inner secret');
      };
      const told = (error: Error): boolean => !error.message.includes('secret') && !isBroken(error);
      await assert.rejects((await link()).ask(THE_PLAN, new Kept(), never), told);
      await until(() => logged.length === 2);
      opening = async () => assert.fail('an inner secret');
      await assert.rejects(link(), told);
    });

    it('at a receiver who stops it ends the answer and every put', async () => {
      const stop = new AbortController();
      let put: Promise<void> | undefined;
      answer = async (_, sink, signal) => {
        put = putAll([pack(10)], sink, signal);
        await put;
      };
      const kept = new Kept();
      kept.before = async () => stop.abort(new Error('enough'));
      kept.take = async (buffer) => {
        kept.free.push(buffer);
        stop.abort(new Error('enough'));
        await wait(20);
      };
      await assert.rejects((await link()).ask(THE_PLAN, kept, stop.signal), /enough/);
      await assert.rejects(put!);
      await until(() => logged.length === 1 && opened[0]!.aborted);
    });

    it('refuses packs that are too large, come twice, or come when nothing was asked for', async () => {
      let late: DirectSink | undefined;
      answer = async (_, sink, signal) => {
        late = sink;
        const bytes = pack(10);
        const first = sink.put({ id: idOf(bytes), bytes }, signal);
        await assert.rejects(sink.put({ id: idOf(bytes), bytes }, signal), /cannot be put/);
        await first;
        for (const size of [0, DIRECT_PACK_BYTES + 1]) {
          const other = pack(size);
          await assert.rejects(sink.put({ id: idOf(other), bytes: other }, signal), /cannot be put/);
        }
      };
      const open = await link();
      await open.ask(THE_PLAN, new Kept(), never);
      await assert.rejects(late!.put({ id: idOf(pack(1)), bytes: pack(1) }, never), /cannot be put/);
      open.abort(new Error('done'));
      await until(() => opened[0]!.aborted);
      await assert.rejects(late!.put({ id: idOf(pack(1)), bytes: pack(1) }, never), isBroken);
    });
  });

  describe('on which nothing is heard', () => {
    it('breaks at the receiver, before it is open and while it waits for an answer', async () => {
      const quiet = await startNode();
      let words = DirectOpened.encode({ stateKey: STATE_KEY, buffers: DIRECT_BUFFERS });
      await quiet.handle(DIRECT_PROTOCOL, async (stream) => {
        if (words.length > 0) await new FrameStream(stream).send(FRAME.opened, undefined, 0, words);
      });
      const options = { session: SESSION, signal: never, ...PULSE };
      const isSilence = (error: Error): boolean => isBroken(error) && /nothing was heard/.test(error.message);
      const open = await openDirect(await connect(receiver, quiet), options);
      await assert.rejects(open.ask(THE_PLAN, new Kept(), never), isSilence);
      words = new Uint8Array(0);
      await assert.rejects(openDirect(await connect(receiver, quiet), options), isSilence);
      await quiet.stop();
    });

    it('ends at the sender, and its answer with it', async () => {
      answer = (_, __, signal) => aborted(signal);
      const frames = await openByHand(receiver, sender);
      await until(() => logged.length === 1);
      assert.match(String(logged[0]), /nothing was heard/);
      assert.ok(opened[0]!.aborted);
      frames.abort(new Error('done'));
    });
  });

  describe('of a session that has one already', () => {
    it('ends that one first, however its receiver stands', async () => {
      const events: string[] = [];
      const started = Promise.withResolvers<void>();
      answer = async (_, sink, signal) => {
        started.resolve();
        try {
          await putAll(
            Array.from({ length: 6 }, () => pack(DIRECT_PACK_BYTES)),
            sink,
            signal,
          );
        } catch (error) {
          // It is still on its way out when the new one has come.
          await wait(50);
          events.push('old answer over');
          throw error;
        }
      };
      // Its receiver says that it is there, and reads nothing.
      const old = await openByHand(receiver, sender);
      assert.ok(await readUntil(old, FRAME.opened));
      const alive = setInterval(() => void old.send(FRAME.opened).catch(() => {}), PULSE.pulseMs);
      await old.send(FRAME.want, undefined, 0, Uint8Array.of(8, 1));
      await started.promise;
      opening = async () => void events.push('new one open');
      const open = await link();
      assert.deepEqual(events, ['old answer over', 'new one open']);
      assert.ok(opened[0]!.aborted);
      await until(() => logged.length === 1);
      assert.match(String(logged[0]), /newer stream/);
      answerWith([pack(10)]);
      assert.ok(await open.done(SUMMARY));
      assert.equal(await readUntil(old, FRAME.bye), undefined);
      clearInterval(alive);
    });

    it('lets only the newest through where several wait for their turn', async () => {
      const release = Promise.withResolvers<void>();
      opening = () => release.promise;
      const first = link();
      await until(() => opened.length === 1);
      const second = link();
      second.catch(() => {});
      await assert.rejects(first, isBroken);
      const third = link();
      third.catch(() => {});
      await assert.rejects(second, isBroken);
      assert.equal(opened.length, 1);
      opening = async () => {};
      release.resolve();
      assert.ok(await (await third).done(SUMMARY));
      assert.equal(opened.length, 2);
    });

    it('is not touched by one who has not its session', async () => {
      const open = await link();
      await assert.rejects(link({ session: pack(64) }), { code: 'refused' });
      await open.ask(THE_PLAN, new Kept(), never);
      assert.ok(await open.done(SUMMARY));
    });
  });
}
