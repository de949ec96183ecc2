import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DISCOVERED_INSTANCES_PER_PEER_MAX,
  DISCOVERED_PEERS_MAX,
  DISCOVERED_PEERS_PER_SOURCE_MAX,
} from '../../src/common/limits.ts';
import { PeerTable } from '../../src/node/discovery/peer-table.ts';
import { HeldTime } from './support/fakes.ts';
import { makePeerIds } from './support/peers.ts';

const peerIds = await makePeerIds(3);
const peerId = peerIds[0]!;

function setUp(): { time: HeldTime; table: PeerTable; hear: (change?: object) => string } {
  const time = new HeldTime();
  const table = new PeerTable(time, () => 0);
  const heard = { interfaceName: 'eth0', instance: 'i', peerId, addresses: ['x'], ttlSeconds: 120, source: '10.0.0.2' };
  return { time, table, hear: (change = {}) => table.hear({ ...heard, ...change }) };
}

test('an announcement heard again is no news, a changed one is', () => {
  const { hear, table } = setUp();
  assert.equal(hear(), 'news');
  assert.equal(hear(), 'same');
  assert.equal(hear({ addresses: ['y'] }), 'news');
  assert.equal(hear({ instance: 'j', addresses: ['y'] }), 'news');
  assert.equal(table.peers().length, 1);
  assert.equal(hear({ interfaceName: 'wlan0' }), 'news');
  assert.equal(table.peers().length, 2);
});

test('an entry is asked for again at 80, 85, 90 and 95 % of its time, then forgotten', async () => {
  const { time, hear, table } = setUp();
  hear();
  const startMs = time.monotonicMs();
  const asked: number[] = [];
  while (table.refreshAtMs('eth0') !== Number.POSITIVE_INFINITY) {
    await time.pass(table.refreshAtMs('eth0') - time.monotonicMs());
    asked.push(Math.round((time.monotonicMs() - startMs) / 1000));
    table.refreshed('eth0');
  }
  assert.deepEqual(asked, [96, 102, 108, 114]);
  assert.equal(table.expiresAtMs() - startMs, 120_000);
  assert.deepEqual(table.expire(), []);
  await time.pass(6000);
  assert.equal(table.expire()[0]?.peerId, peerId);
});

test('a time to live of days is believed for two minutes', async () => {
  const { time, hear, table } = setUp();
  hear({ ttlSeconds: 2 ** 31 });
  await time.pass(120_000);
  assert.equal(table.expire().length, 1);
});

test('a peer is gone only when its last instance is', () => {
  const { hear, table } = setUp();
  hear();
  hear({ instance: 'j' });
  assert.equal(table.leave('eth0', 'i'), undefined);
  assert.equal(table.leave('eth0', 'unknown'), undefined);
  assert.equal(table.leave('wlan0', 'j'), undefined);
  assert.equal(table.leave('eth0', 'j')?.peerId, peerId);
});

test('whatever is heard, the limits hold and nothing is left over when all has run out', async () => {
  const step = fc.record({
    interfaceName: fc.constantFrom('eth0', 'wlan0'),
    instance: fc.integer({ min: 0, max: 200 }).map(String),
    peerId: fc.constantFrom(...peerIds),
    addresses: fc.array(fc.string(), { maxLength: 20 }),
    ttlSeconds: fc.integer({ min: 0, max: 5000 }),
    source: fc.constantFrom('10.0.0.2', '10.0.0.3', '10.0.0.4'),
    leaves: fc.boolean(),
    passMs: fc.integer({ min: 0, max: 2000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 100 }), async (steps) => {
      const { time, table } = setUp();
      for (const { leaves, passMs, ...heard } of steps) {
        table.hear(heard);
        if (leaves) table.leave(heard.interfaceName, heard.instance);
        if (passMs > 1900) await time.pass(passMs);
        table.expire();
        for (const peer of table.peers()) assert.ok(peer.addresses.length <= 8);
        assert.ok(table.size <= 2 * peerIds.length * DISCOVERED_INSTANCES_PER_PEER_MAX);
        assert.ok(table.size <= Math.min(DISCOVERED_PEERS_MAX, 3 * DISCOVERED_PEERS_PER_SOURCE_MAX));
      }
      await time.pass(120_000);
      table.expire();
      assert.equal(table.size, 0);
      assert.equal(table.expiresAtMs(), Number.POSITIVE_INFINITY);
    }),
    { numRuns: 50 },
  );
});
