import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timesKept, timesMatch } from '../../src/state/restore/keeps.ts';

const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const SECOND_NS = 1_000_000_000n;

test('how a time is kept decides what counts as the same, and what is kept not at all is held against nothing', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const kept = timesKept(a, b);
      assert.equal(timesMatch(a, b, { times: 'not' }), true);
      assert.equal(timesMatch(a, b, { times: 'exactly' }), kept === 'exactly');
      assert.equal(timesMatch(a, b, { times: 'roughly' }), kept !== 'not');
    }),
  );
});

test('a clock of two seconds is rough, and the time of now in place of another is none', () => {
  fc.assert(
    fc.property(time, fc.bigInt({ min: 1n, max: 2n * SECOND_NS }), (wanted, off) => {
      const rounded = wanted - (((wanted % (2n * SECOND_NS)) + 2n * SECOND_NS) % (2n * SECOND_NS));
      assert.notEqual(timesKept(rounded, wanted), 'not');
      assert.notEqual(timesKept(wanted + off, wanted), 'not');
      assert.equal(timesKept(wanted + off + 2n * SECOND_NS, wanted), 'not');
      assert.equal(timesKept(wanted, wanted), 'exactly');
    }),
  );
});
