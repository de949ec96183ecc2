/** Whose requests are answered when: one peer that asks without end waits, the others do not. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { ANSWER_BURST_MS, ANSWER_MOST_MS, ANSWER_SHARE, ANSWERS_AT_ONCE_PER_PEER } from '../../src/common/limits.ts';
import { Turns } from '../../src/protocols/wire/turns.ts';
import { HeldClock } from '../pair/support/parties.ts';

/** As much of a stream as waiting looks at. */
class TestStream extends EventTarget {
  status = 'open';
  close(): void {
    this.status = 'closed';
    this.dispatchEvent(new Event('close'));
  }
}

const REQUESTS_IN_A_BURST = ANSWER_BURST_MS / ANSWER_MOST_MS;

describe('the turns of peers that ask', () => {
  let clock: HeldClock;
  let turns: Turns;

  beforeEach(() => {
    clock = new HeldClock();
    turns = new Turns(clock);
  });

  const streamOf = (): TestStream & Stream => new TestStream() as TestStream & Stream;
  const ask = (peer: string, tookMs: number): Promise<void> =>
    turns.of(peer)(streamOf(), async () => clock.pass(tookMs));

  it('let a peer have a burst, and then a share, of the time', async () => {
    for (let count = 0; count < REQUESTS_IN_A_BURST * 2; count += 1) {
      if (turns.waitMs('mallory') > 0) break;
      await ask('mallory', ANSWER_MOST_MS);
    }
    const waitMs = turns.waitMs('mallory');
    assert.ok(waitMs > 0, 'it has to wait');
    assert.ok(waitMs <= ANSWER_MOST_MS / ANSWER_SHARE, 'no longer than one request has cost');
    assert.equal(turns.waitMs('honest'), 0);
    clock.pass(waitMs);
    assert.equal(turns.waitMs('mallory'), 0);
    let worked = 0;
    for (const untilMs = clock.steadyMs + 60_000; clock.steadyMs < untilMs; ) {
      clock.pass(turns.waitMs('mallory'));
      await ask('mallory', ANSWER_MOST_MS);
      worked += ANSWER_MOST_MS;
    }
    assert.ok(worked / 60_000 <= ANSWER_SHARE + 0.01, `${worked} of 60000 ms`);
    assert.ok(worked / 60_000 >= ANSWER_SHARE - 0.01, `${worked} of 60000 ms`);
  });

  it('count a request that waits for a disk for a moment only', async () => {
    await ask('honest', 60_000);
    assert.equal(turns.waitMs('honest'), 0);
  });

  it('answer so many of one peer at once, the others in the order in which they came', async () => {
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const asked = Array.from({ length: ANSWERS_AT_ONCE_PER_PEER + 2 }, (_, number) =>
      turns.of('mallory')(streamOf(), () => {
        begun.push(number);
        return new Promise<void>((end) => ends.push(end));
      }),
    );
    await Promise.resolve();
    assert.equal(begun.length, ANSWERS_AT_ONCE_PER_PEER);
    await ask('honest', 1);
    while (ends.length > 0) {
      ends.shift()!();
      await new Promise((next) => setImmediate(next));
    }
    await Promise.all(asked);
    assert.deepEqual(
      begun,
      asked.map((_, number) => number),
    );
  });

  it('forget a request whose stream is over before its turn, and do nothing for it', async () => {
    const end = Promise.withResolvers<void>();
    const running = Array.from({ length: ANSWERS_AT_ONCE_PER_PEER }, () =>
      turns.of('mallory')(streamOf(), () => end.promise),
    );
    const stream = streamOf();
    const waiting = turns.of('mallory')(stream, () => assert.fail('it is answered'));
    stream.close();
    await assert.rejects(waiting, /did not wait/);
    end.resolve();
    await Promise.all(running);
  });

  it('begin by themselves what had to wait', async () => {
    while (turns.waitMs('mallory') === 0) await ask('mallory', ANSWER_MOST_MS);
    const done = ask('mallory', 0);
    // The timer is real, the clock is not.
    clock.pass(60_000);
    await done;
  });
});
