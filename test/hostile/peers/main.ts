/**
 * Runs the behaviours one after another and says of each how long it took and what the agent had in memory at most.
 *
 * In a network namespace of its own, as root.
 *
 *   npm run test:peers -- [--only TEXT] [--table]
 */
import { parseArgs } from 'node:util';
import { onOwnLoopback } from '../../support/own-loopback.ts';
import { type Behaviour, runBounded, Stuck, within } from './behaviour.ts';
import { behaviours } from './behaviours/all.ts';
import { Stage } from './stage.ts';

const SERVICE_WITHIN_MS = 60_000;
const END_WITHIN_MS = 20_000;

await onOwnLoopback();
// Ends the agents too.
process.once('SIGTERM', () => process.exit(1));

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, table: { type: 'boolean' } } });
const chosen = behaviours.filter(({ name, who, protocol }) => `${who} ${protocol} ${name}`.includes(values.only));

if (values.table) {
  process.stdout.write('| who | protocol | does | what must happen |\n|---|---|---|---|\n');
  for (const { who, protocol, name, must } of chosen)
    process.stdout.write(`| ${who} | ${protocol} | ${name} | ${must} |\n`);
} else {
  let stage = await Stage.open();
  let failed = 0;
  let peakBytes = 0;
  try {
    for (const behaviour of chosen) {
      const outcome = await runOne(stage, behaviour);
      if (!outcome.isRefused) failed += 1;
      peakBytes = Math.max(peakBytes, outcome.peakBytes);
      if (!outcome.isSpoilt) continue;
      // What has no end would disturb those that follow, and has no end that could be waited for.
      await within(END_WITHIN_MS, 'the stage does not end', stage.end()).catch(() => {});
      stage = await Stage.open();
    }
  } finally {
    await stage.end();
  }
  process.stdout.write(`${chosen.length - failed} of ${chosen.length} refused; peak ${mib(peakBytes)} MiB\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function mib(bytes: number): string {
  return String(Math.round(bytes / 1048576));
}

interface Outcome {
  readonly isRefused: boolean;
  readonly peakBytes: number;
  /** The stage is good for nothing more. */
  readonly isSpoilt: boolean;
}

async function runOne(stage: Stage, behaviour: Behaviour): Promise<Outcome> {
  const { who, protocol, name } = behaviour;
  const startMs = performance.now();
  const logAt = stage.log.length;
  let problem = '';
  let isStuck = false;
  stage.forgetPeak();
  try {
    await runBounded(behaviour, stage);
    await within(SERVICE_WITHIN_MS, 'an honest member is not served', stage.honestService());
    stage.assertUnharmed();
  } catch (error) {
    isStuck = error instanceof Stuck;
    problem = `\n     ${String((error as Error).stack).slice(0, 1500)}\n${stage.log.slice(logAt).slice(-1500)}`;
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const { running } = stage.nas;
  const peakBytes = running ? stage.peakBytes() : 0;
  const memory = running ? `${mib(peakBytes)} MiB` : 'dead';
  process.stdout.write(
    `${problem ? 'BAD ' : 'ok  '} ${seconds.padStart(5)} s ${memory.padStart(8)}  ${who}, ${protocol}: ${name}${problem}\n`,
  );
  return { isRefused: problem === '', peakBytes, isSpoilt: isStuck || !running };
}
