import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { hexOf } from '../../src/common/bytes.ts';
import { createLink } from '../../src/node/link/libp2p-node.ts';
import { BLOCKS_PROTOCOL } from '../../src/protocols/blocks/messages.ts';
import { DOCTOR_PROTOCOL } from '../../src/protocols/doctor/messages.ts';
import { sayHello } from '../../src/protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../src/protocols/hello/messages.ts';
import { POINT_PROTOCOL, PointAnswer, PointRequest } from '../../src/protocols/point/messages.ts';
import { RECORDS_PROTOCOL } from '../../src/protocols/records/messages.ts';
import { call } from '../../src/protocols/wire/control.ts';
import { Scene } from '../support/scene.ts';

const MEMBERS_ONLY = [
  '/resettle/id/1.0.0',
  '/resettle/id/push/1.0.0',
  '/resettle/ping/1.0.0',
  RECORDS_PROTOCOL,
  POINT_PROTOCOL,
  BLOCKS_PROTOCOL,
  DOCTOR_PROTOCOL,
];
const ANSWER_MAX_MS = 5_000;

const scene = new Scene();
let link: Libp2p;
let connection: Connection;
let fleet = '';

/** A libp2p node of nobody's fleet, with none of our handlers, that dials a member. */
before(async () => {
  const nas = await scene.point('nas', ['--verbose']);
  fleet = String((await scene.done('nas', ['fleet', 'init', '--name', 'office'])).fleet);
  link = await createLink({
    privateKey: await generateKeyPair('Ed25519'),
    listen: [],
    // It serves nothing itself, so that nothing but its own questions is seen.
    guard: (registrar) => new Proxy(registrar, { get: (target, key) => bound(target, key) }),
  });
  await link.start();
  connection = await link.dial(multiaddr(nas.addresses[0]!));
});
after(async () => {
  await link.stop();
  await scene.end();
});

function bound<T extends object>(target: T, key: string | symbol): unknown {
  if (key === 'handle') return async () => {};
  const value: unknown = Reflect.get(target, key);
  return typeof value === 'function' ? value.bind(target) : value;
}

test('a stranger learns version and fleet by hello, and nothing else', async () => {
  const answer = await sayHello(connection, { version: WIRE_VERSION });
  assert.equal(answer.version, WIRE_VERSION);
  assert.equal(hexOf(answer.fleet), fleet);
  assert.deepEqual(answer.credential, []);
  assert.equal(answer.fault, undefined);
  const knowing = await sayHello(connection, { version: WIRE_VERSION, fleet: answer.fleet });
  assert.deepEqual(knowing.credential, [], 'to know the fleet is not to be in it');
});

test('a stranger of another version is told so', async () => {
  const answer = await sayHello(connection, { version: WIRE_VERSION + 1 });
  assert.equal(answer.fault?.code, 'usage');
  assert.match(answer.fault?.message ?? '', /version/);
});

for (const protocol of MEMBERS_ONLY) {
  test(`a stranger’s stream of ${protocol} is aborted without an answer`, async () => {
    const signal = AbortSignal.timeout(ANSWER_MAX_MS);
    let answered = 0;
    await assert.rejects(async () => {
      const stream = await connection.newStream(protocol, { signal });
      const messages = lpStream(stream);
      await messages.write(PointRequest.encode({ capacity: true }), { signal });
      answered = (await messages.read({ signal })).byteLength;
    });
    assert.equal(answered, 0);
    assert.ok(!signal.aborted, 'it was told at once, not left waiting');
  });
}

test('a stranger who said hello is a stranger still', async () => {
  await assert.rejects(
    call(connection, POINT_PROTOCOL, { codec: PointRequest, value: { capacity: true } }, PointAnswer, {
      timeoutMs: ANSWER_MAX_MS,
    }),
  );
  const { peers } = await scene.done('nas', ['peers']);
  assert.ok((peers as { member: boolean }[]).every(({ member }) => !member));
});

test('the member writes down who was refused, and goes on', async () => {
  assert.match(scene.running('nas').command.stderr, /refused a stranger/);
  assert.equal((await scene.done('nas', ['status'])).standing, 'active');
});
