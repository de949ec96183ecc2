import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AssociationId } from '../../../src/common/ids.ts';
import { type BatchMate, mayStart, mustStepBack, type Turn } from '../../../src/node/roles/source/jobs/take-turns.ts';

const BATCH = 'ab'.repeat(16);
const idOf = (index: number): AssociationId => index.toString(16).padStart(64, '0') as AssociationId;
const turnOf = (index: number, atOnce: number): Turn => ({ batch: BATCH, atOnce, self: idOf(index) });

type Doing = BatchMate['doing'] | 'done';
const seen = (doing: Doing): BatchMate['doing'] => (doing === 'done' ? 'neither' : doing);
const matesOf = (doings: readonly Doing[], dead: ReadonlySet<number> = new Set()): BatchMate[] =>
  doings.map((doing, index) => ({ association: idOf(index), doing: seen(doing), alive: !dead.has(index) }));

const size = fc.integer({ min: 1, max: 24 });
const limit = fc.integer({ min: 1, max: 8 });

test('where all see the same, those that may start fill the places exactly, and nobody steps back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom<Doing>('waiting', 'capturing', 'neither'), { maxLength: 24 }),
      limit,
      (doings, atOnce) => {
        const mates = matesOf(doings);
        const capturing = doings.filter((doing) => doing === 'capturing').length;
        const waiting = doings.filter((doing) => doing === 'waiting').length;
        const starters = doings.filter(
          (doing, index) => doing === 'waiting' && mayStart(turnOf(index, atOnce), mates),
        ).length;
        assert.equal(starters, Math.max(0, Math.min(waiting, atOnce - capturing)));
        const staying = doings.filter(
          (doing, index) => doing === 'capturing' && !mustStepBack(turnOf(index, atOnce), mates),
        );
        assert.equal(staying.length, Math.min(capturing, atOnce), 'those that are over step back, and no more');
      },
    ),
  );
});

test('a source that is silent and cannot be reached keeps nobody waiting', () => {
  const dead = new Set([0, 1]);
  assert.equal(mayStart(turnOf(2, 1), matesOf(['capturing', 'waiting', 'waiting'], dead)), true);
  assert.equal(mayStart(turnOf(2, 1), matesOf(['capturing', 'neither', 'waiting'])), false);
});

/**
 * Sources whose views lag: each sees the others as they were when news last reached it. A step lets one source act, lets news
 * of one reach another, or ends a capture. After all news has arrived and each has looked again, no more than `atOnce` go on.
 */
test('for any order of news and acts all get through, and once news has settled no more than the limit are at work', () => {
  fc.assert(
    fc.property(
      size,
      limit,
      fc.array(fc.tuple(fc.nat(2), fc.nat(), fc.nat()), { maxLength: 400 }),
      (count, atOnce, steps) => {
        const truth: Doing[] = Array.from({ length: count }, () => 'waiting');
        const views = truth.map(() => [...truth]);
        const say = (index: number, doing: Doing): void => {
          truth[index] = doing;
          views[index]![index] = doing;
        };
        const act = (index: number): void => {
          const mates = matesOf(views[index]!);
          if (truth[index] === 'waiting' && mayStart(turnOf(index, atOnce), mates)) say(index, 'capturing');
          else if (truth[index] === 'capturing' && mustStepBack(turnOf(index, atOnce), mates)) say(index, 'waiting');
        };
        const settle = (): void => {
          for (const view of views) for (const index of truth.keys()) view[index] = truth[index]!;
        };
        for (const [kind, a, b] of steps) {
          const [one, other] = [a % count, b % count];
          if (kind === 0) act(one);
          else if (kind === 1) views[other]![one] = truth[one]!;
          else if (truth[one] === 'capturing') say(one, 'done');
        }
        for (let round = 0; truth.some((doing) => doing !== 'done'); round++) {
          assert.ok(round <= 2 * count, 'it comes to an end');
          settle();
          for (const index of truth.keys()) if (truth[index] === 'capturing') act(index);
          assert.ok(truth.filter((doing) => doing === 'capturing').length <= atOnce);
          settle();
          for (const index of truth.keys()) act(index);
          assert.ok(truth.filter((doing) => doing === 'capturing').length <= atOnce);
          const next = truth.indexOf('capturing');
          assert.ok(next >= 0, 'somebody works while somebody waits');
          say(next, 'done');
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
