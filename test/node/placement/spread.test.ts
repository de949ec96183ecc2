import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packId } from '../../../src/common/ids.ts';
import { SPREAD_POINTS_MAX } from '../../../src/common/limits.ts';
import type { PackSink, SealedPack } from '../../../src/common/ports.ts';
import { divide } from '../../../src/node/placement/spread.ts';
import { packsBitmap, SpreadSink } from '../../../src/node/roles/source/transfer/spread-sink.ts';
import { packBytesFor } from '../../../src/state/format/index.ts';
import { offer } from './offers.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;
const idOf = (index: number) => packId(index.toString(16).padStart(64, '0'));

/** A pack that says its size and has no memory behind it. */
const pack = (index: number, sizeBytes: number): SealedPack => ({
  id: idOf(index),
  bytes: { length: sizeBytes } as Uint8Array,
});

class Counter implements PackSink {
  bytes = 0;
  async put({ bytes }: SealedPack): Promise<void> {
    this.bytes += bytes.length;
  }
}

/** Packs of a state of about so many bytes: none larger than captures of that size make them. */
const sizes = fc
  .tuple(
    fc.integer({ min: 8 * MIB, max: 1500 * MIB }),
    fc.infiniteStream(fc.oneof(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.constant(1))),
  )
  .map(([total, shares]) => {
    const packs: number[] = [];
    for (let left = total; left > 1024; left -= packs.at(-1)!) {
      const share = shares.next().value as number;
      packs.push(Math.min(left, Math.max(1024, Math.floor(share * packBytesFor(total)))));
    }
    return packs;
  });
const frees = fc.array(fc.integer({ min: 3 * MIB, max: 400 * MIB }), { minLength: 4, maxLength: 12 });

test('where points can take a state together, every pack finds room, and nobody gets more than it reserved', async () => {
  let spread = 0;
  await fc.assert(
    fc.asyncProperty(sizes, frees, async (packs, room) => {
      const bytes = packs.reduce((sum, size) => sum + size, 0);
      const offers = room.map((freeBytes, index) => offer(`p${index}`, { freeBytes }));
      const parts = divide(offers, bytes);
      if (!parts) return;
      spread += parts.length > 1 ? 1 : 0;
      for (const part of parts) assert.ok(part.bytes <= part.offer.freeBytes && part.bytes > 0);
      const counters = parts.map(() => new Counter());
      const sink = new SpreadSink(
        counters.map((counter, index) => ({ sink: counter, roomBytes: parts[index]!.bytes })),
      );
      for (const [index, size] of packs.entries()) await sink.put(pack(index, size), never);
      for (const [index, counter] of counters.entries()) assert.ok(counter.bytes <= parts[index]!.bytes);
      assert.equal(
        counters.reduce((sum, counter) => sum + counter.bytes, 0),
        bytes,
      );
      for (const index of packs.keys()) assert.ok(sink.holderOf(idOf(index)) !== undefined);
    }),
    { numRuns: 300 },
  );
  assert.ok(spread > 10, `${spread} of them were spread`);
});

test('the largest points are taken first, as few as will do, and not more than an event can name', () => {
  const offers = [30, 200, 90, 120].map((mib, index) => offer(`p${index}`, { freeBytes: mib * MIB }));
  const parts = divide(offers, 250 * MIB)!;
  assert.deepEqual(
    parts.map((part) => part.offer.name),
    ['p1', 'p3'],
  );
  const crowd = Array.from({ length: 40 }, (_, index) => offer(`p${index}`, { freeBytes: 60 * MIB }));
  assert.equal(divide(crowd, 39 * 60 * MIB), undefined);
  assert.ok(divide(crowd, 200 * MIB)!.length <= SPREAD_POINTS_MAX);
});

test('points that are closed, too small, or too small together take no part', () => {
  const open = offer('open', { freeBytes: 100 * MIB });
  assert.equal(divide([open, offer('drained', { freeBytes: 1e12, draining: true })], 200 * MIB), undefined);
  assert.equal(divide([open, offer('small', { freeBytes: 10 * MIB })], 105 * MIB), undefined);
  assert.equal(divide([open, offer('second', { freeBytes: 100 * MIB })], 199 * MIB), undefined, 'packs are not cut');
});

test('a pack that fits nowhere ends the capture with a reason', async () => {
  const sink = new SpreadSink([{ sink: new Counter(), roomBytes: 10 }]);
  await assert.rejects(sink.put(pack(0, 11), never), { code: 'no-point' });
});

test('a bitmap has the bits of exactly the packs that are held', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (held) => {
      const packs = held.map((_, index) => ({ id: idOf(index) }));
      const bits = packsBitmap(packs, (id) => held[Number.parseInt(id, 16)]!);
      assert.equal(bits.length, Math.ceil(held.length / 8));
      for (let bit = 0; bit < bits.length * 8; bit++) {
        assert.equal((bits[bit >> 3]! & (1 << (bit & 7))) !== 0, held[bit] ?? false);
      }
    }),
  );
});
