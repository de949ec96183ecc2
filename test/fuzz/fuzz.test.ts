import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fuzz } from './engine.ts';
import { TARGETS } from './targets/index.ts';
import { Watchdog } from './watchdog.ts';

/** Of a target with the weight 1: all of them together take some ten seconds. */
const EXECUTIONS = Number(process.env.RESETTLE_FUZZ_EXECUTIONS ?? 200);
/** Its seeds, and a few. */
const EXECUTIONS_MIN = 24;
const SEED = Number(process.env.RESETTLE_FUZZ_SEED ?? Date.now() % 1_000_000_000);

const watchdog = new Watchdog();
after(() => watchdog.stop());

for (const target of TARGETS) {
  test(`${target.name}: bytes from anybody are taken whole or refused`, async () => {
    const executions = Math.max(EXECUTIONS_MIN, Math.round(EXECUTIONS * (target.weight ?? 1)));
    const { faults } = await fuzz(target, { seed: SEED, executions, counted: 0, watchdog });
    const told = faults.map(
      ({ finding, path }) => `${path}\n${finding.message}\n${(finding.cause as Error)?.stack ?? ''}`,
    );
    assert.equal(
      faults.length,
      0,
      `RESETTLE_FUZZ_SEED=${SEED} RESETTLE_FUZZ_EXECUTIONS=${EXECUTIONS}\n${told.join('\n')}`,
    );
  });
}
