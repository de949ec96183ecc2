import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerIdText } from '../../src/common/ids.ts';
import { Spreading } from '../../src/node/membership/spreading.ts';
import type { Ask } from '../../src/protocols/records/client.ts';
import { KIND, RecordsAnswer, type RecordsRequest } from '../../src/protocols/records/messages.ts';
import type { RecordStore } from '../../src/protocols/records/store.ts';

const peer = 'peer' as PeerIdText;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const print = new Uint8Array(16).fill(1);
const store: RecordStore = {
  summary: () => ({ count: 0, fingerprint: print }),
  entries: () => [],
  hasStart: () => false,
  envelopes: (starts) => ({ envelopes: starts.map((start) => Buffer.from(start)), served: starts.length }),
  insert: async () => ({ added: 0, stored: [], refused: [] }),
};

function answerOf(kind: number): RecordsAnswer {
  return RecordsAnswer.decode(RecordsAnswer.encode({ branches: [{ prefix: new Uint8Array(0), kind } as never] }));
}
const same = answerOf(KIND.same);

/** Whoever answers so has the same records. */
function answering(note: () => void): Ask {
  return async () => {
    note();
    return same;
  };
}

/** A clock that only tests move. */
class Scene {
  nowMs = 1_000_000;
  readonly silent: string[] = [];
  readonly refused: string[] = [];
  readonly spreading: Spreading;

  constructor(ask: (peer: PeerIdText) => Ask | undefined, peers: readonly PeerIdText[] = [peer]) {
    this.spreading = new Spreading({
      store,
      peers: () => peers,
      ask,
      clock: { now: () => this.nowMs, monotonicMs: () => this.nowMs },
      random: (count) => new Uint8Array(count),
      log: quiet,
      signal: new AbortController().signal,
      refused: (_, reason) => this.refused.push(reason),
      silent: (gone) => this.silent.push(gone),
    });
  }
}

test('a peer that was away is compared with when it is back', async () => {
  let connected = false;
  let asked = 0;
  const ask = answering(() => {
    asked += 1;
  });
  const { spreading } = new Scene(() => (connected ? ask : undefined));
  await spreading.with(peer);
  assert.equal(asked, 0);
  connected = true;
  await spreading.withAll();
  assert.equal(asked, 1);
});

test('what is asked for while a comparison runs makes one more, not one each', async () => {
  let asked = 0;
  const gate = Promise.withResolvers<void>();
  const { spreading } = new Scene(() => async () => {
    asked += 1;
    await gate.promise;
    return same;
  });
  const all = [spreading.with(peer), spreading.with(peer), spreading.with(peer)];
  gate.resolve();
  await Promise.all(all);
  assert.equal(asked, 2);
});

test('a comparison that fails ends nothing', async () => {
  let asked = 0;
  const { spreading } = new Scene(() => async () => {
    asked += 1;
    throw new Error('gone');
  });
  await spreading.with(peer);
  await spreading.with(peer);
  assert.equal(asked, 2);
});

test('news goes to everybody but the one who brought it', async () => {
  const told = Promise.withResolvers<void>();
  const got: [string, RecordsRequest['records']][] = [];
  const ask =
    (to: PeerIdText): Ask =>
    async (request) => {
      got.push([to, request.records ?? []]);
      if (got.length === 2) told.resolve();
      return same;
    };
  const { spreading } = new Scene(ask, ['a', 'b', 'c'] as PeerIdText[]);
  spreading.added(['one'], 'b');
  spreading.added(['two'], 'b');
  await told.promise;
  assert.deepEqual(got.map(([to]) => to).sort(), ['a', 'c']);
  for (const [, records] of got) assert.deepEqual(records.map(String), ['one', 'two']);
});

test('a peer that brings a record needs not be told of it', async () => {
  const told = Promise.withResolvers<void>();
  const got: string[] = [];
  const ask =
    (to: PeerIdText): Ask =>
    async () => {
      got.push(to);
      told.resolve();
      return same;
    };
  const { spreading } = new Scene(ask, ['a', 'b'] as PeerIdText[]);
  spreading.added(['one'], undefined);
  spreading.received('a', { added: 0, stored: ['one'], refused: [] });
  await told.promise;
  assert.deepEqual(got, ['b']);
});

test('a peer that brings what has no place is asked what it depends on, once in a while', async () => {
  let asked = 0;
  const ask = answering(() => {
    asked += 1;
  });
  const scene = new Scene(() => ask);
  const stuck = { added: 0, stored: [], refused: [{ index: 0, reason: 'no place', kind: 'later' as const }] };
  for (let i = 0; i < 100; i += 1) {
    scene.spreading.received(peer, stuck);
    await scene.spreading.with(peer);
    scene.nowMs += 10;
  }
  // Those that the test itself made, and one a second.
  assert.ok(asked <= 100 + 2, String(asked));
});

test('of what a peer brings only what nobody may take is told: what has no place yet, or was overtaken, is nobody’s fault', () => {
  const scene = new Scene(() => undefined);
  const refused = (['never', 'later', 'old'] as const).map((kind, index) => ({ index, reason: kind, kind }));
  scene.spreading.received(peer, { added: 0, stored: [], refused });
  assert.deepEqual(scene.refused, ['never']);
});

test('a peer that says nothing twice is taken for gone, and one that refuses is not', async () => {
  const silence = new Scene(() => async () => {
    throw new DOMException('timed out', 'TimeoutError');
  });
  await silence.spreading.with(peer);
  assert.deepEqual(silence.silent, []);
  await silence.spreading.with(peer);
  assert.deepEqual(silence.silent, [peer]);
  const refusal = new Scene(() => async () => {
    throw new Error('the stream was reset');
  });
  for (let i = 0; i < 5; i += 1) await refusal.spreading.with(peer);
  assert.deepEqual(refusal.silent, []);
});

test('peers are compared with once a minute, not each time the clock ticks', async () => {
  let asked = 0;
  const ask = answering(() => {
    asked += 1;
  });
  const scene = new Scene(() => ask);
  scene.spreading.tick();
  for (let i = 0; i < 300; i += 1) {
    scene.nowMs += 2_000;
    scene.spreading.tick();
    await new Promise(setImmediate);
  }
  assert.ok(asked >= 8 && asked <= 11, String(asked));
});
