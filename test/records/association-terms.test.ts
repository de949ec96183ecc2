import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { SEALED_MAX_BYTES, TERMS_ITEMS_MAX } from '../../src/common/limits.ts';
import {
  type AssociationTerms,
  decodeTerms,
  encodeTerms,
  openTerms,
  sealTerms,
} from '../../src/state/records/index.ts';

const user = fc.stringMatching(/^[A-Za-z0-9._ß-]{1,20}$/u);
const terms: fc.Arbitrary<AssociationTerms> = fc.record(
  {
    users: fc.array(user, { maxLength: 8 }),
    areas: fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), { maxLength: 4 }),
    paths: fc.array(
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => `/${text.replaceAll('\0', '')}`),
      { maxLength: 8 },
    ),
    mapUsers: fc.array(fc.record({ from: user, to: user }, { noNullPrototype: true }), { maxLength: 4 }),
  },
  { noNullPrototype: true },
);
const none: AssociationTerms = { users: [], areas: [], paths: [], mapUsers: [] };

test('terms come back from their bytes, in one form only', () => {
  fc.assert(
    fc.property(terms, (some) => {
      assert.deepEqual(decodeTerms(encodeTerms(some)), some);
    }),
  );
});

test('no bytes make the decoder do anything but take them or refuse them', () => {
  const attempt = (bytes: Uint8Array): void => {
    try {
      const some = decodeTerms(bytes);
      assert.deepEqual(Buffer.from(encodeTerms(some)), Buffer.from(bytes));
    } catch (error) {
      assert.ok(error instanceof ResettleError && error.code === 'refused', String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt));
  const whole = encodeTerms({ ...none, users: ['ann'], paths: ['/srv/ann'] });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const bent = Uint8Array.from(whole);
      bent[at] = byte;
      attempt(bent);
    }),
  );
});

test('what is no path, no user or too many of them is refused', () => {
  const bad: Partial<AssociationTerms>[] = [
    { paths: ['relative'] },
    { paths: ['/with\0nul'] },
    { users: ['a b'] },
    { users: ['../ann'] },
    { areas: ['Homes'] },
    { mapUsers: [{ from: 'ann', to: 'a:b' }] },
    { users: Array.from({ length: TERMS_ITEMS_MAX + 1 }, (_, index) => `u${index}`) },
  ];
  for (const some of bad) assert.throws(() => encodeTerms({ ...none, ...some }), { code: 'refused' });
});

test('terms open for each of their parties and for nobody else, and an altered file opens for none', async () => {
  const keys = await Promise.all([0, 1, 2].map(() => generateX25519Identity()));
  const recipients = await Promise.all(keys.slice(0, 2).map((key) => identityToRecipient(key)));
  const some = { ...none, users: ['ann'], paths: ['/srv/Grüße'] };
  const sealed = await sealTerms(some, recipients);
  for (const key of keys.slice(0, 2)) assert.deepEqual(await openTerms(sealed, key), some);
  await assert.rejects(openTerms(sealed, keys[2]!), { code: 'refused' });
  const bent = Uint8Array.from(sealed);
  bent[bent.length - 1]! ^= 1;
  await assert.rejects(openTerms(bent, keys[0]!), { code: 'refused' });
  assert.ok(!Buffer.from(sealed).includes('ann'));
});

test('terms that are too large for a record are refused before they are signed', async () => {
  const recipient = await identityToRecipient(await generateX25519Identity());
  const paths = Array.from({ length: 200 }, (_, index) => `/srv/${'x'.repeat(60)}/${index}`);
  await assert.rejects(sealTerms({ ...none, paths }, [recipient]), { code: 'usage' });
  await assert.rejects(openTerms(new Uint8Array(SEALED_MAX_BYTES + 1), 'AGE-SECRET-KEY-1'), { code: 'refused' });
});
