import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DOCTOR_ADDRESSES_MAX, DOCTOR_ANSWER_EVERY_MS, DOCTOR_ANSWERS_AT_ONCE } from '../../src/common/limits.ts';
import { Answerer } from '../../src/node/doctor/answer.ts';
import { networkProber, type Prober } from '../../src/node/doctor/probe.ts';
import { askHowSeen, serveDoctor } from '../../src/protocols/doctor/doctor.ts';
import { DoctorAnswer, DoctorRequest } from '../../src/protocols/doctor/messages.ts';
import { HeldTime } from '../discovery/support/fakes.ts';
import { connect, startNode } from '../protocols/support.ts';

const signal = new AbortController().signal;
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('messages of the doctor come back as they were', () => {
  const dial = fc.record({
    address: fc.string({ maxLength: 40 }),
    outcome: fc.string({ maxLength: 8 }),
    tookMs: fc.nat(),
  });
  const answer = fc.record({
    hears: fc.boolean(),
    dials: fc.array(dial, { maxLength: DOCTOR_ADDRESSES_MAX }),
    nowMs: fc.maxSafeNat(),
    fault: fc.constant(undefined),
  });
  fc.assert(
    fc.property(answer, (value) =>
      assert.deepEqual(plain(DoctorAnswer.decode(DoctorAnswer.encode(value))), plain(value)),
    ),
  );
  fc.assert(
    fc.property(fc.nat(), (version) =>
      assert.deepEqual(DoctorRequest.decode(DoctorRequest.encode({ version })), { version }),
    ),
  );
});

test('arbitrary bytes are a message within its limits, or damaged', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const codec of [DoctorAnswer, DoctorRequest]) {
        try {
          const read = codec.decode(bytes);
          if ('dials' in read) assert.ok(read.dials.length <= DOCTOR_ADDRESSES_MAX);
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
        }
      }
    }),
  );
  const many = DoctorAnswer.encode({
    dials: Array.from({ length: DOCTOR_ADDRESSES_MAX + 1 }, () => ({ address: '', outcome: '', tookMs: 1 })),
  });
  assert.throws(() => DoctorAnswer.decode(many), { code: 'damaged' });
});

function answererOf(time: HeldTime, probe: Prober, addresses = ['/ip4/10.0.0.2/tcp/1']): Answerer {
  return new Answerer({
    addressesOf: () => addresses.map((address) => ({ address, knownBy: ['record'] })),
    hears: () => true,
    probe,
    clock: time,
  });
}

test('only addresses that are known here of the asker are dialled, and not more than a few', async () => {
  const dialled: [string, string | undefined][] = [];
  const addresses = Array.from({ length: 40 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`);
  const time = new HeldTime();
  const answerer = answererOf(
    time,
    async (address, expected) => {
      dialled.push([address, expected]);
      return { outcome: 'timeout', tookMs: 5 };
    },
    addresses,
  );
  const { dials, hears, nowMs } = await answerer.onDoctor('ann');
  assert.deepEqual(
    dialled,
    addresses.slice(0, DOCTOR_ADDRESSES_MAX).map((address) => [address, 'ann']),
  );
  assert.equal(dials?.length, DOCTOR_ADDRESSES_MAX);
  assert.equal(hears, true);
  assert.equal(nowMs, time.now());
});

test('a member that asks too often is refused, and so are too many at once', async () => {
  const time = new HeldTime();
  const gate = Promise.withResolvers<void>();
  const answerer = answererOf(time, async () => {
    await gate.promise;
    return { outcome: 'timeout', tookMs: 5 };
  });
  const running = Array.from({ length: DOCTOR_ANSWERS_AT_ONCE }, (_, index) => answerer.onDoctor(`peer${index}`));
  await assert.rejects(answerer.onDoctor('peer0'), { code: 'refused', message: /a moment ago/ });
  await assert.rejects(answerer.onDoctor('late'), { code: 'refused', message: /others/ });
  gate.resolve();
  await Promise.all(running);
  await answerer.onDoctor('late');
  await assert.rejects(answerer.onDoctor('peer0'), { code: 'refused' });
  await time.pass(DOCTOR_ANSWER_EVERY_MS);
  await answerer.onDoctor('peer0');
});

test('asked over a connection, a member dials back and says what became of it', async () => {
  const [a, b] = [await startNode(), await startNode()];
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const deadPort = (closed.address() as { port: number }).port;
  await new Promise((resolve) => closed.close(resolve));
  const own = a.getMultiaddrs()[0]!.toString().split('/p2p/')[0]!;
  const theirs = b.getMultiaddrs()[0]!.toString().split('/p2p/')[0]!;
  const addresses = [own, `/ip4/127.0.0.1/tcp/${deadPort}`, theirs, '/unix/x'];
  await serveDoctor(b, answererOf(new HeldTime(), networkProber(b), addresses));
  const connection = await connect(a, b);
  const answer = await askHowSeen(connection, { version: 1 }, signal);
  assert.deepEqual(
    answer.dials.map(({ address, outcome }) => [address, outcome]),
    [
      [own, 'answers'],
      [addresses[1], 'refused'],
      [theirs, 'itself'],
      ['/unix/x', 'unreachable'],
    ],
  );
  await assert.rejects(askHowSeen(connection, { version: 1 }, signal), { code: 'refused' });
  assert.equal(b.getConnections(a.peerId).length, 1, 'what was opened to look is closed');
  await Promise.all([a.stop(), b.stop()]);
});

test('a probe tells who answers: the one looked for, another one, something else, or nobody', async () => {
  const [a, b] = [await startNode(), await startNode()];
  const mute = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-x\r\n'));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const probe = networkProber(a);
  const at = b.getMultiaddrs()[0]!.toString().split('/p2p/')[0]!;
  const id = b.peerId.toString();
  await a.dial(multiaddr(`${at}/p2p/${id}`));
  const found = await probe(at, id, signal);
  assert.equal(found.outcome, 'answers', 'also where a connection stands already');
  await found.connection!.close();
  assert.deepEqual(
    await Promise.all(
      [
        probe(at, a.peerId.toString(), signal),
        probe(`/ip4/127.0.0.1/tcp/${(mute.address() as { port: number }).port}`, id, signal),
      ].map(async (attempt) => (await attempt).outcome),
    ),
    ['other-identity', 'no-handshake'],
  );
  mute.close();
  await Promise.all([a.stop(), b.stop()]);
});
