import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { BULK_HANDSHAKES_MAX, BULK_SPARE_BYTES } from '../../src/common/limits.ts';
import { BulkChoice } from '../../src/protocols/direct/bulk/choice.ts';
import { isProof, NONCE_BYTES, PROOF_BYTES, proofOf } from '../../src/protocols/direct/bulk/handshake.ts';
import { BulkIncoming } from '../../src/protocols/direct/bulk/incoming.ts';
import { BulkOutgoing } from '../../src/protocols/direct/bulk/outgoing.ts';
import { ipAndPortOf, isSameIp } from '../../src/protocols/direct/bulk/place.ts';
import { never, pack, until, wait } from './support.ts';

const HERE = '127.0.0.1';
const KEY = pack(32);
/** The port after it is none, so that a free one is taken. */
const BESIDE = [`/ip4/${HERE}/tcp/65535`];

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listen(options: Partial<Parameters<typeof BulkOutgoing.listen>[0]> = {}): Promise<BulkOutgoing> {
  const bulk = await BulkOutgoing.listen({ beside: BESIDE, remoteIp: HERE, random: randomBytes, ...options });
  assert.ok(bulk);
  ends.push(() => bulk.end());
  return bulk;
}

async function come(port: number, key: Uint8Array, ip = HERE, connectMs = 1000): Promise<BulkIncoming | undefined> {
  const rest = { random: randomBytes, signal: never, onBytes: () => {}, connectMs };
  const bulk = await BulkIncoming.connect({ at: { ip, port }, key, ...rest });
  if (bulk) ends.push(() => bulk.end(new Error('the test is over')));
  return bulk;
}

/** A socket by hand, and everything that came over it. */
async function byHand(port: number, localAddress = HERE): Promise<{ socket: Socket; came(): Buffer; closed: boolean }> {
  const socket = connect({ port, host: HERE, localAddress });
  const chunks: Buffer[] = [];
  const stranger = { socket, came: () => Buffer.concat(chunks), closed: false };
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.on('close', () => {
    stranger.closed = true;
  });
  ends.push(() => socket.destroy());
  await once(socket, 'connect');
  return stranger;
}

function isRefused(port: number, ip = HERE): Promise<boolean> {
  const socket = connect(port, ip);
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(false));
    socket.on('error', () => resolve(true));
  }).then((refused) => {
    socket.destroy();
    return refused as boolean;
  });
}

describe('a bulk socket', () => {
  it('brings what was written, in order, to whoever knows the key', async () => {
    const sender = await listen();
    const receiver = await come(sender.port, sender.key);
    assert.ok(receiver && sender.isThere);
    const packs = [1, 5_000_000, BULK_SPARE_BYTES, 2].map(pack);
    const written = Promise.all(packs.map((bytes) => sender.write(bytes)));
    for (const bytes of packs) {
      const target = new Uint8Array(bytes.length);
      await receiver.fill(target);
      assert.ok(Buffer.from(target).equals(bytes));
    }
    assert.deepEqual(await written, [true, true, true, true]);
  });

  it('brings any sizes in any chunks, and writes nothing beside them', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(40), fc.integer({ min: 0, max: 3 * BULK_SPARE_BYTES })), { maxLength: 8 });
    const chunks = fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 200_000 })), {
      minLength: 1,
      maxLength: 20,
    });
    let serve: (socket: Socket) => Promise<void> = async () => {};
    const server = await handServer(async (socket) => serve(socket));
    const { port } = server.address() as { port: number };
    await fc.assert(
      fc.asyncProperty(sizes, chunks, fc.boolean(), async (list, lengths, yields) => {
        const bytes = pack(list.reduce((sum, size) => sum + size, 0));
        serve = async (socket) => {
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const length = lengths[turn % lengths.length]!;
            // Chunks of a few bytes are for the first ones, or it would take for ever.
            const next = turn < 50 ? at + length : bytes.length;
            socket.write(bytes.subarray(at, next));
            if (yields && turn < 50) await wait(0);
            at = next;
          }
        };
        const receiver = await come(port, KEY);
        assert.ok(receiver);
        let at = 0;
        for (const size of list) {
          const around = new Uint8Array(size + 20).fill(7);
          await receiver.fill(around.subarray(10, 10 + size));
          assert.ok(Buffer.from(around.subarray(10, 10 + size)).equals(bytes.subarray(at, at + size)));
          for (const guard of [around.subarray(0, 10), around.subarray(10 + size)]) {
            assert.ok(guard.every((byte) => byte === 7));
          }
          at += size;
        }
        receiver.end(new Error('done'));
      }),
      { numRuns: 40 },
    );
  });

  it('that ends in the middle rejects who waits, and what is written then', async () => {
    const sender = await listen();
    const receiver = await come(sender.port, sender.key);
    let lost = 0;
    sender.onLost = () => lost++;
    const target = new Uint8Array(100);
    const filling = receiver!.fill(target);
    await sender.write(pack(50));
    await until(() => target.subarray(0, 50).some((byte) => byte !== 0));
    receiver!.end(new Error('enough'));
    await assert.rejects(filling, /enough/);
    await assert.rejects(receiver!.fill(target), /enough/);
    await until(() => lost === 1);
    assert.equal(await sender.write(pack(1)), false);
    const [other, otherReceiver] = await pairUp();
    const waiting = otherReceiver.fill(target);
    other.onLost = () => assert.fail('it was ended here');
    other.end();
    await assert.rejects(waiting, /closed the second connection/);
  });

  it('writes into no memory once the one who waited was told', async () => {
    const [sender, receiver] = await pairUp();
    const target = new Uint8Array(4_000_000);
    const filling = receiver.fill(target);
    void sender.write(new Uint8Array(1_000_000).fill(1));
    await until(() => target[0] === 1);
    receiver.end(new Error('enough'));
    await assert.rejects(filling, /enough/);
    target.fill(0);
    void sender.write(new Uint8Array(1_000_000).fill(1));
    await wait(50);
    assert.ok(target.every((byte) => byte === 0));
  });

  async function pairUp(): Promise<[BulkOutgoing, BulkIncoming]> {
    const sender = await listen();
    const receiver = await come(sender.port, sender.key);
    assert.ok(receiver);
    return [sender, receiver];
  }
});

/** A sender by hand, which knows KEY, and what it does after the handshake. */
async function handServer(then: (socket: Socket) => Promise<void>, proofKey = KEY): Promise<Server> {
  const server = createServer((socket) => {
    const nonce = randomBytes(NONCE_BYTES);
    socket.on('error', () => {});
    socket.write(nonce);
    socket.once('data', (said) => {
      assert.ok(isProof(said.subarray(NONCE_BYTES), proofOf('receiver', KEY, nonce, said.subarray(0, NONCE_BYTES))));
      socket.write(proofOf('sender', proofKey, nonce, said.subarray(0, NONCE_BYTES)));
      void then(socket);
    });
  });
  server.listen(0, HERE);
  await once(server, 'listening');
  ends.push(() => server.close());
  return server;
}

describe('the listener of a bulk socket', () => {
  it('is at the port after the node’s, else at any, the same at all its addresses', async () => {
    const blocker = createServer((socket) => socket.resume()).listen(0, HERE);
    await once(blocker, 'listening');
    ends.push(() => blocker.close());
    const { port } = blocker.address() as { port: number };
    const beside = (last: number): string[] => [HERE, '127.0.0.2', '192.0.2.1'].map((ip) => `/ip4/${ip}/tcp/${last}`);
    const taken = await listen({ beside: beside(port - 1) });
    assert.notEqual(taken.port, port);
    assert.equal(await isRefused(taken.port, '127.0.0.2'), false);
    assert.ok(await come(taken.port, taken.key));
    blocker.close();
    await once(blocker, 'close');
    assert.equal((await listen({ beside: beside(port - 1) })).port, port);
  });

  it('is nowhere without an address of this machine, and at no wildcard', async () => {
    const none = [[], ['/ip4/0.0.0.0/tcp/65535', '/ip6/::/tcp/65535'], ['/ip4/192.0.2.1/tcp/1'], ['/dns4/here/tcp/1']];
    for (const beside of none) {
      assert.equal(await BulkOutgoing.listen({ beside, remoteIp: HERE, random: randomBytes }), undefined);
    }
  });

  it('is there until the receiver has come, or no one, or it ends', async () => {
    const come1 = await listen();
    assert.ok(await come(come1.port, come1.key));
    assert.ok(await isRefused(come1.port));
    const late = await listen({ listenMs: 30 });
    await until(() => !late.isThere);
    let refused = false;
    for (let tries = 0; tries < 200 && !refused; tries++) refused = await isRefused(late.port);
    assert.ok(refused);
    const ended = await listen();
    const stranger = await byHand(ended.port);
    ended.end();
    assert.ok(await isRefused(ended.port));
    await until(() => stranger.closed);
  });

  it('tells whoever does not know the key nothing but a nonce, and is there for the right one', async () => {
    const sender = await listen();
    const own = randomBytes(NONCE_BYTES);
    const said: ((nonce: Uint8Array) => Uint8Array)[] = [
      () => randomBytes(NONCE_BYTES + PROOF_BYTES),
      () => randomBytes(100_000),
      (nonce) => Buffer.concat([own, proofOf('receiver', KEY, nonce, own)]),
      // What the sender itself would prove, and its nonce said back.
      (nonce) => Buffer.concat([own, proofOf('sender', sender.key, nonce, own)]),
      (nonce) => Buffer.concat([nonce, proofOf('receiver', KEY, nonce, nonce)]),
      (nonce) => Buffer.concat([own, proofOf('receiver', sender.key, nonce, own), Buffer.of(0)]),
    ];
    for (const say of said) {
      const stranger = await byHand(sender.port);
      await until(() => stranger.came().length === NONCE_BYTES);
      stranger.socket.write(say(stranger.came()));
      await until(() => stranger.closed);
      assert.equal(stranger.came().length, NONCE_BYTES);
      assert.equal(sender.hasCome, false);
    }
    assert.ok(await come(sender.port, sender.key));
  });

  it('takes no handshake that was overheard, not at the same stream and not at another', async () => {
    const first = await listen();
    const own = randomBytes(NONCE_BYTES);
    const right = await byHand(first.port);
    await until(() => right.came().length === NONCE_BYTES);
    const overheard = Buffer.concat([own, proofOf('receiver', first.key, right.came(), own)]);
    const early = await byHand(first.port);
    await until(() => early.came().length === NONCE_BYTES);
    early.socket.write(overheard);
    await until(() => early.closed);
    right.socket.write(overheard);
    await until(() => right.came().length === NONCE_BYTES + PROOF_BYTES);
    assert.ok(first.isThere);
    const second = await listen();
    const again = await byHand(second.port);
    await until(() => again.came().length === NONCE_BYTES);
    again.socket.write(overheard);
    await until(() => again.closed);
    assert.equal(second.hasCome, false);
  });

  it('is held up by nobody who came before and says nothing, and cuts him off', async () => {
    const sender = await listen({ handshakeMs: 100 });
    const silent = await Promise.all([byHand(sender.port), byHand(sender.port)]);
    silent[1]!.socket.write(randomBytes(NONCE_BYTES));
    assert.ok(await come(sender.port, sender.key));
    await until(() => silent.every(({ closed }) => closed));
    const other = await listen({ handshakeMs: 30 });
    const late = await byHand(other.port);
    await until(() => late.closed);
    assert.ok(await come(other.port, other.key));
  });

  it('has no more strangers at once than its limit, and lets in the right one all the same', async () => {
    const sender = await listen();
    const strangers: Awaited<ReturnType<typeof byHand>>[] = [];
    for (let count = 0; count < 10 * BULK_HANDSHAKES_MAX; count++) strangers.push(await byHand(sender.port));
    const open = (): number => strangers.filter(({ closed }) => !closed).length;
    await until(() => open() === BULK_HANDSHAKES_MAX);
    assert.ok(strangers.slice(-BULK_HANDSHAKES_MAX).every(({ closed }) => !closed));
    assert.ok(await come(sender.port, sender.key));
    await until(() => open() === 0);
  });

  it('does not speak to whoever comes from another address than the receiver', async () => {
    const sender = await listen({ remoteIp: '127.0.0.3' });
    const stranger = await byHand(sender.port, '127.0.0.2');
    await until(() => stranger.closed);
    assert.equal(stranger.came().length, 0);
    assert.equal(await come(sender.port, sender.key), undefined);
  });

  it('ends with a receiver that says more', async () => {
    const sender = await listen();
    const own = randomBytes(NONCE_BYTES);
    const right = await byHand(sender.port);
    await until(() => right.came().length === NONCE_BYTES);
    right.socket.write(Buffer.concat([own, proofOf('receiver', sender.key, right.came(), own)]));
    await until(() => sender.isThere);
    right.socket.write('and more');
    await until(() => !sender.isThere);
    assert.ok(sender.hasCome);
  });
});

describe('a receiver that wants a bulk socket', () => {
  it('goes without one where nobody proves the key, in time', async () => {
    const sender = await listen();
    assert.equal(await come(sender.port, KEY), undefined);
    sender.end();
    assert.equal(await come(sender.port, sender.key), undefined);
    const liar = await handServer(async () => {}, pack(32)).then(portOf);
    assert.equal(await come(liar, KEY), undefined);
    const deaf = createServer((socket) => socket.resume()).listen(0, HERE);
    await once(deaf, 'listening');
    ends.push(() => deaf.close());
    assert.equal(await come(portOf(deaf), KEY, HERE, 50), undefined);
  });

  it('does not want one any more when it failed twice in a row, and says once that it is closed', () => {
    let told = 0;
    const choice = new BulkChoice(() => told++);
    choice.closed();
    choice.worked();
    choice.broke();
    assert.ok(choice.isWanted);
    choice.closed();
    assert.equal(choice.isWanted, false);
    assert.equal(told, 1);
  });

  it('finds it at the address of the connection', () => {
    assert.deepEqual(ipAndPortOf('/ip4/192.0.2.7/tcp/24717/p2p/x'), { ip: '192.0.2.7', port: 24717 });
    assert.deepEqual(ipAndPortOf('/ip6zone/eth0/ip6/fe80::1/tcp/1'), { ip: 'fe80::1%eth0', port: 1 });
    for (const none of ['/dns4/ann/tcp/1', '/ip4/192.0.2.7/udp/1/quic-v1', '/p2p/x']) {
      assert.equal(ipAndPortOf(none), undefined);
    }
    assert.ok(isSameIp('FE80::1%eth0', 'fe80::1') && isSameIp('::ffff:192.0.2.7', '192.0.2.7'));
    assert.ok(!isSameIp('192.0.2.7', '192.0.2.70'));
  });
});

const portOf = (server: Server): number => (server.address() as { port: number }).port;
