import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { BULK_CHUNK_BYTES, PACK_MAX_BYTES } from '../../src/common/limits.ts';
import { decodeFrameHeader, encodeFrameHeader, FRAME, FRAME_HEADER_BYTES } from '../../src/protocols/blocks/frame.ts';
import { errorOfFault, faultOf } from '../../src/protocols/wire/fault.ts';

const PACK = 'ab'.repeat(32);

describe('frames of the blocks protocol', () => {
  it('come back as they were', () => {
    const header = fc.record({
      type: fc.constantFrom(FRAME.offer, FRAME.want, FRAME.have, FRAME.bye),
      payloadBytes: fc.nat(8 * 1024),
      number: fc.nat(PACK_MAX_BYTES),
      pack: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    });
    fc.assert(
      fc.property(header, (value) => assert.deepEqual(decodeFrameHeader(encodeFrameHeader(value)), { ...value })),
    );
  });

  it('that no honest peer sends are refused', () => {
    const bad = [
      { type: FRAME.data, payloadBytes: BULK_CHUNK_BYTES + 1, number: 0, pack: PACK },
      { type: FRAME.data, payloadBytes: 0, number: 0, pack: PACK },
      { type: FRAME.data, payloadBytes: 2, number: PACK_MAX_BYTES - 1, pack: PACK },
      { type: FRAME.offer, payloadBytes: 0, number: PACK_MAX_BYTES + 1, pack: PACK },
      { type: FRAME.open, payloadBytes: 1 << 20, number: 0, pack: PACK },
      { type: 9 as typeof FRAME.bye, payloadBytes: 0, number: 0, pack: PACK },
    ];
    for (const header of bad) assert.throws(() => decodeFrameHeader(encodeFrameHeader(header)), { code: 'damaged' });
  });

  it('throw nothing but ResettleError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: FRAME_HEADER_BYTES, maxLength: FRAME_HEADER_BYTES }), (bytes) => {
        try {
          decodeFrameHeader(bytes);
        } catch (error) {
          assert.ok(error instanceof ResettleError);
        }
      }),
    );
  });
});

describe('faults', () => {
  it('tell the reason of a refusal, and nothing of what went wrong inside', () => {
    const told = errorOfFault(faultOf(new ResettleError('refused', 'not yours', { hint: 'ask' })), 'nas');
    assert.equal(told.code, 'refused');
    assert.equal(told.message, 'nas: not yours');
    assert.equal(told.hint, 'ask');
    assert.doesNotMatch(faultOf(new Error('/srv/secret')).message, /secret/);
  });

  it('bring no control characters to a terminal', () => {
    const told = errorOfFault({ code: 'refused', message: 'a\u001b[2Jb\u202ec\n', hint: '' }, 'nas');
    assert.doesNotMatch(told.message, /[\p{Cc}\p{Cf}]/u);
  });
});
