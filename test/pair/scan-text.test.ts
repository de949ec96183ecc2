import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { peerIdText } from '../../src/common/ids.ts';
import { drawScanSecret, formatScanCode, isScanText, parseScanCode } from '../../src/protocols/pair/scan-text.ts';

const key = await generateKeyPair('Ed25519');
const peer = peerIdText(key.publicKey.toString());
const secret = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('the text of a QR code', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(secret, (bytes) => {
        const text = formatScanCode({ peer, secret: bytes });
        assert.match(text, /^resettle:12D3KooW/);
        assert.ok(isScanText(text));
        const { peer: readPeer, secret: read } = parseScanCode(`${text}\n`);
        assert.equal(readPeer, peer);
        assert.deepEqual([...read], [...bytes]);
      }),
    );
  });

  it('has 128 bits of secret', () => {
    assert.equal(drawScanSecret((count) => randomBytes(count)).length, 16);
  });

  it('has one form for each secret: a changed last character is another secret or none', () => {
    const text = formatScanCode({ peer, secret: new Uint8Array(16) });
    assert.throws(() => parseScanCode(`${text.slice(0, -1)}b`), { code: 'usage' });
  });

  it('is refused as usage, without showing what was given, whatever it is', () => {
    const whole = formatScanCode({ peer, secret: randomBytes(16) });
    const damaged = fc
      .tuple(fc.nat(whole.length - 1), fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }))
      .map(([at, text]) => whole.slice(0, at) + text + whole.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 120 }), damaged), (text) => {
        try {
          assert.equal(formatScanCode(parseScanCode(text)), text.trim());
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'usage', String(error));
          assert.equal(error.message.includes(whole.slice(-10)), false);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
