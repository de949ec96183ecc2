/**
 * Runs the behaviours one after another and says of each how long it took and what the agent had in memory at most.
 *
 *   npm run test:peers -- [--only TEXT] [--table]
 */
import { parseArgs } from 'node:util';
import { behaviours } from './behaviours/all.ts';
import { Stage } from './stage.ts';

/** A behaviour that has no end has not been refused. */
const STUCK_MS = 90_000;

// Ends the agents too.
process.once('SIGTERM', () => process.exit(1));

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, table: { type: 'boolean' } } });
const chosen = behaviours.filter(({ name, who, protocol }) => `${who} ${protocol} ${name}`.includes(values.only));

if (values.table) {
  process.stdout.write('| who | protocol | does | what must happen |\n|---|---|---|---|\n');
  for (const { who, protocol, name, must } of chosen)
    process.stdout.write(`| ${who} | ${protocol} | ${name} | ${must} |\n`);
} else {
  const stage = await Stage.open();
  let failed = 0;
  try {
    for (const behaviour of chosen) if (!(await runOne(stage, behaviour))) failed += 1;
  } finally {
    await stage.end();
  }
  process.stdout.write(`${chosen.length - failed} of ${chosen.length} refused\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('it never ends')), STUCK_MS);
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

async function runOne(stage: Stage, { run, who, protocol, name }: (typeof behaviours)[number]): Promise<boolean> {
  const startMs = performance.now();
  const logAt = stage.log.length;
  let problem = '';
  stage.forgetPeak();
  try {
    await inTime(run(stage));
    await inTime(stage.honestService());
    stage.assertUnharmed();
  } catch (error) {
    problem = `\n     ${String((error as Error).stack).slice(0, 1500)}\n${stage.log.slice(logAt).slice(-1500)}`;
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const peak = stage.nas.running ? `${Math.round(stage.peakBytes() / 1048576)} MiB` : 'dead';
  process.stdout.write(
    `${problem ? 'BAD ' : 'ok  '} ${seconds.padStart(5)} s ${peak.padStart(8)}  ${who}, ${protocol}: ${name}${problem}\n`,
  );
  return problem === '';
}
