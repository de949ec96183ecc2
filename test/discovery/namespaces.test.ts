import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVICE_TAG } from '../../src/node/discovery/index.ts';
import { Namespace, namespacesMissing } from './support/namespace.ts';
import { makePeerIds } from './support/peers.ts';
import { ScriptProcess } from './support/process.ts';

const skip = namespacesMissing();

test('a stock @libp2p/mdns node finds us and is found by us', { skip }, async (t) => {
  using namespace = new Namespace();
  await namespace.addLoose('lan0', '10.77.0.2/24');
  namespace.ip('route', 'add', 'default', 'via', '10.77.0.1', 'dev', 'lan0');
  const [peerId] = await makePeerIds(1);
  const stock = new ScriptProcess(
    'stock.ts',
    { listen: '/ip4/10.77.0.2/tcp/0', serviceTag: SERVICE_TAG },
    namespace.name,
  );
  const addresses = ['/ip4/10.77.0.2/tcp/4001', '/ip4/127.0.0.1/tcp/4001'];
  const ours = new ScriptProcess('agent.ts', { peerId, addresses, interfaces: ['lan0'] }, namespace.name);
  t.after(() => [stock, ours].forEach((script) => void script.kill()));

  const stockReady = await stock.waitFor('ready');
  const oursReady = await ours.waitFor('ready');
  const bothReadyAtMs = Math.max(stockReady.atMs, oursReady.atMs);
  const found = await ours.waitFor('peer', (event) => event.peerId === stockReady.peerId);
  assert.deepEqual(
    found.addresses,
    stockReady.addresses?.map((address) => address.replace(/\/p2p\/.*$/, '')),
  );
  t.diagnostic(`we found the stock node ${found.atMs - bothReadyAtMs} ms after both were ready`);
  const foundUs = await stock.waitFor('peer', (event) => event.peerId === peerId);
  assert.deepEqual(foundUs.addresses, ['/ip4/10.77.0.2/tcp/4001']);
  t.diagnostic(`the stock node found us ${foundUs.atMs - bothReadyAtMs} ms after both were ready`);
  await Promise.all([stock.stop(), ours.stop()]);
});

test('two machines joined by a cable without a default route find each other', { skip }, async (t) => {
  using left = new Namespace();
  using right = new Namespace();
  await left.joinTo(right, 'cable0', '10.78.0.1/24', '10.78.0.2/24');
  const [leftId, rightId] = await makePeerIds(2);
  const start = (namespace: Namespace, peerId: string | undefined, ip: string) =>
    new ScriptProcess(
      'agent.ts',
      { peerId, addresses: [`/ip4/${ip}/tcp/4001`], interfaces: ['cable0'] },
      namespace.name,
    );
  const a = start(left, leftId, '10.78.0.1');
  const b = start(right, rightId, '10.78.0.2');
  t.after(() => [a, b].forEach((script) => void script.kill()));

  const readyAtMs = Math.max((await a.waitFor('ready')).atMs, (await b.waitFor('ready')).atMs);
  const foundB = await a.waitFor('peer', (event) => event.peerId === rightId);
  const foundA = await b.waitFor('peer', (event) => event.peerId === leftId);
  assert.deepEqual(foundB.addresses, ['/ip4/10.78.0.2/tcp/4001']);
  assert.deepEqual(foundA.addresses, ['/ip4/10.78.0.1/tcp/4001']);
  t.diagnostic(`found ${foundB.atMs - readyAtMs} ms and ${foundA.atMs - readyAtMs} ms after both were ready`);

  await b.stop();
  await a.waitFor('gone', (event) => event.peerId === rightId);
  await a.stop();
});

test('a cable that is pulled loses its peers, and plugged in again finds them', { skip }, async (t) => {
  using left = new Namespace();
  using right = new Namespace();
  await left.joinTo(right, 'cable0', '10.79.0.1/24', '10.79.0.2/24');
  const [leftId, rightId] = await makePeerIds(2);
  const settings = (peerId: string | undefined, ip: string) => ({
    peerId,
    addresses: [`/ip4/${ip}/tcp/4001`],
    interfaces: ['cable0'],
  });
  const a = new ScriptProcess('agent.ts', settings(leftId, '10.79.0.1'), left.name);
  const b = new ScriptProcess('agent.ts', settings(rightId, '10.79.0.2'), right.name);
  t.after(() => [a, b].forEach((script) => void script.kill()));

  await a.waitFor('peer', (event) => event.peerId === rightId);
  right.ip('link', 'set', 'cable0', 'down');
  const gone = await a.waitFor('gone', (event) => event.peerId === rightId);
  right.ip('link', 'set', 'cable0', 'up');
  const again = await a.waitFor('peer', (event) => event.peerId === rightId && event.atMs > gone.atMs);
  assert.deepEqual(again.addresses, ['/ip4/10.79.0.2/tcp/4001']);
  await Promise.all([a.stop(), b.stop()]);
});

test('interfaces are left alone unless they are physical or named', { skip }, async (t) => {
  using namespace = new Namespace();
  await namespace.addLoose('docker7', '10.80.0.1/24');
  await namespace.addLoose('lan0', '10.80.1.1/24');
  const [peerId] = await makePeerIds(1);
  const agent = new ScriptProcess('agent.ts', { peerId, addresses: [], interfaces: [] }, namespace.name);
  t.after(() => agent.kill());
  assert.deepEqual((await agent.waitFor('ready')).interfaces, [{ name: 'lan0', address: '10.80.1.1' }]);
  await agent.stop();
});

test('over two cables a peer is found on each with the address of that cable only', { skip }, async (t) => {
  using left = new Namespace();
  using right = new Namespace();
  await left.joinTo(right, 'cable0', '10.81.0.1/24', '10.81.0.2/24');
  await left.joinTo(right, 'cable1', '10.82.0.1/24', '10.82.0.2/24');
  const [leftId, rightId] = await makePeerIds(2);
  const settings = (peerId: string | undefined, end: number) => ({
    peerId,
    addresses: [`/ip4/10.81.0.${end}/tcp/4001`, `/ip4/10.82.0.${end}/tcp/4001`],
    interfaces: ['cable0', 'cable1'],
  });
  const a = new ScriptProcess('agent.ts', settings(leftId, 1), left.name);
  const b = new ScriptProcess('agent.ts', settings(rightId, 2), right.name);
  t.after(() => [a, b].forEach((script) => void script.kill()));
  for (const [cable, address] of [
    ['cable0', '/ip4/10.81.0.2/tcp/4001'],
    ['cable1', '/ip4/10.82.0.2/tcp/4001'],
  ]) {
    const found = await a.waitFor('peer', (event) => event.interfaceName === cable);
    assert.deepEqual(found.addresses, [address]);
  }
  await Promise.all([a.stop(), b.stop()]);
  assert.equal(a.events.filter((event) => event.event === 'peer').length, 2);
  assert.ok(!a.events.some((event) => event.event === 'warn'));
});

test('damaged packets on the wire end nothing and bring no far address in', { skip }, async (t) => {
  using left = new Namespace();
  using right = new Namespace();
  await left.joinTo(right, 'cable0', '10.83.0.1/24', '10.83.0.2/24');
  const [leftId, rightId, liarId] = await makePeerIds(3);
  const settings = (peerId: string | undefined, ip: string) => ({
    peerId,
    addresses: [`/ip4/${ip}/tcp/4001`],
    interfaces: ['cable0'],
  });
  const a = new ScriptProcess('agent.ts', settings(leftId, '10.83.0.1'), left.name);
  t.after(() => a.kill());
  await a.waitFor('ready');
  const noise = { from: '10.83.0.2', serviceTag: SERVICE_TAG, peerId: liarId };
  const liar = new ScriptProcess('noise.ts', noise, right.name);
  t.after(() => liar.kill());
  await liar.waitFor('ready');
  const b = new ScriptProcess('agent.ts', settings(rightId, '10.83.0.2'), right.name);
  t.after(() => b.kill());
  await a.waitFor('peer', (event) => event.peerId === rightId);
  assert.ok(!a.events.some((event) => event.addresses?.some((address) => address.includes('/1.1.1.1/'))));
  await Promise.all([a.stop(), b.stop(), liar.stop()]);
});
