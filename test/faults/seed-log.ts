/** What was run so far, and with what end: `seeds.jsonl`, a JSON object a line, one for each scenario of an invocation. */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addTally, type Verdict } from './run-scenario.ts';

const LOG = fileURLToPath(new URL('./seeds.jsonl', import.meta.url));

/** Adds a line for each scenario that was run. */
export function logSeeds(seed: number, verdicts: readonly Verdict[]): void {
  const about = { date: new Date().toISOString().slice(0, 16), commit: commitNow() };
  for (const scenario of new Set(verdicts.map((verdict) => verdict.scenario))) {
    const runs = verdicts.filter((verdict) => verdict.scenario === scenario);
    const tally: Record<string, number> = {};
    for (const run of runs) addTally(tally, run.tally);
    const failed = runs.filter(({ failure }) => failure !== undefined).map((run) => run.seed);
    const line = { ...about, scenario, seed, runs: runs.length, tally, failed };
    appendFileSync(LOG, `${JSON.stringify(line)}\n`);
  }
}

function commitNow(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim();
  } catch {
    return 'unknown';
  }
}
