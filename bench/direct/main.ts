/**
 * A move from one machine to the next by `send` and `receive`, beside tar over ssh and rsync, on the same data in one run.
 * `npm run bench:direct`; its options are in options.ts. Ends with 1 where a move of ours differs from the data, or fails.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { namespacesMissing } from '../../test/discovery/support/namespace.ts';
import { describeMachine } from '../machine.ts';
import { missing } from '../peers/index.ts';
import { killDescendants } from '../processes.ts';
import { DirectBench } from './bench.ts';
import { figuresOf, rowsOf } from './figures.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { ours } from './ours.ts';
import { Link, loopback, type Place } from './place.ts';
import { textOf } from './print.ts';

const FAILED_EXIT = 1;
const USAGE_EXIT = 2;
const INTERRUPTED_EXIT = 130;

const started = performance.now();
const say = (text: string): void => {
  console.error(`[${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s] ${text}`);
};

/** Why there can be no such place here, or undefined. */
function impossible({ link }: Options): string | undefined {
  if (link === undefined) return undefined;
  return missing(['ip', 'tc']) ?? (namespacesMissing() || undefined);
}

async function main(options: Options): Promise<void> {
  const work = mkdtempSync(join(options.work, 'resettle-direct-'));
  const link = options.link === undefined ? undefined : new Link(options.link);
  const place: Place = link ?? loopback;
  // Namespaces last: what runs in one keeps it alive.
  const cleanUp = (): void => {
    killDescendants();
    place[Symbol.dispose]();
    rmSync(work, { recursive: true, force: true, maxRetries: 10 });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      cleanUp();
      process.exit(INTERRUPTED_EXIT);
    });
  }
  try {
    await link?.connect();
    const bench = new DirectBench(options, work, place, say);
    await bench.run();
    publish(options, place, bench);
    if (!bench.sound) process.exitCode = FAILED_EXIT;
  } finally {
    cleanUp();
  }
}

function publish(options: Options, place: Place, { rounds, censuses, leftOut }: DirectBench): void {
  const machine = describeMachine();
  const rows = rowsOf(rounds);
  const figures = figuresOf(rows, ours.name, options.link !== undefined);
  const data = Object.entries(censuses).map(
    ([name, { files, bytes }]) => `${name}: ${files} files, ${(bytes / 1e6).toFixed(0)} MB`,
  );
  const headline = `${place.name}; ${data.join('; ')}; ${machine.cores} cores; medians of ${options.runs} runs`;
  process.stdout.write(textOf(headline, rows, figures));
  const all = { options, place: place.name, machine, censuses, leftOut, rows, figures, rounds };
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(all, undefined, 2)}\n`);
  say(`written: ${options.json}`);
}

let options: Options | undefined;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = USAGE_EXIT;
}
if (options) {
  const why = impossible(options);
  if (why === undefined) await main(options);
  else {
    console.error(`--link cannot be measured here: ${why}`);
    process.exitCode = FAILED_EXIT;
  }
}
