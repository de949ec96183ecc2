import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DIRECT_ENTRIES_MAX_BYTES, DIRECT_OFFSETS_MAX } from '../../src/common/limits.ts';
import type { DirectAsk } from '../../src/common/ports.ts';
import { checkAsk, decodeOffsets, encodeOffsets } from '../../src/protocols/direct/ask.ts';

const NOTHING = new Uint8Array(0);

const offsets = fc
  .uniqueArray(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 50 })
  .chain((entries) =>
    fc.tuple(
      ...entries
        .sort((a, b) => a - b)
        .map((entry) => fc.record({ entry: fc.constant(entry), offset: fc.maxSafeNat() }, { noNullPrototype: true })),
    ),
  );

describe('the offsets of an ask', () => {
  it('come back as they were', () => {
    fc.assert(fc.property(offsets, (list) => assert.deepEqual(decodeOffsets(encodeOffsets(list)), list)));
  });

  it('are refused where entries do not ascend, or an offset is beyond 2^53', () => {
    for (const entries of [
      [3, 3],
      [4, 2],
      [0, 0],
    ]) {
      const bytes = encodeOffsets(entries.map((entry) => ({ entry, offset: 1 })));
      assert.throws(() => decodeOffsets(bytes), { code: 'damaged' });
    }
    for (const offset of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const bytes = encodeOffsets([{ entry: 1, offset: 0 }]);
      new DataView(bytes.buffer).setBigUint64(4, offset, true);
      assert.throws(() => decodeOffsets(bytes), { code: 'damaged' });
    }
  });

  it('throw nothing but ResettleError, whatever the bytes', () => {
    const rows = fc.nat(20).chain((count) => fc.uint8Array({ minLength: 12 * count, maxLength: 12 * count }));
    fc.assert(
      fc.property(rows, (bytes) => {
        try {
          assert.equal(decodeOffsets(bytes).length, bytes.length / 12);
        } catch (error) {
          assert.ok(error instanceof ResettleError);
        }
      }),
    );
  });
});

describe('an ask', () => {
  it('within its limits is accepted', () => {
    checkAsk({ what: 'plan', entries: NOTHING, offsets: [] });
    const many = Array.from({ length: DIRECT_OFFSETS_MAX }, (_, entry) => ({ entry, offset: 2 ** 53 - 1 }));
    checkAsk({ what: 'content', entries: new Uint8Array(DIRECT_ENTRIES_MAX_BYTES), offsets: many });
  });

  it('beyond them is refused before it is sent', () => {
    const tooMany = Array.from({ length: DIRECT_OFFSETS_MAX + 1 }, (_, entry) => ({ entry, offset: 0 }));
    const bad: DirectAsk[] = [
      { what: 'content', entries: new Uint8Array(DIRECT_ENTRIES_MAX_BYTES + 1), offsets: [] },
      { what: 'content', entries: NOTHING, offsets: tooMany },
      { what: 'plan', entries: Uint8Array.of(1), offsets: [] },
      ...[-1, 0.5, 2 ** 53, Number.NaN].map((offset) => one({ entry: 0, offset })),
      ...[-1, 0.5, 2 ** 32].map((entry) => one({ entry, offset: 0 })),
    ];
    for (const ask of bad) assert.throws(() => checkAsk(ask), RangeError);
  });

  function one(offset: DirectAsk['offsets'][number]): DirectAsk {
    return { what: 'content', entries: NOTHING, offsets: [offset] };
  }
});
