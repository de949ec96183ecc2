/**
 * `npm run test:fuzz -- --executions N --seed S [--only TARGET,…] [--minutes M] [--keep] [--log]`. Each target has a process
 * of its own, so that memory, crashes and hangs are its own too. `--keep` adds to the corpus, `--log` to the log of runs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzz } from './engine.ts';
import { addToCorpus } from './kept.ts';
import { allRuns, logRun } from './runs.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets/index.ts';
import { Watchdog } from './watchdog.ts';

const { values } = parseArgs({
  options: {
    executions: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    only: { type: 'string' },
    minutes: { type: 'string' },
    keep: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
});
/** Blocks are counted in so many of the first executions. */
const COUNTED_MAX = 20_000;
/** However little its weight, a target has at least so many of the executions that are its even share. */
const EXECUTIONS_MIN = 20_000;
const HEAP_MIB = 512;

interface Line {
  readonly executions: number;
  readonly faults: number;
}

async function fuzzOne(target: Target, executions: number, seed: number, endsAtMs: number): Promise<Line> {
  const { name } = target;
  Error.stackTraceLimit = 0;
  const watchdog = new Watchdog();
  const started = performance.now();
  const options = {
    seed,
    executions,
    counted: Math.min(COUNTED_MAX, executions),
    watchdog,
    isOver: () => Date.now() > endsAtMs,
  };
  const report = await fuzz(target, options);
  await watchdog.stop();
  const added = values.keep ? addToCorpus(name, report.found) : 0;
  const rate = Math.round(report.executions / ((performance.now() - started) / 1000));
  const peakMib = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${name}: ${report.executions} executions, ${rate}/s, ${Math.round((100 * report.taken) / report.executions)} % taken, ` +
      `${report.found.length} new inputs (${added} kept), ${report.blocks} blocks, ${peakMib} MiB, ${report.faults.length} uncaught`,
  );
  for (const { finding, path } of report.faults) {
    console.log(`  ${path}\n  ${finding.message}`);
    console.log(`  ${finding.cause instanceof Error ? finding.cause.stack : ''}`);
  }
  return { executions: report.executions, faults: report.faults.length };
}

/** The same in a process of its own. One that dies counts as a fault. */
async function fuzzApart(name: string, executions: number, seed: number, minutes: number | undefined): Promise<Line> {
  const child = spawn(
    process.execPath,
    [
      ...[`--max-old-space-size=${HEAP_MIB}`, '--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url)],
      ...[
        '--only',
        name,
        '--executions',
        String(executions),
        '--seed',
        String(seed),
        ...(values.keep ? ['--keep'] : []),
      ],
      ...(minutes === undefined ? [] : ['--minutes', String(minutes)]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    process.stdout.write(text);
  });
  const [status] = await once(child, 'close');
  const [, done, faults] = /: (\d+) executions.* (\d+) uncaught/.exec(said) ?? [];
  if (done === undefined) console.log(`${name}: the process ended with ${status}; seed ${seed}`);
  return { executions: Number(done ?? 0), faults: Number(faults ?? 1) };
}

async function fuzzAll(
  chosen: readonly Target[],
  executions: number,
  seed: number,
  minutes: number | undefined,
): Promise<number> {
  const least = Math.min(EXECUTIONS_MIN, Math.ceil(executions / chosen.length));
  const weights = chosen.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const targets: Record<string, number> = {};
  let uncaught = 0;
  for (const { name, weight = 1 } of chosen) {
    const share = weight / weights;
    const wanted = Math.max(least, Math.round(executions * share));
    const line = await fuzzApart(name, wanted, seed, minutes === undefined ? undefined : minutes / chosen.length);
    targets[name] = line.executions;
    uncaught += line.faults;
  }
  const total = Object.values(targets).reduce((sum, one) => sum + one, 0);
  console.log(`${chosen.length} targets, ${total} executions, ${uncaught} uncaught, seed ${seed}`);
  if (values.log) logRun({ seed, executions: total, uncaught, targets });
  if (values.log) console.log(`all runs: ${allRuns().executions} executions, ${allRuns().uncaught} uncaught`);
  return uncaught;
}

const [executions, seed] = [Number(values.executions), Number(values.seed)];
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const chosen = targetsOf(values.only);
const [first] = chosen;
const isOne = chosen.length === 1 && first !== undefined;
const endsAtMs = Date.now() + (minutes ?? Number.POSITIVE_INFINITY) * 60_000;
const uncaught = isOne
  ? (await fuzzOne(first, executions, seed, endsAtMs)).faults
  : await fuzzAll(chosen, executions, seed, minutes);
process.exitCode = uncaught === 0 ? 0 : 1;

function targetsOf(names: string | undefined): readonly Target[] {
  if (names === undefined) return TARGETS;
  return names.split(',').map((name) => {
    const target = TARGETS.find((one) => one.name === name);
    if (!target) throw new Error(`there is no target ${name}: ${TARGETS.map((one) => one.name).join(' ')}`);
    return target;
  });
}
