/**
 * What an honest transfer keeps beside a flood, compared with a burner that uses as much of the processors as the flood and what
 * it makes the agents do. As root, in a network namespace of its own. `npm run bench:hostile -- --help` says what there is.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { onOwnLoopback } from '../../test/support/own-loopback.ts';
import { describeMachine } from '../machine.ts';
import { spreadOf } from '../result/spread.ts';
import { floods } from './floods.ts';
import { Office, type Transfer } from './office.ts';
import { type Condition, type Round, rateOf, runRound } from './round.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT = 0.7;
const TRANSFERS: readonly Transfer[] = ['capture', 'restore'];
const USAGE = `usage: npm run bench:hostile -- [options]
  --only TEXT       floods whose name has it
  --rounds N        of each, default 5: medians count
  --megabytes N     that each transfer moves, default 200
  --work DIR        where everything is made and removed again, default /dev/shm
  --json FILE       every measurement, default tmp/bench-hostile.json
`;

await onOwnLoopback();
process.once('SIGTERM', () => process.exit(1));
process.once('SIGINT', () => process.exit(1));
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '200' },
    work: { type: 'string', default: '/dev/shm' },
    json: { type: 'string', default: resolve(PROJECT, 'tmp/bench-hostile.json') },
    help: { type: 'boolean', default: false },
  },
});

const middle = (all: readonly number[]): number => spreadOf(all)?.median ?? Number.NaN;

/** Returns whether all that was measured keeps enough. */
function report(name: string, rounds: readonly Round[]): boolean {
  let keeps = true;
  for (const transfer of TRANSFERS) {
    const some = rounds.filter((round) => round.transfer === transfer).map(({ measured }) => measured);
    const seconds = (condition: Condition): string => middle(some.map((one) => one[condition].seconds)).toFixed(1);
    const ratios = some.map(({ flood, burner }) => burner.seconds / flood.seconds);
    const ratio = middle(ratios);
    const rate = middle(some.map(({ flood, alone }) => rateOf(flood, alone)));
    const burnt = middle(some.map(({ burner }) => burner.besideCpuSeconds / burner.seconds));
    const sent = middle(some.map(({ flood }) => flood.sentPerSecond));
    const least = Math.min(...ratios).toFixed(2);
    const most = Math.max(...ratios).toFixed(2);
    keeps &&= ratio >= LIMIT;
    process.stdout.write(
      `${ratio >= LIMIT ? 'ok ' : 'LOW'} ${name.padEnd(28)} ${transfer.padEnd(8)} keeps ${ratio.toFixed(2)} (${least}–${most}); ` +
        `alone ${seconds('alone')} s, flood ${seconds('flood')} s, burner ${seconds('burner')} s; ` +
        `${sent.toFixed(0)} a second; CPU ${rate.toFixed(2)} and ${burnt.toFixed(2)}\n`,
    );
  }
  return keeps;
}

if (values.help) process.stdout.write(USAGE);
else {
  let keeps = true;
  const all: Round[] = [];
  for (const { name } of floods.filter((one) => one.name.includes(values.only))) {
    const office = await Office.open(values.work, Number(values.megabytes));
    const rounds: Round[] = [];
    try {
      for (let number = 0; number < Number(values.rounds); number += 1)
        rounds.push(...(await runRound(office, name, TRANSFERS, number)));
    } finally {
      await office.close();
    }
    keeps = report(name, rounds) && keeps;
    all.push(...rounds);
    mkdirSync(dirname(values.json), { recursive: true });
    writeFileSync(values.json, JSON.stringify({ machine: describeMachine(), rounds: all }, undefined, 1));
  }
  process.exitCode = keeps ? 0 : 1;
}
