import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TaskEvent } from '../../src/node/events.ts';
import { DialBackoff } from '../../src/node/membership/address-book.ts';
import { lackOf, type Offer, rankOffers } from '../../src/node/placement/rank.ts';
import { ProgressMeter } from '../../src/node/progress-meter.ts';

const offer = fc.record({
  name: fc.string({ minLength: 1, maxLength: 4 }),
  freeBytes: fc.nat(1000),
  clients: fc.nat(4),
  maxClients: fc.integer({ min: 1, max: 4 }),
  draining: fc.boolean(),
});

test('the best offer comes first, none that lacks anything is taken, none that lacks nothing is left out', () => {
  fc.assert(
    fc.property(fc.array(offer), fc.nat(1000), (offers: Offer[], bytes) => {
      const ranked = rankOffers(offers, bytes);
      for (const one of offers) assert.equal(ranked.includes(one), lackOf(one, bytes) === undefined);
      for (const [index, one] of ranked.entries()) {
        const next = ranked[index + 1];
        if (next) assert.ok(one.freeBytes >= next.freeBytes);
      }
    }),
  );
});

test('what an offer lacks is said in words', () => {
  const good: Offer = { name: 'nas', freeBytes: 1000, clients: 0, maxClients: 1, draining: false };
  assert.equal(lackOf(good, 1000), undefined);
  assert.match(lackOf(good, 1001)!, /1000 B free of the 1001 B needed/);
  assert.match(lackOf({ ...good, draining: true }, 1)!, /draining/);
  assert.match(lackOf({ ...good, clients: 1 }, 1)!, /1 of at most 1/);
});

test('failed dials wait longer and longer, up to a minute, and are forgotten at the first success', () => {
  const backoff = new DialBackoff();
  let nowMs = 0;
  const waits: number[] = [];
  for (let failures = 0; failures < 9; failures++) {
    backoff.failed('peer', nowMs);
    let waitMs = 0;
    while (!backoff.mayTry('peer', nowMs + waitMs)) waitMs += 500;
    waits.push(waitMs);
    nowMs += waitMs;
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  backoff.succeeded('peer');
  assert.ok(backoff.mayTry('peer', nowMs));
});

test('progress tells rate and time left, not more than four times a second, and always the last step', () => {
  let nowMs = 0;
  const events: Extract<TaskEvent, { event: 'progress' }>[] = [];
  const meter = new ProgressMeter({ now: () => nowMs, monotonicMs: () => nowMs }, (event) => {
    if (event.event === 'progress') events.push(event);
  });
  for (nowMs = 0; nowMs <= 1000; nowMs += 10) {
    meter.onProgress({ phase: 'capture', bytes: nowMs, totalBytes: 2000, files: 0, totalFiles: 0 });
  }
  assert.ok(events.length <= 5, `${events.length} events in a second`);
  assert.equal(events.at(-1)!.bytesPerSecond, 1000);
  assert.equal(events.at(-1)!.secondsLeft, 1);
  nowMs = 1010;
  meter.onProgress({ phase: 'capture', bytes: 2000, totalBytes: 2000, files: 0, totalFiles: 0 });
  meter.finish();
  assert.equal(events.at(-1)!.bytes, 2000);
  assert.equal(events.at(-1)!.secondsLeft, 0);
});
