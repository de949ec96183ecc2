import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { RECORDS_DIFFERING_MAX, RECORDS_PER_BRANCH_MAX, RECORDS_PER_MESSAGE_MAX } from '../../src/common/limits.ts';
import { type Ask, haveSame, pushRecords, reconcile } from '../../src/protocols/records/client.ts';
import { HASH_START_BYTES, KIND, RecordsAnswer, RecordsRequest } from '../../src/protocols/records/messages.ts';
import { answerRecords, type RecordsListener } from '../../src/protocols/records/server.ts';
import type { Inserted, RecordStore } from '../../src/protocols/records/store.ts';
import { runs } from '../support/long.ts';
import { PlainStore } from './plain-store.ts';

const NOBODY = { agreed() {}, received() {} };

interface Counted {
  readonly ask: Ask;
  requests: number;
  bytes: number;
}

/** Asks a store as over the wire, and counts. */
function asking(store: RecordStore, host: RecordsListener = NOBODY): Counted {
  const counted: Counted = {
    requests: 0,
    bytes: 0,
    ask: async (request) => {
      const sent = RecordsRequest.encode(request);
      const answer = RecordsAnswer.encode(await answerRecords(store, RecordsRequest.decode(sent), 'asker', host));
      counted.requests += 1;
      counted.bytes += sent.length + answer.length;
      return RecordsAnswer.decode(answer);
    },
  };
  return counted;
}

const hashes = (count: number): string[] => Array.from({ length: count }, () => randomBytes(32).toString('hex'));
const sets = () => fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 60 });
const texts = (list: readonly Uint8Array[]): string[] => list.map((bytes) => Buffer.from(bytes).toString('hex'));

describe('a reconciliation', () => {
  it('gives both sides what either has, whatever they have', async () => {
    await fc.assert(
      fc.asyncProperty(sets(), sets(), sets(), async (both, a, b) => {
        const [left, right] = [new PlainStore(texts([...both, ...a])), new PlainStore(texts([...both, ...b]))];
        const { ask } = asking(right);
        const { added, complete, refused } = await reconcile(ask, left, 'right');
        assert.deepEqual(left.sorted(), right.sorted());
        assert.deepEqual(left.sorted(), [...new Set(texts([...both, ...a, ...b]))].sort());
        assert.ok(complete && refused.length === 0 && added <= b.length);
        assert.equal(await haveSame(ask, left), true);
      }),
      { numRuns: 200 },
    );
  });

  it('of equal logs is one question of a few bytes, however large they are', async () => {
    const all = hashes(20_000);
    const [left, right] = [new PlainStore(all), new PlainStore([...all].reverse())];
    const counted = asking(right);
    assert.equal(await haveSame(counted.ask, left), true);
    await reconcile(counted.ask, left, 'right');
    assert.equal(counted.requests, 2);
    assert.ok(counted.bytes < 100, `${counted.bytes} bytes`);
  });

  it('of large logs with few differences costs what the differences cost', async () => {
    const all = hashes(20_000);
    const [left, right] = [new PlainStore(all.slice(3)), new PlainStore(all.slice(0, -3))];
    const counted = asking(right);
    await reconcile(counted.ask, left, 'right');
    assert.deepEqual(left.sorted(), [...all].sort());
    assert.deepEqual(right.sorted(), left.sorted());
    assert.ok(counted.requests <= 5, `${counted.requests} requests`);
    assert.ok(counted.bytes < 30_000, `${counted.bytes} bytes`);
  });

  it('goes deeper where many hashes begin alike', async () => {
    const alike = hashes(RECORDS_PER_BRANCH_MAX * 3).map((hash) => `abcd${hash.slice(4)}`);
    const [left, right] = [new PlainStore(alike.slice(1)), new PlainStore(alike.slice(0, -1))];
    const { ask } = asking(right);
    await reconcile(ask, left, 'right');
    assert.equal(left.sorted().length, alike.length);
    assert.equal(await haveSame(ask, left), true);
  });

  it('fills an empty log in the other’s order, a message at a time', async () => {
    const all = hashes(2_000);
    const [left, right] = [new PlainStore(), new PlainStore(all)];
    const counted = asking(right);
    const { added } = await reconcile(counted.ask, left, 'right');
    assert.equal(added, all.length);
    assert.deepEqual(left.inOrder(), all);
    assert.ok(counted.requests < all.length / RECORDS_PER_MESSAGE_MAX + 5);
  });

  it('keeps what depends on something that comes later, and says why it refused the rest', async () => {
    const [first, second, never] = hashes(3);
    const right = new PlainStore([second!, never!, first!]);
    const left = new PlainStore([], (hash, has) => (hash === second ? has(first!) : hash !== never));
    const { added, refused } = await reconcile(asking(right).ask, left, 'right');
    assert.equal(added, 2);
    assert.deepEqual(refused, ['it has no place']);
  });
});

it('says nothing of records that were overtaken while the two compared', async () => {
  const [first, second] = hashes(2);
  const right = new PlainStore([second!, first!]);
  const left = new PlainStore([]);
  const taking = left.insert.bind(left);
  left.insert = async (envelopes) => {
    const taken = await taking(envelopes);
    return { ...taken, refused: [{ index: 0, reason: 'a newer one is here', kind: 'old' }] };
  };
  assert.deepEqual((await reconcile(asking(right).ask, left, 'right')).refused, []);
});

describe('a peer that does not play fair', () => {
  it('cannot keep a reconciliation going by naming records that it does not give', async () => {
    const claimed = new PlainStore(hashes(5_000));
    const { ask } = asking(claimed);
    let requests = 0;
    const liar: Ask = async (request) => {
      requests += 1;
      const answer = await ask(request);
      return { ...answer, records: [], served: 0 };
    };
    const { added, complete } = await reconcile(liar, new PlainStore(), 'liar');
    assert.deepEqual([added, complete], [0, false]);
    assert.ok(requests < 50, `${requests} requests`);
  });

  it('cannot keep it going with branches that always differ', async () => {
    let requests = 0;
    const liar: Ask = async ({ branches = [] }) => {
      requests += 1;
      return {
        branches: branches.map(({ prefix }) => ({
          prefix,
          kind: prefix.length < 4 ? KIND.children : KIND.listed,
          children: Uint8Array.from(randomBytes(prefix.length < 4 ? 4096 : 0)),
          listed: new Uint8Array(0),
        })),
        records: [],
        served: 0,
      };
    };
    const { complete } = await reconcile(liar, new PlainStore(hashes(10)), 'liar');
    assert.equal(complete, false);
    assert.ok(requests < 10 + RECORDS_DIFFERING_MAX / 256, `${requests} requests`);
  });

  it('ends it by answers about nothing, or about what was not asked', async () => {
    for (const branches of [
      [],
      [{ prefix: Uint8Array.of(9, 9), kind: KIND.same, children: new Uint8Array(0), listed: new Uint8Array(0) }],
    ]) {
      let requests = 0;
      const mute: Ask = async () => {
        requests += 1;
        return { branches, records: [], served: 0 };
      };
      await reconcile(mute, new PlainStore(hashes(10)), 'mute');
      assert.equal(requests, 1);
    }
  });

  it('is told apart by lists that cannot be', async () => {
    const answers = [
      { kind: KIND.listed, children: new Uint8Array(0), listed: new Uint8Array(7) },
      { kind: KIND.children, children: new Uint8Array(16), listed: new Uint8Array(0) },
    ];
    for (const answer of answers) {
      const odd: Ask = async () => ({ branches: [{ prefix: new Uint8Array(0), ...answer }], records: [], served: 0 });
      await assert.rejects(
        reconcile(odd, new PlainStore(hashes(3)), 'odd'),
        (error) => error instanceof ResettleError && error.code === 'damaged',
      );
    }
  });

  it('gets no more for a request than fits into a message', async () => {
    const all = hashes(2_000);
    const store = new PlainStore(all);
    const wants = all
      .slice(0, RECORDS_PER_MESSAGE_MAX)
      .map((hash) => Buffer.from(hash.slice(0, 2 * HASH_START_BYTES), 'hex'));
    const { records, served } = await answerRecords(
      store,
      RecordsRequest.decode(RecordsRequest.encode({ wants })),
      'x',
      NOBODY,
    );
    assert.equal(records?.length, RECORDS_PER_MESSAGE_MAX);
    assert.equal(served, RECORDS_PER_MESSAGE_MAX);
    const short = await answerRecords(store, { branches: [], wants: [Uint8Array.of(1)], records: [] }, 'x', NOBODY);
    assert.deepEqual(short.records ?? [], []);
  });

  it('gets an answer or our error for whatever bytes it sends', async () => {
    const store = new PlainStore(hashes(50));
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .record({
          branches: fc.array(
            fc.record({ prefix: fc.uint8Array({ maxLength: 4 }), fingerprint: fc.uint8Array({ maxLength: 16 }) }),
            { maxLength: 5 },
          ),
          wants: fc.array(fc.uint8Array({ maxLength: 16 }), { maxLength: 5 }),
          records: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 }),
        })
        .map((request) => RecordsRequest.encode(request)),
    );
    await fc.assert(
      fc.asyncProperty(some, async (bytes) => {
        try {
          const answer = await answerRecords(store, RecordsRequest.decode(bytes), 'x', NOBODY);
          RecordsAnswer.decode(RecordsAnswer.encode(answer));
        } catch (error) {
          assert.ok(error instanceof ResettleError, String(error));
        }
      }),
      { numRuns: runs(150, 1500) },
    );
  });

  it('gives whatever bytes as an answer, and it decodes or fails with our error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const ask: Ask = async () => RecordsAnswer.decode(bytes);
        await reconcile(ask, new PlainStore(hashes(2)), 'x').catch((error: unknown) => {
          assert.ok(error instanceof ResettleError, String(error));
        });
      }),
      { numRuns: runs(150, 1500) },
    );
  });
});

describe('messages', () => {
  it('come back from their bytes as they were', () => {
    const bytes = (max: number) => fc.uint8Array({ minLength: 1, maxLength: max });
    const requests = fc.record({
      branches: fc.array(fc.record({ prefix: bytes(4), fingerprint: bytes(16) }), { maxLength: 8 }),
      wants: fc.array(bytes(16), { maxLength: 8 }),
      records: fc.array(bytes(500), { maxLength: 8 }),
    });
    const answers = fc.record({
      branches: fc.array(
        fc.record({ prefix: bytes(4), kind: fc.integer({ min: 0, max: 9 }), children: bytes(64), listed: bytes(60) }),
        { maxLength: 8 },
      ),
      records: fc.array(bytes(500), { maxLength: 8 }),
      served: fc.nat(),
    });
    const plain = (value: object): unknown =>
      JSON.parse(JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? [...inner] : inner)));
    fc.assert(
      fc.property(requests, (request) => {
        assert.deepEqual(plain(RecordsRequest.decode(RecordsRequest.encode(request))), plain(request));
      }),
    );
    fc.assert(
      fc.property(answers, (answer) => {
        assert.deepEqual(plain(RecordsAnswer.decode(RecordsAnswer.encode(answer))), plain(answer));
      }),
    );
  });
});

describe('news', () => {
  it('comes in messages of a bounded number of records, and the host hears what became of it', async () => {
    const heard: Inserted[] = [];
    const store = new PlainStore();
    const counted = asking(store, { agreed() {}, received: (_, inserted) => heard.push(inserted) });
    const all = hashes(RECORDS_PER_MESSAGE_MAX + 1);
    await pushRecords(
      counted.ask,
      all.map((hash) => Buffer.from(hash, 'hex')),
    );
    assert.deepEqual(
      heard.map(({ added }) => added),
      [RECORDS_PER_MESSAGE_MAX, 1],
    );
    assert.deepEqual(store.sorted(), [...all].sort());
  });
});
