import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { decodePairMessage, encodePairMessage, type PairMessage } from '../../src/protocols/pair/messages.ts';
import { countField, defineMessage, messageField, textField } from '../../src/protocols/wire/message.ts';
import { anyMessage as message } from './support/messages.ts';

describe('pairing messages', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(message, (one) => {
        assert.deepEqual(plain(decodePairMessage(encodePairMessage(one))), plain(one));
      }),
    );
  });

  it('are refused where a value is too short, too long or of no enumeration', () => {
    const greeting: PairMessage = {
      type: 'greeting',
      purpose: 'send',
      role: 'types',
      kind: 'words',
      number: '042',
      nonce: new Uint8Array(32),
      commitment: new Uint8Array(32),
    };
    const refused: PairMessage[] = [
      { ...greeting, purpose: 'other' as 'send' },
      { ...greeting, role: '' as 'types' },
      { ...greeting, kind: 'scan' },
      { ...greeting, number: '42' },
      { ...greeting, number: '0x2' },
      { ...greeting, nonce: new Uint8Array(31) },
      { ...greeting, nonce: new Uint8Array(33) },
      { ...greeting, commitment: new Uint8Array(0) },
      { type: 'share', point: new Uint8Array(0), tag: undefined },
      { type: 'share', point: new Uint8Array(32), tag: new Uint8Array(31) },
      { type: 'proof', tag: new Uint8Array(0), opening: undefined },
    ];
    for (const one of refused) {
      assert.throws(() => decodePairMessage(encodePairMessage(one)), { code: 'damaged' }, JSON.stringify(one));
    }
  });

  it('hold exactly one part', () => {
    const two = Buffer.concat([
      encodePairMessage({ type: 'refused', refusal: 'busy' }),
      encodePairMessage({ type: 'share', point: new Uint8Array(32), tag: undefined }),
    ]);
    assert.throws(() => decodePairMessage(two), { code: 'damaged' });
    assert.throws(() => decodePairMessage(new Uint8Array(0)), { code: 'damaged' });
  });

  it('of a later version are told as such, whatever else stands in them', () => {
    const Later = defineMessage({
      greeting: messageField(1, defineMessage({ version: countField(1), purpose: textField(2, 9) })),
    });
    const greeting = { version: 2, purpose: 'teleport' };
    assert.deepEqual(decodePairMessage(Later.encode({ greeting })), { type: 'other-version' });
  });

  it('throw nothing but ResettleError, whatever the bytes', () => {
    const mutated = fc.tuple(message, fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
      const encoded = Uint8Array.from(encodePairMessage(one));
      encoded[at % encoded.length] = byte;
      return encoded;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutated), (given) => {
        try {
          decodePairMessage(given);
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});

/** Without the difference between Buffer and Uint8Array, and between absent and undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one) =>
      one instanceof Uint8Array || one?.type === 'Buffer' ? Buffer.from(one.data ?? one).toString('hex') : one,
    ),
  );
}
