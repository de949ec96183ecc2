import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomOf } from './random.ts';
import type { Scenario, Tally } from './scenario.ts';

/** What one run came to. */
export interface Verdict {
  readonly scenario: string;
  readonly seed: number;
  /** What the run noted: its faults, in the order of time. */
  readonly notes: readonly string[];
  readonly tally: Tally;
  /** Undefined where all held. */
  readonly failure?: Error;
  /** Kept where the run failed. */
  readonly dir: string;
  readonly seconds: number;
}

/** Does one run in a folder of its own, which stays where it fails. */
export async function runScenario(scenario: Scenario, seed: number): Promise<Verdict> {
  const dir = mkdtempSync(join(tmpdir(), `resettle-${scenario.name}-`));
  const began = performance.now();
  const notes: string[] = [];
  const seconds = (): number => Number(((performance.now() - began) / 1000).toFixed(1));
  const run = { seed, random: randomOf(seed), dir, note: (text: string) => void notes.push(`${seconds()} s: ${text}`) };
  try {
    const tally = await scenario.run(run);
    rmSync(dir, { recursive: true, force: true });
    return { scenario: scenario.name, seed, notes, tally, dir, seconds: seconds() };
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    return { scenario: scenario.name, seed, notes, tally: {}, failure, dir, seconds: seconds() };
  }
}

/** How the same run is had again. */
export function againCommand({ scenario, seed }: Verdict): string {
  return `npm run test:faults -- --only ${scenario} --runs 1 --seed ${seed}`;
}

export function addTally(sum: Record<string, number>, tally: Tally): void {
  for (const [what, count] of Object.entries(tally)) sum[what] = (sum[what] ?? 0) + count;
}
