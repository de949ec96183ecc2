/**
 * Faults, in real processes, as many runs as are wanted: what is acknowledged stays, what is delivered is whole.
 * `npm run test:faults -- [--runs N] [--seed S] [--only SCENARIO] [--minutes M]`; run number i has seed S + i.
 */
import { parseArgs } from 'node:util';
import { randomOf } from './random.ts';
import { addTally, againCommand, runScenario, type Verdict } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { allScenarios } from './scenarios.ts';
import { logSeeds } from './seed-log.ts';

const USAGE = 'usage: npm run test:faults -- [--runs N] [--seed S] [--only SCENARIO] [--minutes M]';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly only: string | undefined;
  readonly untilMs: number;
}

function optionsOf(args: string[]): Options {
  const number = { type: 'string' } as const;
  const { values } = parseArgs({ args, options: { runs: number, seed: number, only: number, minutes: number } });
  const { runs = '10', seed = String(Date.now() % 1e9), only, minutes } = values;
  if (![runs, seed, minutes ?? '1'].every((text) => /^\d{1,12}$/.test(text))) throw new Error(USAGE);
  const untilMs = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(minutes) * 60_000;
  return { runs: Number(runs), seed: Number(seed), only, untilMs };
}

function chosenFrom(all: readonly Scenario[], only: string | undefined): readonly Scenario[] {
  const chosen = all.filter(({ name }) => only === undefined || name === only);
  if (chosen.length > 0) return chosen;
  throw new Error(`${USAGE}\n${all.map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`);
}

function show(verdict: Verdict): void {
  const { scenario, seed, notes, failure, dir, seconds, tally } = verdict;
  console.log(`${failure ? 'FAILED' : 'ok'} ${scenario}, seed ${seed}, ${seconds} s ${JSON.stringify(tally)}`);
  for (const note of notes) console.log(`    ${note}`);
  if (failure) console.log(`${failure.stack}\n  everything is kept in ${dir}\n  again: ${againCommand(verdict)}`);
}

let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isStopped = true));

const { runs, seed, only, untilMs } = optionsOf(process.argv.slice(2));
const scenarios = chosenFrom(await allScenarios(), only);
const verdicts: Verdict[] = [];
for (let run = 0; run < runs && !isStopped && Date.now() < untilMs; run += 1) {
  // Of the run's own seed, so that what comes is the same wherever a row begins.
  const scenario = only === undefined ? randomOf(seed + run).pick(scenarios) : scenarios[0]!;
  verdicts.push(await runScenario(scenario, seed + run));
  show(verdicts.at(-1)!);
}
logSeeds(seed, verdicts);
const sum: Record<string, number> = {};
for (const { tally } of verdicts) addTally(sum, tally);
const failed = verdicts.filter(({ failure }) => failure !== undefined);
console.log(`${verdicts.length} runs from seed ${seed}, ${failed.length} failed: ${JSON.stringify(sum)}`);
for (const verdict of failed) console.log(`again: ${againCommand(verdict)}`);
process.exitCode = failed.length > 0 ? 1 : 0;
