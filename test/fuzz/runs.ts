/** The log of runs by hand: a line for each target of each run, added up over all of them. */
import { appendFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LOG = fileURLToPath(new URL('runs.jsonl', import.meta.url));

export interface LoggedRun {
  readonly seed: number;
  readonly target: string;
  readonly executions: number;
  readonly uncaught: number;
}

/** At once: a run that is ended before its time has its targets in the log. */
export function logRun(run: LoggedRun): void {
  appendFileSync(LOG, `${JSON.stringify(run)}\n`);
}

/** What all runs have executed and found, and the target that was executed least. */
export function allRuns(): { readonly executions: number; readonly uncaught: number; readonly least: string } {
  const lines = readFileSync(LOG, 'utf8').trim().split('\n');
  const runs = lines.map((line) => JSON.parse(line) as LoggedRun);
  const byTarget = new Map<string, number>();
  for (const { target, executions } of runs) byTarget.set(target, (byTarget.get(target) ?? 0) + executions);
  const [least] = [...byTarget].sort(([, a], [, b]) => a - b);
  const sum = (of: (run: LoggedRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
  return {
    executions: sum((run) => run.executions),
    uncaught: sum((run) => run.uncaught),
    least: `${least?.[0]} ${least?.[1]}`,
  };
}
