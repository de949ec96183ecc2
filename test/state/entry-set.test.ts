import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DIRECT_ENTRIES_MAX_BYTES, ENTRIES_MAX } from '../../src/common/limits.ts';
import { EncodedEntries, EntrySet, runsOf } from '../../src/state/format/entry-set.ts';

const TOTAL_MAX = 2000;

/** A plan's length and some of its entries, in runs as well as alone. */
const someEntries = fc
  .record({
    total: fc.integer({ min: 1, max: TOTAL_MAX }),
    runs: fc.array(fc.tuple(fc.nat({ max: TOTAL_MAX }), fc.nat({ max: 300 })), { maxLength: 12 }),
  })
  .map(({ total, runs }) => {
    const entries = new Set<number>();
    for (const [start, length] of runs) {
      for (let entry = start; entry < Math.min(total, start + length); entry++) entries.add(entry);
    }
    return { total, entries };
  });

const setOf = (total: number, entries: Iterable<number>): EntrySet => {
  const set = new EntrySet(total);
  for (const entry of entries) set.add(entry);
  return set;
};

const all = (total: number) => Array.from({ length: total }, (_, entry) => entry);

test('a set of entries is what was put in and not taken out', () => {
  fc.assert(
    fc.property(someEntries, fc.array(fc.nat({ max: TOTAL_MAX - 1 })), ({ total, entries }, taken) => {
      const set = setOf(total, entries);
      for (const entry of taken.filter((one) => one < total)) {
        set.delete(entry);
        entries.delete(entry);
      }
      assert.equal(set.size, entries.size);
      assert.deepEqual(
        all(total).filter((entry) => set.has(entry)),
        [...entries].sort((a, b) => a - b),
      );
    }),
  );
  assert.throws(() => new EntrySet(3).add(3), RangeError);
});

test('what is encoded reads back, entry by entry, with gaps, and as runs', () => {
  fc.assert(
    fc.property(someEntries, fc.nat({ max: 7 }), ({ total, entries }, step) => {
      const bytes = setOf(total, entries).encode();
      const read = new EncodedEntries(bytes);
      for (let entry = 0; entry < total + 5; entry += 1 + step) assert.equal(read.has(entry), entries.has(entry));
      const runs = [...runsOf(bytes, total)];
      assert.deepEqual(
        runs.flatMap(({ start, end }) => all(end - start).map((at) => start + at)),
        [...entries].sort((a, b) => a - b),
      );
    }),
  );
});

test('a stretch is passed over only where none of its entries is in the set', () => {
  fc.assert(
    fc.property(someEntries, fc.integer({ min: 1, max: 90 }), ({ total, entries }, stretch) => {
      const read = new EncodedEntries(setOf(total, entries).encode());
      for (let first = 0; first < total; first += stretch) {
        const end = Math.min(total, first + stretch);
        const any = all(end - first).some((at) => entries.has(first + at));
        assert.equal(read.mayHave(first, end), any);
        if (any) for (let entry = first; entry < end; entry++) assert.equal(read.has(entry), entries.has(entry));
      }
    }),
  );
});

/** Throws `damaged` and nothing else, or does not throw. */
function expectOnlyDamaged(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
    return false;
  }
}

test('whatever the bytes are, reading ends, and what is wrong is damaged', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)));
  fc.assert(
    fc.property(bytes, fc.integer({ min: 0, max: 500 }), (list, total) => {
      const encoded = Uint8Array.from(list);
      expectOnlyDamaged(() => {
        const read = new EncodedEntries(encoded);
        for (let entry = 0; entry < 600; entry += 3) read.mayHave(entry, entry + 2);
        return read.has(ENTRIES_MAX);
      });
      expectOnlyDamaged(() => {
        for (const { start, end } of runsOf(encoded, total)) assert.ok(start < end && end <= total);
      });
    }),
  );
});

test('lists that are too long, cut short or beyond any plan are damaged', () => {
  const damaged = { code: 'damaged' };
  assert.throws(() => new EncodedEntries(new Uint8Array(DIRECT_ENTRIES_MAX_BYTES + 1)), damaged);
  assert.throws(() => new EncodedEntries(Uint8Array.of(0x80)).has(0), damaged);
  assert.throws(() => new EncodedEntries(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 1)).has(0), damaged);
  assert.throws(() => new EncodedEntries(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 9)).has(ENTRIES_MAX + 1), damaged);
  assert.throws(() => [...runsOf(Uint8Array.of(2, 4), 5)], damaged);
  assert.deepEqual([...runsOf(Uint8Array.of(2, 3), 5)], [{ start: 2, end: 5 }]);
});
