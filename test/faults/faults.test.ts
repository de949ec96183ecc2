import assert from 'node:assert/strict';
import { test } from 'node:test';
import { againCommand, runScenario } from './run-scenario.ts';
import { allScenarios } from './scenarios.ts';

/** Each run of the gate has a seed of its own, the same one every time; `npm run test:faults` takes others. */
const FIRST_SEED = 7;

for (const scenario of await allScenarios()) {
  for (let run = 0; run < scenario.gateRuns; run += 1) {
    test(`${scenario.about} (${scenario.name}, seed ${FIRST_SEED + run})`, async () => {
      const verdict = await runScenario(scenario, FIRST_SEED + run);
      const said = [verdict.failure?.stack, ...verdict.notes, `kept in ${verdict.dir}`, againCommand(verdict)];
      assert.equal(verdict.failure, undefined, said.join('\n'));
    });
  }
}
