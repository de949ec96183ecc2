/** The log of runs: what they executed, added up over all of them. */
import { appendFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LOG = fileURLToPath(new URL('runs.jsonl', import.meta.url));

export interface LoggedRun {
  readonly seed: number;
  readonly executions: number;
  readonly uncaught: number;
  readonly targets: Readonly<Record<string, number>>;
}

export function logRun(run: LoggedRun): void {
  appendFileSync(LOG, `${JSON.stringify(run)}\n`);
}

/** All runs as one. */
export function allRuns(): Omit<LoggedRun, 'seed'> & { readonly runs: number } {
  const runs = readFileSync(LOG, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LoggedRun);
  const targets: Record<string, number> = {};
  for (const run of runs) {
    for (const [name, executions] of Object.entries(run.targets)) targets[name] = (targets[name] ?? 0) + executions;
  }
  const sum = (of: (run: LoggedRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
  return { runs: runs.length, executions: sum((run) => run.executions), uncaught: sum((run) => run.uncaught), targets };
}
