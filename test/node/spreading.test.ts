import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '@libp2p/interface';
import type { PeerIdText } from '../../src/common/ids.ts';
import { Spreading } from '../../src/node/membership/spreading.ts';

const peer = 'peer' as PeerIdText;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const store = { digest: () => [], missing: () => [], insert: async () => ({ added: 0, refused: [] }) };

function spreadingOver(connected: { now: boolean }, exchange: () => Promise<number>): Spreading {
  return new Spreading({
    store,
    peers: () => [peer],
    connectionTo: () => (connected.now ? ({} as Connection) : undefined),
    log: quiet,
    signal: new AbortController().signal,
    exchange,
  });
}

test('a peer that was away when records were to go to it gets them when it is back', async () => {
  const connected = { now: false };
  let exchanges = 0;
  const spreading = spreadingOver(connected, async () => ++exchanges);
  await spreading.with(peer);
  assert.equal(exchanges, 0);
  connected.now = true;
  await spreading.withAll();
  assert.equal(exchanges, 1);
});

test('what changes while an exchange runs makes one more, not one each', async () => {
  let exchanges = 0;
  const gate = Promise.withResolvers<void>();
  const spreading = spreadingOver({ now: true }, async () => {
    exchanges += 1;
    await gate.promise;
    return 0;
  });
  const all = [spreading.with(peer), spreading.with(peer), spreading.with(peer)];
  gate.resolve();
  await Promise.all(all);
  assert.equal(exchanges, 2);
});

test('an exchange that fails ends nothing', async () => {
  let exchanges = 0;
  const spreading = spreadingOver({ now: true }, async () => {
    exchanges += 1;
    throw new Error('gone');
  });
  await spreading.with(peer);
  await spreading.with(peer);
  assert.equal(exchanges, 2);
});
