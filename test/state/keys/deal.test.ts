import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { associationId, type PeerIdText, stateId } from '../../../src/common/ids.ts';
import { DEAL_BYTES_MAX, SHARE_MAX_BYTES } from '../../../src/common/limits.ts';
import { areShareTerms, chooseShareTerms, parseShareTerms, type ShareTerms } from '../../../src/common/share-terms.ts';
import { unwrapStateKey, wrapStateKey } from '../../../src/state/format/index.ts';
import { combineShares, dealShares, indexOfShare, openDeal, readDeal } from '../../../src/state/keys/index.ts';
import { peerIdOf } from '../../../src/state/records/index.ts';

const association = associationId('ab'.repeat(32));
const state = stateId('cd'.repeat(32));
const random = (count: number): Uint8Array => randomBytes(count);

const terms: fc.Arbitrary<ShareTerms> = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 2, max: 5 }))
  .map(([a, b]) => ({ needed: Math.min(a, b), total: Math.max(a, b) }));

describe('a deal', () => {
  let privateKey: Ed25519PrivateKey;
  let source: PeerIdText;
  before(async () => {
    privateKey = await generateKeyPair('Ed25519');
    source = peerIdOf(privateKey.publicKey);
  });
  const deal = (secret: Uint8Array, wanted: ShareTerms) =>
    dealShares(secret, { association, state, terms: wanted, privateKey, random });

  it('brings the secret back from any shares that are enough, in any order, and from no fewer', async () => {
    const secrets = fc.uint8Array({ minLength: 1, maxLength: SHARE_MAX_BYTES - 1 });
    await fc.assert(
      fc.asyncProperty(secrets, terms, fc.infiniteStream(fc.nat()), async (secret, wanted, picks) => {
        const { deal: made, shares } = await deal(secret, wanted);
        const opened = await openDeal(made.bytes, source);
        assert.deepEqual(opened, made);
        assert.ok(made.bytes.length <= DEAL_BYTES_MAX);
        const order = [...picks.take(shares.length)];
        const shuffled = shares.map((share, index) => ({ share, key: order[index]! })).sort((a, b) => a.key - b.key);
        const chosen = shuffled.slice(0, wanted.needed).map(({ share }) => share);
        assert.deepEqual(await combineShares(opened, chosen), secret);
        assert.deepEqual(await combineShares(opened, [...chosen, ...shares]), secret);
        const tooFew = [...chosen.slice(1), ...chosen.slice(1)];
        await assert.rejects(combineShares(opened, tooFew), { code: 'usage' });
      }),
      { numRuns: 60 },
    );
  });

  it('tells nothing by fewer shares than needed: every secret fits them equally well', async () => {
    // With one share of two and any guess there is a second share that gives the guess.
    const { deal: made, shares } = await deal(Uint8Array.of(42), { needed: 2, total: 2 });
    assert.equal(made.hashes.length, 2);
    const { combine } = await import('shamir-secret-sharing');
    const x = shares[0]![1]! === 1 ? 2 : 1;
    const secrets = new Set<number>();
    for (let y = 0; y < 256; y += 1) {
      const [secret = -1] = await combine([Uint8Array.from(shares[0]!), Uint8Array.of(y, x)]);
      secrets.add(secret);
    }
    assert.equal(secrets.size, 256);
  });

  it('names a share that is not of it', async () => {
    const secret = randomBytes(40);
    const { deal: made, shares } = await deal(secret, { needed: 3, total: 5 });
    const { shares: others } = await deal(secret, { needed: 3, total: 5 });
    assert.deepEqual(
      shares.map((share) => indexOfShare(made, share)),
      [0, 1, 2, 3, 4],
    );
    assert.equal(indexOfShare(made, others[0]!), undefined);
    await fc.assert(
      fc.asyncProperty(fc.nat(4), fc.nat(40), fc.integer({ min: 1, max: 255 }), async (which, at, flip) => {
        const bad = Uint8Array.from(shares[which]!);
        bad[at]! ^= flip;
        assert.equal(indexOfShare(made, bad), undefined);
        const mixed = shares.map((share, index) => (index === which ? bad : share));
        await assert.rejects(combineShares(made, mixed), { code: 'damaged' });
      }),
      { numRuns: 40 },
    );
  });

  it('is refused where another signed it, where a bit is wrong, and as any bytes', async () => {
    const { deal: made } = await deal(randomBytes(40), { needed: 2, total: 3 });
    const stranger = peerIdOf((await generateKeyPair('Ed25519')).publicKey);
    await assert.rejects(openDeal(made.bytes, stranger), { code: 'refused' });
    await fc.assert(
      fc.asyncProperty(fc.nat(made.bytes.length - 1), fc.nat(7), async (at, bit) => {
        const bad = Uint8Array.from(made.bytes);
        bad[at]! ^= 1 << bit;
        await assert.rejects(openDeal(bad, source), ResettleError);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        assert.throws(() => readDeal(bytes), { code: 'damaged' });
      }),
    );
  });

  it('of a state key that is sealed to a ticket: enough shares and the ticket open it, one without the other does not', async () => {
    const ticket = await generateX25519Identity();
    const other = await generateX25519Identity();
    const key = randomBytes(32);
    const sealed = await wrapStateKey(key, await identityToRecipient(ticket));
    const { deal: made, shares } = await deal(sealed, { needed: 3, total: 5 });
    const together = await combineShares(made, shares.slice(2));
    assert.deepEqual(Buffer.from(await unwrapStateKey(together, ticket)), key);
    await assert.rejects(unwrapStateKey(together, other), { code: 'refused' });
    assert.ok(!Buffer.from(together).includes(key));
  });
});

describe('the terms of shares', () => {
  it('are more than half of up to five holders, and need two', () => {
    const chosen = [0, 1, 2, 3, 4, 5, 6, 1000].map((holders) => chooseShareTerms(holders, null));
    const shown = chosen.map((one) => one && `${one.needed}/${one.total}`);
    assert.deepEqual(shown, [undefined, undefined, '2/2', '2/3', '3/4', '3/5', '3/5', '3/5']);
    assert.deepEqual(chooseShareTerms(4, { needed: 2, total: 4 }), { needed: 2, total: 4 });
    assert.equal(chooseShareTerms(3, { needed: 2, total: 4 }), undefined);
  });

  it('are read as K/N within their limits, and nothing else is', () => {
    assert.deepEqual(parseShareTerms('3/5'), { needed: 3, total: 5 });
    for (const bad of ['1/5', '3/2', '3/6', '3', '3/', '/5', 'a/b', '3/5/7', '-3/5', '']) {
      assert.throws(() => parseShareTerms(bad), { code: 'usage' }, bad);
    }
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (needed, total) => {
        const fits = needed >= 2 && needed <= total && total <= 5;
        assert.equal(areShareTerms({ needed, total }), fits);
      }),
    );
  });
});
