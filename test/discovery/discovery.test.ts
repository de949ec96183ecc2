import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DISCOVERED_PEERS_MAX, DISCOVERED_PEERS_PER_SOURCE_MAX } from '../../src/common/limits.ts';
import { announcement, goodbye, SERVICE_TAG } from '../../src/node/discovery/packets.ts';
import { FakeAgent, FakeNetwork, HeldTime, settle } from './support/fakes.ts';
import { makePeerIds } from './support/peers.ts';

const [idA, idB, idC] = (await makePeerIds(3)) as [
  Awaited<ReturnType<typeof makePeerIds>>[number],
  Awaited<ReturnType<typeof makePeerIds>>[number],
  Awaited<ReturnType<typeof makePeerIds>>[number],
];
const IP_A = '10.0.0.1';
const IP_B = '10.0.0.2';

function setUp(): { time: HeldTime; network: FakeNetwork; a: FakeAgent; b: FakeAgent } {
  const time = new HeldTime();
  const network = new FakeNetwork(time);
  return { time, network, a: new FakeAgent(network, idA, IP_A), b: new FakeAgent(network, idB, IP_B) };
}

const isAnswer = ({ packet }: FakeNetwork['sent'][number]) => packet.type === 'response';

test('peers that stay are kept for hours with few packets, and expire when they fall silent', async () => {
  const { time, network, a, b } = setUp();
  await Promise.all([a.discovery.start(), b.discovery.start()]);
  await time.pass(10_000);
  const found = a.discovery.peers();
  assert.equal(found.length, 1);
  assert.equal(found[0]!.peerId, idB);
  assert.ok(found[0]!.firstSeenMs <= time.now() && found[0]!.expiresAtMs > time.now());

  network.sent.length = 0;
  await time.pass(3_600_000);
  assert.deepEqual(a.told, [`peer ${idB} /ip4/${IP_B}/tcp/4001`]);
  const perMinute = network.sent.length / 60;
  assert.ok(perMinute < 4, `${perMinute} packets a minute`);

  // B falls silent without a goodbye.
  for (const socket of network.sockets) if (socket.address === IP_B) network.sockets.delete(socket);
  b.interfaces = {};
  await time.pass(130_000);
  assert.deepEqual(a.told.slice(1), [`gone ${idB}`]);
  assert.deepEqual(a.discovery.peers(), []);
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
  assert.equal(network.sockets.size, 0);
});

test('our own question gets no answer of ours, and a known answer is not repeated', async () => {
  const { time, network, a } = setUp();
  await a.discovery.start();
  await time.pass(60_000);
  const answers = network.sent.filter(isAnswer);
  assert.equal(answers.length, 2, 'only the two announcements');
  const instance = String(answers[0]!.packet.answers[0]!.data);
  const asking = (ttl: number) => ({
    type: 'query',
    questions: [{ name: SERVICE_TAG, type: 'PTR' }],
    answers: [{ type: 'PTR', name: SERVICE_TAG, ttl, data: instance }],
  });
  network.deliver(asking(60), IP_B);
  await time.pass(5000);
  assert.equal(network.sent.filter(isAnswer).length, 2);
  network.deliver(asking(59), IP_B);
  await time.pass(5000);
  assert.equal(network.sent.filter(isAnswer).length, 3);
  await a.discovery.stop();
});

test('questions from another port or another network get no answer', async () => {
  const { time, network, a } = setUp();
  await a.discovery.start();
  await time.pass(60_000);
  const query = { type: 'query', questions: [{ name: SERVICE_TAG, type: 'PTR' }] };
  network.deliver(query, IP_B, 40_000);
  network.deliver(query, '10.9.9.9');
  await time.pass(5000);
  assert.equal(network.sent.filter(isAnswer).length, 2);
  await a.discovery.stop();
});

test('a changed address is told unasked; without any address we say goodbye', async () => {
  const { time, network, a, b } = setUp();
  await Promise.all([a.discovery.start(), b.discovery.start()]);
  await time.pass(60_000);
  b.addresses = [`/ip4/${IP_B}/tcp/5005`];
  await time.pass(2200);
  assert.deepEqual(a.told.at(-1), `peer ${idB} /ip4/${IP_B}/tcp/5005`);
  b.addresses = [];
  await time.pass(2200);
  assert.deepEqual(a.told.at(-1), `gone ${idB}`);
  network.sent.length = 0;
  a.discovery.hurry(3000);
  await time.pass(5000);
  assert.ok(!network.sent.some((sent) => isAnswer(sent) && sent.address === IP_B));
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
});

test('stopping says goodbye, and somebody started again is told of anew', async () => {
  const { time, a, b } = setUp();
  await Promise.all([a.discovery.start(), b.discovery.start()]);
  await time.pass(5000);
  await b.discovery.stop();
  assert.deepEqual(a.told.at(-1), `gone ${idB}`);
  await b.discovery.start();
  await time.pass(200);
  assert.deepEqual(a.told.at(-1), `peer ${idB} /ip4/${IP_B}/tcp/4001`);
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
});

test('an interface with an error is tried again until it works, and the error is told', async () => {
  const { time, network, a, b } = setUp();
  network.openError = new Error('EADDRINUSE');
  await a.discovery.start();
  assert.deepEqual(a.discovery.interfacesInUse(), [{ name: 'eth0', address: IP_A, error: 'EADDRINUSE' }]);
  await time.pass(20_000);
  network.openError = undefined;
  await b.discovery.start();
  await time.pass(70_000);
  assert.deepEqual(a.discovery.interfacesInUse(), [{ name: 'eth0', address: IP_A }]);
  assert.equal(a.discovery.peers().length, 1);

  network.sendError = new Error('ENETUNREACH');
  a.discovery.hurry(1000);
  await time.pass(1500);
  assert.equal(a.discovery.interfacesInUse()[0]!.error, 'ENETUNREACH');
  network.sendError = undefined;
  network.breakAll('ENODEV');
  await time.pass(70_000);
  assert.deepEqual(a.discovery.interfacesInUse(), [{ name: 'eth0', address: IP_A }]);
  assert.equal(a.told.filter((line) => line.startsWith('warn')).length <= 4, true);
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
  assert.equal(network.sockets.size, 0);
});

test('interfaces that come, go or get another address are followed', async () => {
  const { time, network, a, b } = setUp();
  a.interfaces = {};
  await Promise.all([a.discovery.start(), b.discovery.start()]);
  await time.pass(20_000);
  assert.deepEqual(a.discovery.interfacesInUse(), []);
  a.interfaces = { eth0: `${IP_A}/24` };
  await time.pass(4000);
  assert.equal(a.discovery.peers().length, 1);
  a.interfaces = { eth0: '10.0.0.77/24' };
  a.addresses = ['/ip4/10.0.0.77/tcp/4001'];
  await time.pass(4000);
  assert.deepEqual(a.discovery.interfacesInUse(), [{ name: 'eth0', address: '10.0.0.77' }]);
  assert.deepEqual(b.discovery.peers()[0]!.addresses[0], '/ip4/10.0.0.77/tcp/4001');
  a.interfaces = {};
  await time.pass(4000);
  assert.equal(a.told.at(-1), `gone ${idB}`);
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
  assert.equal(network.sockets.size, 0);
});

test('a clone with our key elsewhere is told of once, an echo of ourselves never', async () => {
  const { time, network, a } = setUp();
  await a.discovery.start();
  await time.pass(5000);
  const echo = network.sent.find(isAnswer)!.packet;
  network.deliver(echo, IP_B);
  network.deliver(announcement(SERVICE_TAG, `old.${SERVICE_TAG}`, idA, a.addresses), IP_A);
  assert.deepEqual(a.told, []);
  const clone = announcement(SERVICE_TAG, `clone.${SERVICE_TAG}`, idA, [`/ip4/${IP_B}/tcp/4001`]);
  for (let turn = 0; turn < 10; turn += 1) network.deliver(clone, IP_B);
  assert.deepEqual(a.told, ['warn another machine announces our own peer id', `duplicate /ip4/${IP_B}/tcp/4001`]);
  assert.deepEqual(a.discovery.peers(), []);
  await a.discovery.stop();
});

test('a liar adds an address to a peer but takes none away, and cannot say goodbye with another name', async () => {
  const { time, network, a, b } = setUp();
  await Promise.all([a.discovery.start(), b.discovery.start()]);
  await time.pass(5000);
  for (let turn = 0; turn < 20; turn += 1) {
    network.deliver(
      announcement(SERVICE_TAG, `l${turn}.${SERVICE_TAG}`, idB, [`/ip4/10.0.0.66/tcp/${turn + 1}`]),
      '10.0.0.66',
    );
  }
  network.deliver(goodbye(SERVICE_TAG, `l19.${SERVICE_TAG}`), '10.0.0.66');
  const [peer, ...others] = a.discovery.peers();
  assert.equal(others.length, 0);
  assert.ok(peer!.addresses.includes(`/ip4/${IP_B}/tcp/4001`));
  assert.ok(peer!.addresses.length <= 4);
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
});

test('a flood of announcements stays within the limits and the rest goes on', async () => {
  const { time, network, a } = setUp();
  await a.discovery.start();
  const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
  const madeUp = (index: number) =>
    (idC.slice(0, 48) +
      [0, 1, 2, 3].map((place) => alphabet[Math.floor(index / 24 ** place) % 24]).join('')) as typeof idC;
  const flood = (index: number, source: string) =>
    network.deliver(
      announcement(SERVICE_TAG, `f${index}.${SERVICE_TAG}`, madeUp(index), ['/ip4/10.0.0.66/tcp/1']),
      source,
    );
  for (let index = 0; index < 1000; index += 1) flood(index, '10.0.0.66');
  assert.equal(a.discovery.peers().length, DISCOVERED_PEERS_PER_SOURCE_MAX);
  for (let index = 1000; index < 5000; index += 1) flood(index, `10.0.0.${index % 250}`);
  assert.equal(a.discovery.peers().length, DISCOVERED_PEERS_MAX);
  await time.pass(130_000);
  assert.equal(a.discovery.peers().length, 0);
  assert.ok(network.sent.length < 100, `${network.sent.length} packets`);
  await a.discovery.stop();
});

test('hostile packets, listeners that throw, and an address list that throws end nothing', async () => {
  const { time, network, a, b } = setUp();
  a.discovery.onPeer(() => {
    throw new Error('a listener fails');
  });
  await Promise.all([a.discovery.start(), b.discovery.start()]);
  const record = fc.record({
    type: fc.constantFrom('PTR', 'TXT'),
    name: fc.constantFrom(SERVICE_TAG, `x.${SERVICE_TAG}`),
    ttl: fc.anything(),
    data: fc.oneof(fc.anything(), fc.constantFrom(`x.${SERVICE_TAG}`, `dnsaddr=/ip4/10.0.0.9/tcp/1/p2p/${idC}`)),
  });
  const packet = fc.record({
    type: fc.constantFrom('query', 'response'),
    questions: fc.array(fc.oneof(fc.anything(), record)),
    answers: fc.array(fc.oneof(fc.anything(), record)),
    additionals: fc.anything(),
  });
  fc.assert(
    fc.property(packet, (hostile) => network.deliver(hostile, '10.0.0.66')),
    { numRuns: 1000 },
  );
  await time.pass(5000);
  assert.ok(a.discovery.peers().some((peer) => peer.peerId === idB));
  b.discovery.hurry(1000);
  Object.defineProperty(a, 'addresses', {
    get: () => {
      throw new Error('no addresses');
    },
  });
  await time.pass(5000);
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
});

test('a hundred agents find one another and then are quiet', async () => {
  const time = new HeldTime();
  const network = new FakeNetwork(time);
  const ids = await makePeerIds(100);
  const agents = ids.map((id, index) => new FakeAgent(network, id, `10.0.0.${index + 1}`));
  await Promise.all(agents.map((agent) => agent.discovery.start()));
  await time.pass(15_000);
  for (const agent of agents) assert.equal(agent.discovery.peers().length, 99);
  network.sent.length = 0;
  await time.pass(300_000);
  for (const agent of agents) assert.equal(agent.discovery.peers().length, 99);
  const perSecond = network.sent.length / 300;
  assert.ok(perSecond < 4, `${perSecond} packets a second`);
  await Promise.all(agents.map((agent) => agent.discovery.stop()));
  await settle();
});
