/**
 * Points with copies over days of moved time: killed, cut off, drained, full, revoked, their disks damaged. While somebody
 * who is there has all of a state, it comes to be there as often as was asked for, and nothing goes before its time.
 */
import fc from 'fast-check';
import { commandsOf } from '../copies/commands.ts';
import { HOUR_MS } from '../copies/machine.ts';
import { World } from '../copies/world.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';

/** A failing row is made shorter for so long. */
const SHRINK_MAX_MS = 300_000;

async function soak({ seed, note }: Run, points: number, most: number, rows: number): Promise<Tally> {
  let commands = 0;
  let states = 0;
  let movedMs = 0;
  const property = fc.asyncProperty(commandsOf(most), async (row) => {
    const world = await World.open(points);
    try {
      await fc.asyncModelRun(() => ({ model: { states: 0, points, revoked: 0 }, real: world }), row);
      await world.copiesComeBack();
    } finally {
      commands += [...row].length;
      states += world.states.length;
      movedMs += world.movedMs;
      await world.close();
    }
  });
  const options = { seed, numRuns: rows, interruptAfterTimeLimit: SHRINK_MAX_MS, markInterruptAsFailure: false };
  await fc.assert(property, options).catch((error: unknown) => {
    note(`a row of commands for ${points} points failed`);
    throw error;
  });
  return { rows, commands, states, hours: Math.round(movedMs / HOUR_MS) };
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'copies',
    about: 'copies come back and nothing goes before its time, whatever happens to four points over days',
    gateRuns: 1,
    run: (run) => soak(run, 4, 40, 2),
  },
  {
    name: 'copies-long',
    about: 'the same with two to five points, in longer rows',
    gateRuns: 0,
    run: (run) => soak(run, 2 + run.random.integer(4), 250, 1),
  },
];
