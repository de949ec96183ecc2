import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PAIRING_COUNTED_PER_HOUR_MAX, PAIRING_FAILURES_MAX, PAIRING_LIFE_MS } from '../../src/common/limits.ts';
import { type Attempt, ShownCode, TypedCode } from '../../src/protocols/pair/guesses.ts';
import { HourlyCap } from '../../src/protocols/pair/hourly-cap.ts';
import type { Credential } from '../../src/protocols/pair/types.ts';
import { HeldClock, MemoryTimes, random, wordsCode } from './support/parties.ts';

const CREDENTIALS: [Credential, Credential] = [wordsCode('acid-zoom'), { kind: 'scan', secret: random(16) }];

function begun(code: ShownCode | TypedCode, kind: 'words' | 'scan' = 'words'): Attempt {
  const attempt = code.begin(kind);
  assert.ok(typeof attempt !== 'string', `refused: ${String(attempt)}`);
  return attempt;
}

describe('a shown code', () => {
  it('is burnt at the second failure, whoever failed, and serves one run at a time', () => {
    const code = new ShownCode('send', CREDENTIALS, new HeldClock());
    for (const left of [1, 0]) {
      const attempt = begun(code);
      assert.equal(code.begin('words'), 'busy');
      attempt.count();
      assert.equal(code.failuresLeft, left);
      attempt.end();
    }
    assert.equal(code.status, 'burnt');
    assert.equal(code.begin('words'), 'over');
    assert.equal(code.begin('scan'), 'over');
  });

  it('is not touched by a run that ended before it was counted', () => {
    const code = new ShownCode('send', CREDENTIALS, new HeldClock());
    for (let times = 0; times < 10; times++) begun(code).end();
    assert.equal(code.failuresLeft, PAIRING_FAILURES_MAX);
    assert.equal(code.status, 'live');
  });

  it('is used up by the first proof, however the run ends', () => {
    const code = new ShownCode('send', CREDENTIALS, new HeldClock());
    const attempt = begun(code);
    attempt.count();
    attempt.useUp();
    attempt.end();
    assert.equal(code.status, 'used');
    assert.equal(code.begin('words'), 'over');
  });

  it('lives ten minutes by whichever clock goes further', () => {
    for (const move of [
      (clock: HeldClock) => clock.pass(PAIRING_LIFE_MS),
      (clock: HeldClock) => {
        clock.steadyMs += PAIRING_LIFE_MS;
      },
      (clock: HeldClock) => {
        clock.wallMs += PAIRING_LIFE_MS;
      },
      (clock: HeldClock) => {
        clock.steadyMs += PAIRING_LIFE_MS;
        clock.wallMs -= PAIRING_LIFE_MS;
      },
    ]) {
      const clock = new HeldClock();
      const code = new ShownCode('send', CREDENTIALS, clock);
      assert.equal(code.status, 'live');
      move(clock);
      assert.equal(code.status, 'expired');
      assert.equal(code.begin('words'), 'over');
    }
  });

  it('keeps its words when the scanned secret fails, and the scanned secret has an end, too', () => {
    const code = new ShownCode('send', CREDENTIALS, new HeldClock());
    let runs = 0;
    for (;;) {
      const attempt = code.begin('scan');
      if (typeof attempt === 'string') break;
      attempt.count();
      attempt.end();
      runs += 1;
      assert.ok(runs < 1000);
    }
    assert.equal(code.failuresLeft, PAIRING_FAILURES_MAX);
    assert.equal(code.status, 'live');
  });

  it('never gives more than two counted runs and one proof, in whatever order runs begin, count and end', () => {
    const step = fc.constantFrom('begin', 'count', 'use-up', 'end', 'withdraw', 'wait');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new HeldClock();
        const code = new ShownCode('send', CREDENTIALS, clock);
        let running: { attempt: Attempt; counted: boolean; proved: boolean } | undefined;
        let [counted, proved] = [0, 0];
        for (const one of steps) {
          if (one === 'begin') {
            const attempt = code.begin('words');
            assert.equal(typeof attempt === 'string', Boolean(running) || code.status !== 'live');
            if (typeof attempt !== 'string') running = { attempt, counted: false, proved: false };
          } else if (one === 'count' && running) {
            running.attempt.count();
            if (!running.counted) counted += 1;
            running.counted = true;
          } else if (one === 'use-up' && running?.counted) {
            running.attempt.useUp();
            if (!running.proved) proved += 1;
            running.proved = true;
          } else if (one === 'end') {
            running?.attempt.end();
            running = undefined;
          } else if (one === 'withdraw') code.withdraw();
          else if (one === 'wait') clock.pass(60_000);
          assert.equal(code.failuresLeft, PAIRING_FAILURES_MAX - counted);
          assert.ok(counted <= PAIRING_FAILURES_MAX && proved <= 1);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a typed code', () => {
  it('is good for one counted run, and for another one after a run that was not counted', () => {
    const code = new TypedCode('send', CREDENTIALS[0]);
    const first = begun(code);
    assert.equal(code.begin(), 'busy');
    first.end();
    assert.equal(code.isSpent, false);
    const second = begun(code);
    second.count();
    second.end();
    assert.equal(code.isSpent, true);
    assert.equal(code.begin(), 'over');
  });
});

describe('the hourly cap', () => {
  it('gives so many in an hour, over all codes, and again as the hour moves on', async () => {
    const [times, clock] = [new MemoryTimes(), new HeldClock()];
    for (let taken = 0; taken < PAIRING_COUNTED_PER_HOUR_MAX; taken++) {
      // A restart: nothing but the stored times remains.
      assert.notEqual(await new HourlyCap(times, clock).take(), undefined);
      clock.pass(1000);
    }
    assert.equal(await new HourlyCap(times, clock).take(), undefined);
    clock.pass(3_600_000 - PAIRING_COUNTED_PER_HOUR_MAX * 1000);
    assert.notEqual(await new HourlyCap(times, clock).take(), undefined);
    assert.equal(await new HourlyCap(times, clock).take(), undefined);
  });

  it('does not count what succeeded', async () => {
    const [times, clock] = [new MemoryTimes(), new HeldClock()];
    const cap = new HourlyCap(times, clock);
    for (let pairing = 0; pairing < 100; pairing++) await cap.giveBack((await cap.take())!);
    assert.deepEqual(times.stored, []);
  });

  it('frees within an hour what a clock that was ahead has counted, and nothing at once', async () => {
    const [times, clock] = [new MemoryTimes(), new HeldClock()];
    times.stored = Array.from({ length: PAIRING_COUNTED_PER_HOUR_MAX }, () => clock.now() + 1e12);
    const cap = new HourlyCap(times, clock);
    assert.equal(await cap.take(), undefined);
    clock.pass(3_600_000);
    assert.notEqual(await cap.take(), undefined);
  });

  it('never lets more through in an hour, however time passes and whatever is given back', async () => {
    const step = fc.oneof(
      fc.constant('take' as const),
      fc.constant('give-back' as const),
      fc.integer({ min: 0, max: 1_800_000 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 150 }), async (steps) => {
        const [times, clock] = [new MemoryTimes(), new HeldClock()];
        const cap = new HourlyCap(times, clock);
        let kept: number[] = [];
        for (const one of steps) {
          if (one === 'take') {
            const taken = await cap.take();
            if (taken !== undefined) kept.push(taken);
          } else if (one === 'give-back') {
            const last = kept.pop();
            if (last !== undefined) await cap.giveBack(last);
          } else clock.pass(one);
          kept = kept.filter((time) => clock.now() - time < 3_600_000);
          assert.ok(kept.length <= PAIRING_COUNTED_PER_HOUR_MAX);
        }
      }),
    );
  });
});
