import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeTinyFiles } from './data/tiny-files.ts';
import { FEW_FILES } from './options.ts';
import { oursByFolder } from './ours/folder.ts';
import { oursByPoint } from './ours/point.ts';
import type { ManyRound } from './result/results.ts';
import { type RoundError, runRounds } from './rounds.ts';

/** Ours with few tiny files (`runs` times) and with many (once), both ways; each kind of restore is compared once. */
export async function runMany(
  many: number,
  runs: number,
  work: string,
  say: (text: string) => void,
  failed: (error: RoundError) => void,
): Promise<ManyRound[]> {
  const rounds: ManyRound[] = [];
  for (const [files, times] of [
    [FEW_FILES, runs],
    [many, 1],
  ] as const) {
    const data = join(work, `tiny-${files}`);
    mkdirSync(data);
    say(`making ${files} tiny files`);
    makeTinyFiles(data, files);
    const plan = (run: number) => ({ restore: true, again: false, changed: false, verify: run === 0 });
    await runRounds(
      [oursByPoint, oursByFolder],
      times,
      plan,
      { work, data },
      {
        done(run, round) {
          say(`${files} tiny files, ${round.way}, run ${run + 1} of ${times}: ${secondsOf(round)}`);
          rounds.push({ files, round });
        },
        failed,
      },
    );
    rmSync(data, { recursive: true, force: true });
  }
  return rounds;
}

function secondsOf({ capture, restore }: ManyRound['round']): string {
  return `${capture.seconds.toFixed(1)} s and ${restore?.seconds.toFixed(1)} s`;
}
