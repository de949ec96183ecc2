import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { HelloAnswer, HelloRequest } from '../../src/protocols/hello/messages.ts';
import { PointAnswer, PointRequest } from '../../src/protocols/point/messages.ts';
import {
  bytesField,
  countField,
  defineMessage,
  flagField,
  listField,
  messageField,
  textField,
} from '../../src/protocols/wire/message.ts';

const Inner = defineMessage({ name: textField(1, 100), size: countField(2) });
const Outer = defineMessage({
  id: bytesField(1, 64),
  flag: flagField(2),
  inner: messageField(3, Inner),
  list: listField(messageField(4, Inner), 5),
  blobs: listField(bytesField(5, 16), 4),
});

const inner = fc.record({ name: fc.string({ maxLength: 20 }), size: fc.maxSafeNat() });
const outer = fc.record({
  id: fc.uint8Array({ maxLength: 64 }),
  flag: fc.boolean(),
  inner: fc.option(inner, { nil: undefined }),
  list: fc.array(inner, { maxLength: 5 }),
  blobs: fc.array(fc.uint8Array({ minLength: 1, maxLength: 16 }), { maxLength: 4 }),
});

describe('wire messages', () => {
  it('come back as they were', () => {
    fc.assert(fc.property(outer, (value) => assert.deepEqual(plain(Outer.decode(Outer.encode(value))), plain(value))));
  });

  it('are what any protobuf implementation writes', () => {
    // field 1: "hi", field 2: 300, from the protobuf documentation's encoding rules.
    assert.deepEqual([...Inner.encode({ name: 'hi', size: 300 })], [0x0a, 2, 0x68, 0x69, 0x10, 0xac, 0x02]);
  });

  it('take lists of numbers one by one and packed, as proto3 writes them by default', () => {
    const Numbers = defineMessage({ numbers: listField(countField(4), 3) });
    assert.deepEqual(Numbers.decode(new Uint8Array([0x20, 1, 0x20, 2])).numbers, [1, 2]);
    assert.deepEqual(Numbers.decode(new Uint8Array([0x22, 3, 1, 0xac, 2])).numbers, [1, 300]);
    assert.throws(() => Numbers.decode(new Uint8Array([0x22, 4, 1, 2, 3, 4])), { code: 'damaged' });
  });

  it('refuse values and counts over their limits', () => {
    const long = Inner.encode({ name: 'x'.repeat(101), size: 1 });
    assert.throws(() => Inner.decode(long), { code: 'damaged' });
    const many = Outer.encode({ blobs: Array.from({ length: 5 }, () => new Uint8Array(1)) });
    assert.throws(() => Outer.decode(many), { code: 'damaged' });
    assert.throws(() => Inner.decode(new Uint8Array([0x10, ...new Array(9).fill(0xff), 1])), { code: 'damaged' });
  });

  it('refuse texts that are no UTF-8, and send none', () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xbd, 0xa2], [0xc3]]) {
      const message = new Uint8Array([0x0a, bytes.length, ...bytes]);
      assert.throws(() => Inner.decode(message), { code: 'damaged' });
    }
    assert.equal(Inner.decode(Inner.encode({ name: 'half of \u{1f600}'.slice(0, -1) })).name, 'half of \ufffd');
    assert.equal(Inner.decode(Inner.encode({ name: '\ufeffx' })).name, '\ufeffx');
  });

  it('skip fields that a later version added', () => {
    const later = defineMessage({ name: textField(1, 100), size: countField(2), more: textField(9, 50) });
    const decoded = Inner.decode(later.encode({ name: 'a', size: 2, more: 'later' }));
    assert.deepEqual({ ...decoded }, { name: 'a', size: 2 });
  });

  it('throw nothing but ResettleError, whatever the bytes', () => {
    const codecs = [Outer, HelloRequest, HelloAnswer, PointRequest, PointAnswer];
    const mutated = outer.chain((value) => {
      const bytes = Outer.encode(value);
      return fc.tuple(fc.nat(Math.max(0, bytes.length - 1)), fc.nat(255)).map(([at, byte]) => {
        bytes[at] = byte;
        return bytes;
      });
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        for (const codec of codecs) {
          try {
            codec.decode(bytes);
          } catch (error) {
            assert.ok(error instanceof ResettleError, String(error));
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Without the difference between Buffer and Uint8Array. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one) =>
      one instanceof Uint8Array || one?.type === 'Buffer' ? [...(one.data ?? one)] : one,
    ),
  );
}
