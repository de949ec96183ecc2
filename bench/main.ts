/**
 * Ours and its peers side by side, on the same data in one run: seconds, peak memory, sizes, ratios, a plot.
 * `npm run bench`; its options are in options.ts. Ends with 1 where a restore of ours differs from the data, or fails.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Bench, type Say } from './bench.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { killDescendants } from './processes.ts';
import { plotOf } from './result/plot.ts';
import { reportOf } from './result/report.ts';
import type { Results } from './result/results.ts';
import { rowsOf } from './result/rows.ts';

const USAGE_EXIT = 2;
const INTERRUPTED_EXIT = 130;

const started = performance.now();
const say: Say = (text) => {
  console.error(`[${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s] ${text}`);
};

function publish(results: Results): void {
  const rows = rowsOf(results);
  process.stdout.write(reportOf(results, rows));
  const { options } = results;
  const plain = { ...results, options: { ...options, figures: [...options.figures] }, rows };
  write(options.json, `${JSON.stringify(plain, undefined, 2)}\n`);
  write(options.plot, plotOf(rows, headlineOf(results)));
}

function headlineOf({ options, machine, census }: Results): string {
  const data = census ? `${census.files} files, ${(census.bytes / 1e6).toFixed(0)} MB; ` : '';
  return `${data}${machine.cores} cores; median of ${options.runs} runs, lowest to highest`;
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  say(`written: ${path}`);
}

/** Ends what this process has started and what is left of it: nothing, unless it was interrupted or failed. */
function cleanUp(work: string): void {
  killDescendants();
  rmSync(work, { recursive: true, force: true, maxRetries: 10 });
}

async function main(options: Options): Promise<void> {
  const work = mkdtempSync(join(options.work, 'resettle-bench-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cleanUp(work);
      process.exit(INTERRUPTED_EXIT);
    });
  }
  try {
    const bench = new Bench(options, work, say);
    publish(await bench.run());
    if (!bench.sound) process.exitCode = 1;
  } finally {
    cleanUp(work);
  }
}

let options: Options | undefined;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = USAGE_EXIT;
}
if (options) await main(options);
