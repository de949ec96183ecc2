import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskEvent } from '../../src/node/events.ts';
import { DialBackoff } from '../../src/node/membership/address-book.ts';
import { ProgressMeter } from '../../src/node/progress-meter.ts';

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
