import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DEAL_BYTES_MAX, SHARE_MAX_BYTES, SHARE_SEALED_MAX_BYTES } from '../../src/common/limits.ts';
import { SharesAnswer, SharesRequest } from '../../src/protocols/shares/messages.ts';

const hash = fc.constantFrom('ab'.repeat(32), 'cd'.repeat(32));
const plain = { noNullPrototype: true };
const about = fc.record({ association: hash, state: hash }, plain);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const request = fc.oneof(
  about.map((offer) => ({ offer })),
  fc.record({ deal: bytes(DEAL_BYTES_MAX), share: bytes(SHARE_MAX_BYTES) }, plain).map((put) => ({ put })),
  fc
    .record({ association: hash, state: hash, deal: fc.constant('0a'.repeat(16)), forgetOlder: fc.boolean() }, plain)
    .map((settle) => ({ settle })),
  about.map((nonce) => ({ nonce })),
  fc
    .record({ association: hash, state: hash, nonce: bytes(32), signature: bytes(64) }, plain)
    .map((release) => ({ release })),
);

test('requests and answers come back as they were', () => {
  fc.assert(
    fc.property(request, (value) => {
      const decoded = SharesRequest.decode(SharesRequest.encode(value));
      const set = Object.fromEntries(Object.entries(decoded).filter(([, part]) => part !== undefined));
      assert.deepEqual(set, value);
    }),
  );
  const shares = fc.array(fc.record({ deal: bytes(DEAL_BYTES_MAX), sealed: bytes(SHARE_SEALED_MAX_BYTES) }, plain), {
    maxLength: 2,
  });
  fc.assert(
    fc.property(shares, bytes(32), (list, nonce) => {
      const decoded = SharesAnswer.decode(SharesAnswer.encode({ shares: list, nonce }));
      assert.deepEqual(decoded, { fault: undefined, shares: list, nonce });
    }),
  );
});

test('arbitrary bytes are damaged or a message within its limits', () => {
  for (const codec of [SharesRequest, SharesAnswer]) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => {
        try {
          codec.decode(raw);
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
        }
      }),
    );
  }
});

test('a value that is too long, and a third share, are damaged', () => {
  const long = { put: { deal: new Uint8Array(DEAL_BYTES_MAX + 1), share: new Uint8Array(1) } };
  assert.throws(() => SharesRequest.decode(SharesRequest.encode(long)), { code: 'damaged' });
  const one = { deal: new Uint8Array(1), sealed: new Uint8Array(1) };
  assert.throws(() => SharesAnswer.decode(SharesAnswer.encode({ shares: [one, one, one] })), { code: 'damaged' });
});
