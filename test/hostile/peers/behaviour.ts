/** What a peer does that no honest one does, and what must come of it. */
import type { Stage } from './stage.ts';

/** What is not over by then was not refused: twice the longest that a request may take. */
const WITHIN_MS = 60_000;
/** The longest of the agent's time limits that one waits for is a minute and a look. */
const SLOW_WITHIN_MS = 120_000;

/** What the hostile machine is to the one that it attacks. */
export type Who =
  | 'stranger'
  | 'member'
  | 'operator'
  | 'revoked member'
  | 'source'
  | 'destination'
  | 'point'
  | 'share holder'
  | 'paired machine'
  | 'in the middle';

export interface Behaviour {
  /** A sentence without its subject: what it does. */
  readonly name: string;
  readonly who: Who;
  /** Of which layer or protocol it is. */
  readonly protocol: string;
  /** What must happen: the reason that `run` asserts. */
  readonly must: string;
  /** It waits for one of the agent's time limits: begun first, looked at last. It needs nothing of the stage but its address. */
  readonly isSlow?: true;
  /** Does it, and throws where it was not refused with that reason. */
  run(stage: Stage): Promise<void>;
}

/** It has not ended: what it holds is held yet. */
export class Stuck extends Error {}

/** Runs one with a bound of its own. Throws where it was not refused, `Stuck` where it never ends. */
export async function runBounded({ run, must, isSlow }: Behaviour, stage: Stage): Promise<void> {
  await within(
    isSlow ? SLOW_WITHIN_MS : WITHIN_MS,
    `it was not refused, and holds what it has; it must be: ${must}`,
    run(stage),
  );
}

/** The work, or `Stuck` with these words when it takes longer. */
export async function within<T>(boundMs: number, words: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Stuck(`after ${boundMs / 1000} s: ${words}`)), boundMs);
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
