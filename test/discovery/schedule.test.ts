import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ASK_LONGEST_WAIT_MS, GAP_MS, Schedule } from '../../src/node/discovery/schedule.ts';

interface Sent {
  readonly asks: number[];
  readonly speaks: number[];
}

/** Lets a schedule run until a time and notes what it does. */
function run(schedule: Schedule, fromMs: number, untilMs: number, sent: Sent = { asks: [], speaks: [] }): Sent {
  let nowMs = fromMs;
  for (;;) {
    const atMs = schedule.nextAtMs();
    if (atMs > untilMs) return sent;
    nowMs = Math.max(nowMs, atMs);
    const { ask, speak } = schedule.due(nowMs);
    assert.ok(ask || speak, 'a time without an action would spin');
    if (ask) sent.asks.push(nowMs);
    if (speak) sent.speaks.push(nowMs);
  }
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - times[index]!);
const randomness = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));

test('it speaks twice at the start and asks after 0, 1, 2, 4 s, and at last once an hour', () => {
  const schedule = new Schedule(() => 0);
  schedule.start(0);
  const { asks, speaks } = run(schedule, 0, 24 * 3_600_000);
  assert.deepEqual(speaks, [20, 20 + GAP_MS + 20]);
  assert.deepEqual(gaps(asks).slice(0, 4), [1000, 2000, 4000, 8000]);
  const steady = gaps(asks).at(-1)!;
  assert.ok(steady <= ASK_LONGEST_WAIT_MS && steady > 0.9 * ASK_LONGEST_WAIT_MS);
});

test('in a hurry it asks at least every few seconds, and afterwards doubles again', () => {
  const schedule = new Schedule(() => 0.5);
  schedule.start(0);
  run(schedule, 0, 10_000_000);
  schedule.hurry(10_000_000, 60_000);
  const { asks } = run(schedule, 10_000_000, 20_000_000);
  assert.ok(asks[0]! - 10_000_000 <= 120);
  const hurried = asks.filter((time) => time <= 10_060_000);
  assert.ok(gaps(hurried).every((gap) => gap <= 4400));
  assert.ok(gaps(asks).at(-1)! > 1_000_000);
});

test('many questions get one answer, and the next not before a second has passed', () => {
  const schedule = new Schedule(() => 0.5);
  const sent: Sent = { asks: [], speaks: [] };
  for (let atMs = 0; atMs < 3000; atMs += 5) {
    schedule.questionHeard(atMs, 0);
    run(schedule, atMs, atMs + 5, sent);
  }
  assert.equal(sent.speaks.length, 3);
  assert.ok(gaps(sent.speaks).every((gap) => gap >= GAP_MS));
});

test('the more neighbours, the wider answers are spread', () => {
  const schedule = new Schedule(() => 0.999);
  schedule.questionHeard(0, 1000);
  assert.ok(schedule.nextAtMs() > 4900 && schedule.nextAtMs() < 5000);
});

test("a question that somebody else asked stands for one's own, but not in a hurry", () => {
  const schedule = new Schedule(() => 0);
  schedule.start(0);
  run(schedule, 0, 900);
  assert.equal(schedule.questionCovered(950), true);
  assert.equal(schedule.nextAtMs() > 2900 || schedule.nextAtMs() === 1040, true);
  schedule.hurry(5000, 10_000);
  assert.equal(schedule.questionCovered(5001), false);
});

test('what is about to run out is asked for, once', () => {
  const schedule = new Schedule(() => 0);
  schedule.refreshAt(5000);
  assert.deepEqual(run(schedule, 0, 100_000).asks, [5000]);
});

test('whatever happens, neither questions nor answers come closer than a second', () => {
  const happening = fc.record({
    afterMs: fc.integer({ min: 0, max: 4000 }),
    what: fc.constantFrom('news', 'hurry', 'question', 'covered', 'refresh', 'start'),
    neighbours: fc.integer({ min: 0, max: 500 }),
  });
  fc.assert(
    fc.property(randomness, fc.array(happening, { maxLength: 60 }), (numbers, happenings) => {
      const schedule = new Schedule(() => numbers.next().value ?? 0);
      const sent: Sent = { asks: [], speaks: [] };
      let nowMs = 0;
      for (const { afterMs, what, neighbours } of happenings) {
        run(schedule, nowMs, nowMs + afterMs, sent);
        nowMs += afterMs;
        if (what === 'news') schedule.news(nowMs);
        if (what === 'hurry') schedule.hurry(nowMs, 5000);
        if (what === 'question') schedule.questionHeard(nowMs, neighbours);
        if (what === 'covered') schedule.questionCovered(nowMs);
        if (what === 'refresh') schedule.refreshAt(nowMs + 1);
        if (what === 'start') schedule.start(nowMs);
      }
      run(schedule, nowMs, nowMs + 20_000, sent);
      for (const gap of [...gaps(sent.asks), ...gaps(sent.speaks)]) assert.ok(gap >= GAP_MS - 1e-6, `gap of ${gap} ms`);
    }),
  );
});
