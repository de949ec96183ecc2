import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { TICKET_SEALED_MAX_BYTES } from '../../../src/common/limits.ts';
import { unwrapStateKey, wrapStateKey } from '../../../src/state/format/index.ts';
import { bech32 } from '../../../src/state/keys/bech32.ts';
import {
  identityOfRecoveryCode,
  makeTicketKey,
  newRecoveryCode,
  openTicketKey,
  recipientOfRecoveryCode,
} from '../../../src/state/keys/index.ts';

const secret = fc.uint8Array({ minLength: 20, maxLength: 20 });

describe('a ticket key', () => {
  it('opens for each operator that it was sealed to, and for nobody else', async () => {
    const operators = await Promise.all(Array.from({ length: 30 }, () => generateX25519Identity()));
    const key = await makeTicketKey(await Promise.all(operators.map((one) => identityToRecipient(one))));
    assert.ok(key.sealed.length <= TICKET_SEALED_MAX_BYTES);
    const identities = new Set<string>();
    for (const operator of operators) identities.add(await openTicketKey(key, operator));
    assert.equal(identities.size, 1);
    const stateKey = randomBytes(32);
    const sealed = await wrapStateKey(stateKey, key.recipient);
    assert.deepEqual(Buffer.from(await unwrapStateKey(sealed, [...identities][0]!)), stateKey);
    await assert.rejects(openTicketKey(key, await generateX25519Identity()), { code: 'refused' });
  });

  it('is refused where it is damaged, or not the one that the association names', async () => {
    const operator = await generateX25519Identity();
    const recipient = await identityToRecipient(operator);
    const key = await makeTicketKey([recipient]);
    const other = await makeTicketKey([recipient]);
    await assert.rejects(openTicketKey({ ...key, recipient: other.recipient }, operator), { code: 'damaged' });
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const noKey = await encrypter.encrypt('hello');
    await assert.rejects(openTicketKey({ ...key, sealed: noKey }, operator), { code: 'damaged' });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (sealed) => {
        await assert.rejects(openTicketKey({ ...key, sealed }, operator), { code: 'refused' });
      }),
      { numRuns: 30 },
    );
    await assert.rejects(makeTicketKey([]), { code: 'usage' });
    await assert.rejects(makeTicketKey(Array<string>(60).fill(recipient)), { code: 'usage' });
  });
});

describe('a recovery code', () => {
  it('is nine groups of four, each time another one, and makes the same key however it is typed', async () => {
    const codes = new Set(Array.from({ length: 50 }, () => newRecoveryCode((count) => randomBytes(count))));
    assert.equal(codes.size, 50);
    fc.assert(
      fc.property(secret, fc.infiniteStream(fc.nat(3)), (bytes, noise) => {
        const code = newRecoveryCode(() => bytes);
        assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$/);
        const typed = [...code]
          .map((char) => {
            const how = noise.next().value;
            if (char === '-') return ['', ' ', '\n', '--'][how]!;
            if (char === '0' && how > 1) return how === 2 ? 'o' : 'O';
            if (char === '1' && how > 0) return ['1', 'l', 'I', 'i'][how]!;
            return how > 1 ? char.toLowerCase() : char;
          })
          .join('');
        assert.equal(identityOfRecoveryCode(typed), identityOfRecoveryCode(code));
      }),
    );
  });

  it('opens what was wrapped to its recipient; another code does not, which is not called a typing error', async () => {
    const code = newRecoveryCode((count) => randomBytes(count));
    const other = newRecoveryCode((count) => randomBytes(count));
    const key = randomBytes(32);
    const file = await wrapStateKey(key, await recipientOfRecoveryCode(code));
    assert.deepEqual(Buffer.from(await unwrapStateKey(file, identityOfRecoveryCode(code.toLowerCase()))), key);
    await assert.rejects(unwrapStateKey(file, identityOfRecoveryCode(other)), { code: 'refused' });
  });

  it('with one wrong, missing, added or exchanged character is a typing error', () => {
    const chars = fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ');
    fc.assert(
      fc.property(secret, fc.nat(35), chars, (bytes, at, char) => {
        const code = newRecoveryCode(() => bytes).replaceAll('-', '');
        const changed = code.slice(0, at) + char + code.slice(at + 1);
        const swapped = code.slice(0, at) + code.slice(at + 1, at + 2) + code[at] + code.slice(at + 2);
        const wrong = [code.slice(0, at) + code.slice(at + 1), code.slice(0, at) + char + code.slice(at)];
        for (const text of [changed, swapped, ...wrong]) {
          if (text === code) continue;
          assert.throws(() => identityOfRecoveryCode(text), { code: 'usage' });
        }
      }),
      // One in a million wrong codes fits: the same ones each time.
      { seed: 1 },
    );
  });

  it('may be any text: that is a typing error and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assert.throws(
          () => identityOfRecoveryCode(text),
          (error) => error instanceof ResettleError && error.code === 'usage',
        );
      }),
    );
    for (const text of ['', 'U'.repeat(36), '0'.repeat(36), '-'.repeat(500)]) {
      assert.throws(() => identityOfRecoveryCode(text), { code: 'usage' });
    }
  });
});

describe('keys in age’s own text', () => {
  it('are what age itself makes of the same private half', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (scalar) => {
        const identity = bech32('age-secret-key-', scalar).toUpperCase();
        const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar]);
        const publicKey = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
        const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
        assert.equal(await identityToRecipient(identity), bech32('age', raw));
      }),
      { numRuns: 30 },
    );
  });
});
