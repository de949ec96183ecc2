/** What the gate has no time for runs by `npm run test:long`: the same files, with more of everything. */
import { test } from 'node:test';

export const isLong = process.env.RESETTLE_LONG !== undefined;

/** How often a property is tried, in the gate and at length. */
export function runs(gate: number, long: number): number {
  return isLong ? long : gate;
}

/** A test that the gate leaves out: another one there shows the same in less time, or `npm run test:faults` does. */
export const longTest: typeof test = (isLong ? test : () => Promise.resolve()) as typeof test;
