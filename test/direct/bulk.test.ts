import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import type { Libp2p } from 'libp2p';
import { ResettleError } from '../../src/common/errors.ts';
import { peerIdText } from '../../src/common/ids.ts';
import { BULK_HEAD_BYTES, DIRECT_BUFFERS, DIRECT_PACK_BYTES } from '../../src/common/limits.ts';
import { FRAME } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { isBroken } from '../../src/protocols/direct/broken.ts';
import { BulkChoice } from '../../src/protocols/direct/bulk/choice.ts';
import { NONCE_BYTES, PROOF_BYTES } from '../../src/protocols/direct/bulk/handshake.ts';
import { BulkIncoming } from '../../src/protocols/direct/bulk/incoming.ts';
import { BulkOutgoing } from '../../src/protocols/direct/bulk/outgoing.ts';
import { DIRECT_PROTOCOL, DirectAskHead, DirectOpened } from '../../src/protocols/direct/messages.ts';
import { type DirectLink, openDirect } from '../../src/protocols/direct/receive.ts';
import { type DirectSource, serveDirect } from '../../src/protocols/direct/send.ts';
import type { Handlers } from '../../src/protocols/wire/registrar.ts';
import { KIND } from '../../src/state/format/frame-cipher.ts';
import { frameBody, newStateId, PackWriter, readPack } from '../../src/state/format/index.ts';
import { startNode } from '../protocols/support.ts';
import { Cable } from './cable.ts';
import {
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
  wait,
} from './support.ts';

const SUMMARY = { files: 1, bytes: 1, skipped: 0 };
const HANDSHAKE_BYTES = NONCE_BYTES + PROOF_BYTES;
const linuxOnly = process.platform === 'linux' ? false : '127.0.0.2 is no address of this system';

describe('packs over a bulk socket, over a cable', { skip: linuxOnly }, () => {
  let sender: Libp2p;
  let receiver: Libp2p;
  let cable: Cable;
  let answer: DirectSource['answer'];
  let logged: unknown[];
  let links: DirectLink[];
  let listened: number;
  /** What the sender has sent over Noise. */
  let noiseBytes: number;

  before(async () => {
    [sender, receiver] = [await startNode(), await startNode()];
    const open = async (): Promise<DirectSource> => ({
      descriptor: new Uint8Array(0),
      stateKey: STATE_KEY,
      answer: (...all) => answer(...all),
      done: async () => {},
    });
    const counting: Handlers = {
      handle: (protocol, handler, options) =>
        sender.handle(
          protocol,
          async (stream, connection) => {
            const send = stream.send.bind(stream);
            stream.send = (data) => {
              noiseBytes += data.byteLength;
              return send(data);
            };
            await handler(stream, connection);
          },
          options,
        ),
    };
    const bulkBeside = (): string[] => {
      listened += 1;
      return sender.getMultiaddrs().map(String);
    };
    await serveDirect(counting, { open }, (error) => logged.push(error), { ...PULSE, bulkBeside });
  });
  after(async () => {
    await receiver.stop();
    await sender.stop();
  });
  beforeEach(async () => {
    [logged, links, listened, noiseBytes] = [[], [], 0, 0];
    answer = async () => {};
    cable = new Cable(Number(/tcp\/(\d+)/.exec(String(sender.getMultiaddrs()[0]))![1]));
    await cable.plugIn();
  });
  afterEach(async () => {
    for (const link of links) link.abort(new Error('the test is over'));
    cable.pullOut();
    await until(() => sender.getConnections().length === 0 && receiver.getConnections().length === 0);
  });

  async function link(bulk = new BulkChoice(() => assert.fail('it is open'))): Promise<DirectLink> {
    const address = String(sender.getMultiaddrs()[0]).replace('127.0.0.1', '127.0.0.2');
    const connection = await receiver.dial(multiaddr(address));
    const options = { session: SESSION, signal: never, bulk, bulkConnectMs: 300, random: randomBytes, ...PULSE };
    const link = await openDirect(connection, options);
    links.push(link);
    return link;
  }

  function answerWith(packs: readonly Uint8Array[]): void {
    answer = (_, sink, signal) => putAll(packs, sink, signal);
  }

  /** Of them, over the bulk socket: their heads go over Noise. */
  const total = (packs: readonly Uint8Array[]): number =>
    packs.reduce((sum, { length }) => sum + Math.max(0, length - BULK_HEAD_BYTES), 0);

  it('go there and nowhere else, in the order of put, ask after ask', async () => {
    const packs = [DIRECT_PACK_BYTES, 1, 300_000, DIRECT_PACK_BYTES, DIRECT_PACK_BYTES, 65_536, 65_537].map(pack);
    answerWith(packs);
    const open = await link();
    for (let count = 1; count <= 2; count++) {
      const kept = new Kept();
      await open.ask(THE_PLAN, kept, never);
      assert.deepEqual(kept.packs, packs.map(idOf));
      assert.equal(kept.free.length, DIRECT_BUFFERS);
      assert.equal(cable.bulkBytes, HANDSHAKE_BYTES + count * total(packs));
    }
    assert.ok(await open.done(SUMMARY));
    assert.ok(noiseBytes < 10_000, `${noiseBytes} bytes over Noise`);
    assert.deepEqual(logged, []);
  });

  it('in any chunks, with any sizes', async () => {
    const sizes = fc.array(fc.integer({ min: 16, max: 300_000 }), { minLength: 1, maxLength: 8 });
    const open = await link();
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(3), async (list, ms) => {
        const packs = list.map(pack);
        answerWith(packs);
        const kept = new Kept();
        kept.before = () => wait(ms);
        await open.ask(THE_PLAN, kept, never);
        assert.deepEqual(kept.packs, packs.map(idOf));
      }),
      { numRuns: 30 },
    );
  });

  const closed: [string, () => void][] = [
    ['refused', () => cable.closeBulk()],
    [
      'a black hole',
      () => {
        cable.isBlackHole = true;
      },
    ],
    [
      'somebody else’s',
      () => {
        cable.onBulk = (bytes) => Uint8Array.from(bytes).fill(1);
      },
    ],
  ];
  for (const [what, close] of closed) {
    it(`come over Noise where that port is ${what}, which is told once; the third time it is not tried`, async () => {
      close();
      let told = 0;
      const choice = new BulkChoice(() => told++);
      const packs = [300_000, 5].map(pack);
      answerWith(packs);
      for (let count = 1; count <= 3; count++) {
        const open = await link(choice);
        const kept = new Kept();
        await open.ask(THE_PLAN, kept, never);
        assert.deepEqual(kept.packs, packs.map(idOf));
        assert.ok(await open.done(SUMMARY));
        assert.equal(told, 1);
        assert.equal(listened, Math.min(count, 2));
      }
      assert.deepEqual(logged, []);
    });
  }

  it('that end in the middle of a pack are a break; another stream goes on', async () => {
    const packs = [pack(100_000), pack(DIRECT_PACK_BYTES)];
    answerWith(packs);
    let broken = 0;
    cable.onBulk = (bytes, at) => {
      if (at < 1_000_000 || broken > 0) return bytes;
      broken += 1;
      return 'ends';
    };
    const choice = new BulkChoice();
    const [open, kept] = [await link(choice), new Kept()];
    await assert.rejects(open.ask(THE_PLAN, kept, never), isBroken);
    assert.deepEqual(kept.packs, [idOf(packs[0]!)]);
    await until(() => logged.length === 1);
    assert.ok(isBroken(logged[0]), String(logged[0]));
    const [again, rest] = [await link(choice), new Kept()];
    await again.ask(THE_PLAN, rest, never);
    assert.deepEqual(rest.packs, packs.map(idOf));
    assert.ok(noiseBytes < 10_000);
  });

  it('that stall are a break, though both pulse; after two that brought nothing they come over Noise', async () => {
    const bytes = pack(500_000);
    answerWith([bytes]);
    cable.onBulk = (bytes, at) => (at < HANDSHAKE_BYTES + 100 ? bytes : 'stalls');
    const choice = new BulkChoice();
    for (let count = 0; count < 2; count++) {
      assert.ok(choice.isWanted);
      await assert.rejects((await link(choice)).ask(THE_PLAN, new Kept(), never), (error: Error) => {
        return isBroken(error) && /nothing was heard/.test(error.message);
      });
    }
    const kept = new Kept();
    await (await link(choice)).ask(THE_PLAN, kept, never);
    assert.deepEqual(kept.packs, [idOf(bytes)]);
    assert.ok(noiseBytes > bytes.length);
  });

  it('that are garbled on their way are found by who takes them, and the sender is told', async () => {
    const bytes = pack(300_000);
    answerWith([bytes]);
    cable.onBulk = (chunk, at) => {
      const garbled = Uint8Array.from(chunk);
      if (at > HANDSHAKE_BYTES) garbled[0]! ^= 1;
      return garbled;
    };
    const kept = new Kept();
    // As the worker does that opens the pack: it does not authenticate.
    kept.take = async (buffer, sizeBytes) => {
      kept.free.push(buffer);
      if (idOf(buffer.subarray(0, sizeBytes)) !== idOf(bytes)) throw new ResettleError('damaged', 'a pack is damaged');
    };
    await assert.rejects((await link()).ask(THE_PLAN, kept, never), { code: 'damaged', message: /a pack is damaged/ });
    await until(() => logged.length === 1);
    assert.match(String(logged[0]), /a pack is damaged/);
  });

  it('write into no memory once an ask has settled', async () => {
    const stop = new AbortController();
    answerWith([new Uint8Array(DIRECT_PACK_BYTES).fill(1)]);
    cable.onBulk = (bytes, at) => {
      if (at > 500_000) stop.abort(new Error('enough'));
      return bytes;
    };
    const kept = new Kept();
    const buffers = [...kept.free];
    await assert.rejects((await link()).ask(THE_PLAN, kept, stop.signal), /enough/);
    for (const buffer of buffers) buffer.fill(0);
    await wait(50);
    assert.ok(buffers.every((buffer) => buffer.every((byte) => byte === 0)));
  });

  it('that are on their way come before the reason for which the sender ends', async () => {
    const bytes = pack(DIRECT_PACK_BYTES);
    answer = async (_, sink, signal) => {
      sink.put({ id: idOf(bytes), bytes }, signal).catch(() => {});
      await wait(0);
      throw new ResettleError('not-found', '/home/ann is gone');
    };
    const kept = new Kept();
    await assert.rejects((await link()).ask(THE_PLAN, kept, never), { code: 'not-found' });
    assert.deepEqual(kept.packs, [idOf(bytes)]);
  });

  it('have a key and a listener of their own at each stream, and no listener once the receiver has come', async () => {
    const first = await link();
    await first.ask(THE_PLAN, new Kept(), never);
    const port = Number(/tcp\/(\d+)/.exec(String(sender.getMultiaddrs()[0]))![1]) + 1;
    const socket = connectTcp(port, '127.0.0.1');
    const refused = await new Promise((resolve) => {
      socket.on('connect', () => resolve(false)).on('error', () => resolve(true));
    });
    assert.equal(refused, true);
    const second = await link();
    answerWith([pack(BULK_HEAD_BYTES + 10)]);
    await second.ask(THE_PLAN, new Kept(), never);
    assert.equal(cable.bulkBytes, 2 * HANDSHAKE_BYTES + 10);
  });
});

describe('the sender of packs over a bulk socket', () => {
  let sender: Libp2p;
  let receiver: Libp2p;
  let answer: DirectSource['answer'];
  let logged: unknown[];

  before(async () => {
    [sender, receiver] = [await startNode(), await startNode()];
    const open = async (): Promise<DirectSource> => ({
      descriptor: new Uint8Array(0),
      stateKey: STATE_KEY,
      answer: (...all) => answer(...all),
      done: async () => {},
    });
    const bulkBeside = (): string[] => sender.getMultiaddrs().map(String);
    await serveDirect(sender, { open }, (error) => logged.push(error), { bulkBeside });
  });
  after(async () => {
    await receiver.stop();
    await sender.stop();
  });
  beforeEach(() => {
    logged = [];
  });

  async function begin(): Promise<{ frames: FrameStream; bulk: BulkIncoming }> {
    const frames = await openByHand(receiver, sender, { wantsBulk: true });
    const { bulkPort, bulkKey } = DirectOpened.decode((await readUntil(frames, FRAME.opened))!);
    const at = { ip: '127.0.0.1', port: bulkPort };
    const bulk = await BulkIncoming.connect({ at, key: bulkKey, random: randomBytes, signal: never, onBytes() {} });
    assert.ok(bulk);
    await frames.send(FRAME.want, NONE, 0, DirectAskHead.encode({ what: 1, overBulk: true }));
    return { frames, bulk };
  }

  it('has no memory back before it has left, whatever the receiver says that it has', async () => {
    // More than the system takes of a receiver that reads nothing.
    const packs = Array.from({ length: 16 }, () => pack(DIRECT_PACK_BYTES));
    let free = 0;
    answer = async (_, sink, signal) => {
      await Promise.all(packs.map((bytes) => putAll([bytes], sink, signal).then(() => free++)));
    };
    const { frames, bulk } = await begin();
    let offered = 0;
    let isWhole = false;
    const reading = (async () => {
      while (!isWhole) {
        const header = await frames.readHeader();
        await frames.readPayload(new Uint8Array(header.payloadBytes));
        if (header.type === FRAME.offer) {
          offered += 1;
          await frames.send(FRAME.have, header.pack);
        }
        if (header.type === FRAME.have) isWhole = true;
      }
    })();
    let before = -1;
    while (before !== offered || offered === 0) {
      before = offered;
      await wait(100);
    }
    assert.ok(offered < packs.length);
    assert.equal(free, offered - 1);
    for (const bytes of packs) {
      const target = new Uint8Array(bytes.length - BULK_HEAD_BYTES);
      await bulk.fill(target);
      assert.equal(idOf(target), idOf(bytes.subarray(BULK_HEAD_BYTES)));
    }
    await reading;
    assert.equal(free, packs.length);
    frames.abort(new Error('done'));
    await until(() => logged.length === 1);
  });

  it('ends the stream as broken when the socket is gone and the stream says nothing', async () => {
    answer = (_, sink, signal) => putAll([pack(DIRECT_PACK_BYTES)], sink, signal);
    const { frames, bulk } = await begin();
    assert.equal((await frames.readHeader()).type, FRAME.offer);
    bulk.end(new Error('gone'));
    await assert.rejects(frames.readHeader());
    await until(() => logged.length === 1);
    assert.ok(isBroken(logged[0]), String(logged[0]));
  });

  it('ends it so, too, when it is asked over a socket that is gone', async () => {
    answer = async () => {};
    const { frames, bulk } = await begin();
    assert.equal((await frames.readHeader()).type, FRAME.have);
    bulk.end(new Error('gone'));
    await wait(20);
    await frames.send(FRAME.want, NONE, 0, DirectAskHead.encode({ what: 1, overBulk: true }));
    await assert.rejects(frames.readHeader());
    await until(() => logged.length === 1);
    assert.ok(isBroken(logged[0]), String(logged[0]));
  });

  it('opens no listener for a receiver that does not want one', async () => {
    const frames = await openByHand(receiver, sender);
    const { bulkPort, bulkKey } = DirectOpened.decode((await readUntil(frames, FRAME.opened))!);
    assert.deepEqual([bulkPort, bulkKey.length], [0, 0]);
    frames.abort(new Error('done'));
    await until(() => logged.length === 1);
  });
});

describe('the receiver of packs over a bulk socket', () => {
  let hostile: Libp2p;
  let receiver: Libp2p;
  let script: (frames: FrameStream, bulk: BulkOutgoing) => Promise<void>;

  before(async () => {
    [hostile, receiver] = [await startNode(), await startNode()];
    await hostile.handle(DIRECT_PROTOCOL, async (stream) => {
      const frames = new FrameStream(stream);
      assert.ok(await readUntil(frames, FRAME.open));
      const beside = hostile.getMultiaddrs().map(String);
      const bulk = (await BulkOutgoing.listen({ beside, remoteIp: '127.0.0.1', random: randomBytes }))!;
      const values = { bulkPort: bulk.port, bulkKey: bulk.key, stateKey: STATE_KEY, buffers: DIRECT_BUFFERS };
      await frames.send(FRAME.opened, NONE, 0, DirectOpened.encode(values));
      const want = await readUntil(frames, FRAME.want);
      if (want && DirectAskHead.decode(want).overBulk) await script(frames, bulk).catch(() => {});
      bulk.end();
    });
  });
  after(async () => {
    await receiver.stop();
    await hostile.stop();
  });

  async function asks(kept: Kept): Promise<void> {
    const connection = await receiver.dial(multiaddr(String(hostile.getMultiaddrs()[0])));
    const link = await openDirect(connection, { session: SESSION, signal: never, ...PULSE });
    await link.ask(THE_PLAN, kept, never).finally(() => link.abort(new Error('done')));
  }

  const offer = (frames: FrameStream, bytes: Uint8Array, sizeBytes = bytes.length): Promise<void> =>
    frames.send(FRAME.offer, idOf(bytes), sizeBytes, bytes.subarray(0, BULK_HEAD_BYTES));

  it('takes bytes that come before their offers, and offers that come before their bytes', async () => {
    const packs = [300_000, 1, 70_000].map(pack);
    for (const bytesFirst of [true, false]) {
      script = async (frames, bulk) => {
        const offers = async (): Promise<void> => {
          for (const bytes of packs) await offer(frames, bytes);
        };
        if (!bytesFirst) await offers();
        await wait(30);
        for (const bytes of packs) await bulk.write(bytes.subarray(BULK_HEAD_BYTES));
        if (bytesFirst) await wait(30).then(offers);
        await frames.send(FRAME.have);
        await readUntil(frames, FRAME.bye);
      };
      const kept = new Kept();
      await asks(kept);
      assert.deepEqual(kept.packs, packs.map(idOf));
    }
  });

  it('is broken off from, not kept, by a sender that announces more than it brings', async () => {
    script = async (frames, bulk) => {
      const bytes = pack(1000);
      await offer(frames, bytes, bytes.length + 1);
      await bulk.write(bytes.subarray(BULK_HEAD_BYTES));
      await frames.send(FRAME.have);
      await readUntil(frames, FRAME.bye);
    };
    const kept = new Kept();
    await assert.rejects(asks(kept), isBroken);
    assert.deepEqual(kept.packs, []);
  });

  it('refuses packs over the stream when it has asked for them over the socket, and offers without the head', async () => {
    const bytes = pack(1000);
    const wrong: ((frames: FrameStream) => Promise<void>)[] = [
      (frames) => offer(frames, bytes).then(() => frames.sendPack(idOf(bytes), bytes, 0)),
      (frames) => frames.send(FRAME.offer, idOf(bytes), bytes.length),
      (frames) => frames.send(FRAME.offer, idOf(bytes), bytes.length, bytes.subarray(0, BULK_HEAD_BYTES + 1)),
      (frames) => frames.send(FRAME.offer, idOf(bytes), BULK_HEAD_BYTES - 1, bytes.subarray(0, BULK_HEAD_BYTES)),
    ];
    for (const sends of wrong) {
      script = async (frames, bulk) => {
        await sends(frames);
        await bulk.write(bytes.subarray(BULK_HEAD_BYTES));
        await readUntil(frames, FRAME.bye);
      };
      await assert.rejects(asks(new Kept()), { code: 'damaged' });
    }
  });

  it('a pack in the place of another one, sealed with the same state key, does not open', async () => {
    const state = newStateId(peerIdText(String(hostile.peerId)), randomBytes(32));
    const seal = (): Uint8Array => {
      const out = new Uint8Array(DIRECT_PACK_BYTES);
      const writer = new PackWriter(out, STATE_KEY, state, randomBytes);
      writer.add(frameBody(KIND.content, pack(5000)));
      return out.slice(0, writer.finish().sizeBytes);
    };
    const [announced, earlier] = [seal(), seal()];
    assert.equal(announced.length, earlier.length);
    for (const [sent, opens] of [
      [announced, true],
      [earlier, false],
    ] as const) {
      script = async (frames, bulk) => {
        await offer(frames, announced);
        await bulk.write(sent.subarray(BULK_HEAD_BYTES));
        await frames.send(FRAME.have);
        await readUntil(frames, FRAME.bye);
      };
      const kept = new Kept();
      kept.take = async (buffer, sizeBytes) => {
        kept.free.push(buffer);
        for (const frame of readPack(buffer.subarray(0, sizeBytes), STATE_KEY, state)) frame.plain();
      };
      if (opens) await asks(kept);
      else await assert.rejects(asks(kept), { code: 'damaged', message: /does not open/ });
    }
  });
});
