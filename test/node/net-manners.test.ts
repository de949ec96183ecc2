import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskEvent } from '../../src/node/events.ts';
import { nearnessOf } from '../../src/node/link/address-order.ts';
import { DialBackoff } from '../../src/node/membership/address-book.ts';
import { ProgressMeter } from '../../src/node/progress-meter.ts';

test('addresses of this machine come first, then those on the wire, then by radio, then elsewhere', () => {
  const entry = (address: string, netmask: string) => ({
    address,
    netmask,
    family: 'IPv4' as const,
    mac: '',
    internal: false,
    cidr: null,
  });
  const interfaces = {
    eth0: [entry('10.1.2.3', '255.255.255.0')],
    wlan0: [entry('10.9.0.3', '255.255.0.0')],
    wlp2s0: [entry('10.1.2.9', '255.255.255.0')],
  };
  const nearness = (address: string) => nearnessOf(address, interfaces);
  assert.equal(nearness('/ip4/127.0.0.1/tcp/1'), 0);
  assert.equal(nearness('/ip4/10.1.2.77/tcp/1'), 1, 'the wire wins where both reach it');
  assert.equal(nearness('/ip4/10.9.7.7/tcp/1'), 2);
  assert.equal(nearness('/ip4/192.0.2.1/tcp/1'), 3);
  assert.equal(nearness('/ip4/999.1.1.1/tcp/1'), 3);
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
