import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { STANDING_CONNECTIONS_MAX, STANDING_CONNECTIONS_MIN } from '../../src/common/limits.ts';
import { inDialOrder, isLarge, leastConnections } from '../../src/node/membership/partners.ts';

const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));

test('in a small fleet all are connected with all; in a large one fewer are enough', () => {
  assert.ok(!isLarge(STANDING_CONNECTIONS_MAX + 1));
  assert.equal(leastConnections(STANDING_CONNECTIONS_MAX + 1), STANDING_CONNECTIONS_MAX);
  assert.ok(isLarge(STANDING_CONNECTIONS_MAX + 2));
  assert.equal(leastConnections(2000), STANDING_CONNECTIONS_MIN);
});

test('everybody who is known has a turn once, those who were heard and those who are only told of by turns', () => {
  const peer = fc.record({ name: fc.string(), seenBy: fc.subarray(['mdns', 'records'], { minLength: 1 }) });
  fc.assert(
    fc.property(fc.array(peer), (known) => {
      const order = inDialOrder(random, known);
      assert.deepEqual(new Set(order), new Set(known));
      assert.equal(order.length, known.length);
      const heard = order.map(({ seenBy }) => seenBy.includes('mdns'));
      const pairs = 2 * Math.min(heard.filter(Boolean).length, heard.filter((one) => !one).length);
      for (let at = 0; at < pairs; at += 2) assert.notEqual(heard[at], heard[at + 1]);
    }),
  );
});

test('no member is everybody’s first', () => {
  const known = Array.from({ length: 20 }, (_, name) => ({ name, seenBy: ['records'] }));
  const firsts = new Set(Array.from({ length: 400 }, () => inDialOrder(random, known)[0]!.name));
  assert.ok(firsts.size >= 15, `${firsts.size} of 20 were first`);
});
