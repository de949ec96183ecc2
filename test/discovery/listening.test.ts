import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { DIAL_TIMEOUT_MS } from '../../src/common/limits.ts';
import { AddressWatch } from '../../src/node/link/address-watch.ts';
import type { LocalLink } from '../../src/node/link/interfaces.ts';
import { followInterfaces } from '../../src/node/link/listening.ts';
import { answers, StaleConnections } from '../../src/node/link/stale-connections.ts';
import { connect, startNode } from '../protocols/support.ts';
import { HeldTime } from './support/fakes.ts';
import { link } from './support/links.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

test('a node listens at the address that its interface has now, on the same port, and no more at the old one', async () => {
  const node = await startNode();
  const at = () => node.getMultiaddrs().map((address) => address.toString().split('/p2p/')[0]);
  const port = Number(/tcp\/(\d+)/.exec(at()[0]!)![1]);
  const follow = (ip: string[]) =>
    followInterfaces(node.services.transports, [link('lo', ip), link('eth0', ['192.0.2.7/24'])], ['lo'], port, quiet);
  assert.equal(await follow(['127.0.0.1/8']), false);
  assert.equal(await follow(['127.0.0.9/8', '::1/128']), true);
  assert.deepEqual(at(), [`/ip4/127.0.0.9/tcp/${port}`]);
  assert.equal(await follow([]), true);
  assert.deepEqual(at(), []);
  assert.equal(await follow(['127.0.0.7/8']), true);
  assert.deepEqual(at(), [`/ip4/127.0.0.7/tcp/${port}`], 'the port is kept while no address is there');
  await node.stop();
});

test('where the port is taken at the new address another one is used', async () => {
  const node = await startNode();
  const port = Number(/tcp\/(\d+)/.exec(node.getMultiaddrs()[0]!.toString())![1]);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.9', resolve));
  assert.equal(
    await followInterfaces(node.services.transports, [link('lo', ['127.0.0.9/8'])], ['lo'], port, quiet),
    true,
  );
  const listening = node.getMultiaddrs().map((address) => address.toString());
  assert.equal(listening.length, 1);
  assert.match(listening[0]!, /^\/ip4\/127\.0\.0\.9\/tcp\//);
  assert.ok(!listening[0]!.includes(`/tcp/${port}/`));
  taken.close();
  await node.stop();
});

test('an address that cannot be listened at changes nothing', async () => {
  const node = await startNode();
  const links = [link('lo', ['127.0.0.1/8', '192.0.2.77/24'])];
  assert.equal(await followInterfaces(node.services.transports, links, ['lo'], 1, quiet), false);
  assert.equal(node.getMultiaddrs().length, 1);
  await node.stop();
});

test('the watch tells what was gained and lost, at every look, and survives what throws', async () => {
  const looks: [string[], string[]][] = [];
  let links: LocalLink[] = [link('eth0', ['10.0.0.2/24'])];
  let isBroken = false;
  const watch = new AddressWatch({
    log: quiet,
    links: () => links,
    onLook: async ({ gained, lost }) => {
      looks.push([[...gained], [...lost]]);
      if (isBroken) throw new Error('broken');
    },
  });
  await watch.look();
  links = [link('eth0', ['10.0.0.3/24'])];
  isBroken = true;
  await watch.look();
  isBroken = false;
  await watch.look();
  assert.deepEqual(looks, [
    [[], []],
    [['10.0.0.3'], ['10.0.0.2']],
    [[], []],
  ]);
});

test('addresses that swallow what comes leave time for the one that works', async () => {
  const [a, b] = [await startNode(), await startNode()];
  const swallow = createServer((socket) => socket.on('error', () => {}));
  const others = createServer((socket) => socket.on('error', () => {}));
  for (const server of [swallow, others]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mute = [swallow, others].map((server) => `/ip4/127.0.0.1/tcp/${(server.address() as { port: number }).port}`);
  const peer = `/p2p/${b.peerId}`;
  const addresses = [...mute.map((address) => `${address}${peer}`), b.getMultiaddrs()[0]!.toString()];
  const connection = await a.dial(
    addresses.map((address) => multiaddr(address)),
    { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) },
  );
  assert.equal(connection.remotePeer.toString(), b.peerId.toString());
  swallow.close();
  others.close();
  await Promise.all([a.stop(), b.stop()]);
});

test('a living connection answers, also when the other side refuses, and a dead one does not', async () => {
  const [a, b] = [await startNode(), await startNode()];
  const connection = await connect(a, b);
  assert.equal(await answers(connection, 10_000), true);
  await b.unhandle('/resettle/ping/1.0.0');
  assert.equal(await answers(connection, 10_000), true);
  const silent = {
    newStream: (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };
  assert.equal(await answers(silent as unknown as Connection, 10), false);
  await Promise.all([a.stop(), b.stop()]);
});

/** A connection that is not there. */
function fakeConnection(peer: string, ip: string) {
  const fake = {
    status: 'open',
    streams: [],
    remotePeer: { toString: () => peer },
    remoteAddr: { toString: () => `/ip4/${ip}/tcp/1/p2p/${peer}` },
    abort: () => {
      fake.status = 'aborted';
    },
  };
  return fake;
}

test('only connections that an address change points at are asked, and only dead ones are closed', async () => {
  const all = [fakeConnection('ann', '10.0.0.2'), fakeConnection('ann', '10.0.0.3'), fakeConnection('bob', '10.0.0.4')];
  const asked: string[] = [];
  const dead = new Set(['10.0.0.2']);
  const time = new HeldTime();
  const stale = new StaleConnections({
    clock: time,
    connections: () => all as unknown as Connection[],
    log: quiet,
    ping: async ({ remoteAddr }) => {
      const ip = remoteAddr.toString().split('/')[2]!;
      asked.push(ip);
      return !dead.has(ip);
    },
  });
  await stale.heardAt('ann', ['/ip4/10.0.0.3/tcp/1', '/ip4/10.0.0.2/tcp/1']);
  assert.deepEqual(asked, []);
  await stale.heardAt('ann', ['/ip4/10.0.0.3/tcp/1']);
  assert.deepEqual(asked, ['10.0.0.2']);
  for (let count = 0; count < 10; count += 1) await stale.heardAt('bob', [`/ip4/10.0.1.${count}/tcp/1`]);
  assert.deepEqual(asked, ['10.0.0.2', '10.0.0.4'], 'a flood of hints is one');
  await time.pass(5000);
  await stale.heardAt('bob', ['/ip4/10.0.2.1/tcp/1']);
  assert.equal(asked.length, 3);
  assert.deepEqual(
    all.map(({ status }) => status),
    ['aborted', 'open', 'open'],
  );
  all.push(fakeConnection('ann', '10.0.0.5'));
  asked.length = 0;
  await stale.opened(all[3] as unknown as Connection);
  assert.deepEqual(asked, ['10.0.0.3']);
  asked.length = 0;
  await stale.addressLost();
  assert.deepEqual(asked, ['10.0.0.3', '10.0.0.4', '10.0.0.5']);
  assert.equal(all[2]!.status, 'open');
});
