import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { stateId } from '../../src/common/ids.ts';
import { OFFER_PATHS_MAX, PAIRING_ABOUT_MAX_BYTES } from '../../src/common/limits.ts';
import { decodeAbout, encodeAbout, makeOffer, shownText } from '../../src/node/pairing/about.ts';

const amount = fc.nat();
const text = fc.string({ unit: 'binary', maxLength: 3_000 });
const machine = fc.record({ name: text, system: text, user: text });
const offer = fc
  .record({
    files: amount,
    folders: amount,
    symlinks: amount,
    hardlinks: amount,
    specials: amount,
    bytes: amount,
    upperBoundBytes: amount,
    skipped: fc.record({ count: amount }),
    paths: fc.array(text, { minLength: 1, maxLength: 3 * OFFER_PATHS_MAX }),
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ paths, hash, ...plan }) => makeOffer(plan, paths, stateId('ab'.repeat(32)), hash));
const MOVES_THE_CURSOR = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('whatever is said fits, says the same numbers at the other side, and moves no cursor', () => {
  fc.assert(
    fc.property(machine, offer, (facts, offered) => {
      const bytes = encodeAbout({ machine: facts, offer: offered });
      assert.ok(bytes.length <= PAIRING_ABOUT_MAX_BYTES, `${bytes.length} bytes`);
      const heard = decodeAbout(bytes, 'offer');
      for (const field of ['files', 'folders', 'links', 'bytes', 'skipped', 'pathCount', 'upperBoundBytes'] as const) {
        assert.equal(heard.offer![field], offered[field]);
      }
      assert.deepEqual(Buffer.from(heard.offer!.descriptorHash), Buffer.from(offered.descriptorHash));
      assert.ok(heard.machine.name.length > 0);
      for (const shown of [...Object.values(heard.machine), ...heard.offer!.paths]) {
        assert.doesNotMatch(shown, MOVES_THE_CURSOR);
      }
    }),
  );
});

test('hostile bytes are damaged, or something that may be shown', () => {
  const good = encodeAbout({ machine: { name: 'desk', system: 'OS', user: 'ann' }, offer: undefined });
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => Uint8Array.from(good).fill(value, at, at + 1)),
  );
  fc.assert(
    fc.property(hostile, fc.constantFrom('offer' as const, 'machine' as const), (bytes, expected) => {
      try {
        const { machine: facts } = decodeAbout(bytes, expected);
        for (const shown of Object.values(facts)) assert.doesNotMatch(shown, MOVES_THE_CURSOR);
      } catch (error) {
        assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
      }
    }),
  );
});

test('a receiver that offers, and a sender that does not, are refused', () => {
  const facts = { name: 'desk', system: 'OS', user: 'ann' };
  assert.throws(() => decodeAbout(encodeAbout({ machine: facts, offer: undefined }), 'offer'), { code: 'damaged' });
  const plan = {
    files: 1,
    folders: 0,
    symlinks: 0,
    hardlinks: 0,
    specials: 0,
    bytes: 1,
    upperBoundBytes: 1,
    skipped: { count: 0 },
  };
  const offered = makeOffer(plan, ['/a'], stateId('cd'.repeat(32)), new Uint8Array(32));
  const withOffer = encodeAbout({ machine: facts, offer: offered });
  assert.throws(() => decodeAbout(withOffer, 'machine'), { code: 'damaged' });
  const shortHash = encodeAbout({ machine: facts, offer: { ...offered, descriptorHash: new Uint8Array(31) } });
  assert.throws(() => decodeAbout(shortHash, 'offer'), { code: 'damaged', message: /hash of a wrong length/ });
});

test('a text that would clear the screen is shown as what it is', () => {
  assert.equal(shownText('\u001b[2Jdesk\n\u202e'), '\\x1b[2Jdesk\\x0a\\xe2\\x80\\xae');
  assert.equal(shownText('Anns Schreibtisch é 机'), 'Anns Schreibtisch é 机');
});
