/** Points that lie, against a real source. What is not seen here: test/node/source/capture.test.ts. */
import assert from 'node:assert/strict';
import type { Faults } from '../../../node/source/support/fake-point.ts';
import type { Ended } from '../../../support/agents.ts';
import type { Behaviour } from '../behaviour.ts';
import { EvilPoint } from '../evil-point.ts';

const point = { who: 'point', protocol: 'point, blocks', isSlow: true } as const;

/** It was sent all, and has said that it took it. */
const wasTaken = ({ stdout }: Ended, { commits }: EvilPoint): void => assert.equal(commits, 1, stdout);

/** A capture to it, by the real program, which must not say that the old disk may be wiped. */
const neverSafe =
  (faults: Faults, then: (ended: Ended, evil: EvilPoint) => void = wasTaken): Behaviour['run'] =>
  async (stage) => {
    const evil = await EvilPoint.open(stage, faults);
    try {
      const ended = await evil.capture();
      assert.notEqual(ended.last.safe, true, ended.stdout);
      assert.doesNotMatch(ended.stdout, /"safe":true/);
      then(ended, evil);
    } finally {
      await evil.end();
    }
  };

const hasFailed = (says: RegExp): ((ended: Ended) => void) => {
  return ({ last, stdout }) => {
    assert.equal(last.event, 'error', stdout);
    assert.match(`${last.message}`, says);
  };
};

export const points: readonly Behaviour[] = [
  {
    ...point,
    name: 'says of each pack that it has it, signs for it, and keeps nothing',
    must: 'what is read back does not come: never "safe to wipe"',
    run: neverSafe({ keepsNothing: true }),
  },
  {
    ...point,
    name: 'gives other bytes back than it was given',
    must: 'what is read back does not open: never "safe to wipe"',
    run: neverSafe({ wrongBytes: true }),
  },
  {
    ...point,
    name: 'takes all of it and signs no receipt',
    must: 'never "safe to wipe"',
    run: neverSafe({ signsNothing: true }),
  },
  {
    ...point,
    name: 'answers the commit with a receipt for something else (an old one, another snapshot’s)',
    must: 'it counts for nothing: never "safe to wipe"',
    run: neverSafe({ signsOther: true }),
  },
  {
    ...point,
    name: 'says that it has endless room, and then refuses every pack',
    must: 'the capture ends with an error that names it',
    run: neverSafe({ capacity: { freeBytes: Number.MAX_SAFE_INTEGER }, full: true }, hasFailed(/evil\d|point/)),
  },
];
