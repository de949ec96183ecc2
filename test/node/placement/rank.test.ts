import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lackOf, type Offer, type Preference, rankOffers, speedClass } from '../../../src/node/placement/rank.ts';
import { offer } from './offers.ts';

const anyOffer = fc
  .record({
    freeBytes: fc.nat(1_000_000),
    clients: fc.nat(4),
    maxClients: fc.integer({ min: 1, max: 4 }),
    draining: fc.boolean(),
    refusal: fc.constantFrom('', '', 'serves only 10.0.0.0/8'),
    linkMbps: fc.constantFrom(0, 10, 100, 1000, 10_000),
    sameSubnet: fc.boolean(),
    leaving: fc.boolean(),
  })
  .map((changes) => changes);
const anyOffers = fc
  .array(anyOffer, { maxLength: 12 })
  .map((list) => list.map((changes, index) => offer(`p${index}`, changes)));
const none: Preference = { order: [], seed: 'state' };
const names = (offers: readonly Offer[]): string[] => offers.map(({ name }) => name);

test('of any offers those that lack nothing are ranked, each once, whatever order they came in', () => {
  fc.assert(
    fc.property(
      anyOffers,
      fc.nat(1_000_000),
      fc.string(),
      fc.infiniteStream(fc.nat()),
      (offers, bytes, seed, random) => {
        const ranked = rankOffers(offers, bytes, { order: [], seed });
        assert.deepEqual(
          new Set(names(ranked)),
          new Set(names(offers.filter((one) => lackOf(one, bytes) === undefined))),
        );
        const mixed = offers
          .map((one) => ({ one, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        assert.deepEqual(names(rankOffers(mixed, bytes, { order: [], seed })), names(ranked));
      },
    ),
  );
});

test('points that were named come in their order, whatever else they offer', () => {
  fc.assert(
    fc.property(anyOffers, fc.nat(1_000_000), (offers, bytes) => {
      const order = offers.map(({ peerId }) => peerId).reverse();
      const ranked = rankOffers(offers, bytes, { order, seed: '' });
      const places = ranked.map(({ peerId }) => order.indexOf(peerId));
      assert.deepEqual(
        places,
        [...places].sort((a, b) => a - b),
      );
    }),
  );
});

test('subnet goes before speed, speed before load, load before headroom; one that leaves comes last', () => {
  const rank = (...offers: Offer[]): string[] => names(rankOffers(offers, 1000, none));
  const best = offer('best', { freeBytes: 10_000 });
  assert.deepEqual(rank(offer('far', { sameSubnet: false, linkMbps: 10_000, freeBytes: 1e12 }), best), ['best', 'far']);
  assert.deepEqual(rank(offer('slow', { linkMbps: 100, freeBytes: 1e12 }), best), ['best', 'slow']);
  assert.deepEqual(rank(offer('busy', { clients: 3, freeBytes: 1e12 }), best), ['best', 'busy']);
  assert.deepEqual(rank(best, offer('large', { freeBytes: 1e12 })), ['large', 'best']);
  assert.deepEqual(rank(offer('leaving', { leaving: true, freeBytes: 1e12, linkMbps: 10_000 }), best), [
    'best',
    'leaving',
  ]);
});

test('what is nearly alike is alike, and twenty sources spread over four such points', () => {
  const offers = [0, 1, 2, 3].map((index) =>
    offer(`p${index}`, { freeBytes: 9e11 + index * 1e9, linkMbps: 1000 + index * 100 }),
  );
  const first = Array.from(
    { length: 20 },
    (_, source) => rankOffers(offers, 1e9, { order: [], seed: `${source}` })[0]!,
  );
  assert.equal(new Set(names(first)).size, 4);
  assert.deepEqual(
    names(first),
    Array.from(
      { length: 20 },
      (_, source) => rankOffers([...offers].reverse(), 1e9, { order: [], seed: `${source}` })[0]!.name,
    ),
  );
});

test('what an offer lacks is said in words', () => {
  const good = offer('nas', { freeBytes: 1000 });
  assert.equal(lackOf(good, 1000), undefined);
  assert.match(lackOf(good, 1001)!, /1000 B free of the 1001 B needed/);
  assert.match(lackOf({ ...good, draining: true }, 1)!, /draining/);
  assert.match(lackOf({ ...good, clients: 4 }, 1)!, /4 of at most 4/);
  assert.equal(lackOf({ ...good, refusal: 'serves only 10.0.0.0/8' }, 1), 'serves only 10.0.0.0/8');
});

test('an unknown speed is worth no less than a slow one', () => {
  assert.ok(speedClass(0) > speedClass(10));
  assert.ok(speedClass(1000) > speedClass(0));
});
