import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Store } from '../../../src/state/store/index.ts';
import { cutAgainAndAgain, inMemory, type Left, lastOf } from '../power-cut/cuts.ts';
import { record } from '../power-cut/record.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';
import { checkStore } from '../support/store-invariants.ts';

const MACHINE = new URL('../power-cut/machines/points.ts', import.meta.url);
const COUNTS = { states: 250, thorough: 6 };

const run = (run: Run): Promise<Tally> =>
  inMemory(run, ['points'], false, async (dir, roots) => {
    const { recording, status, stderr } = await record(roots, MACHINE, [join(dir, 'points')]);
    assert.equal(status, 0, stderr);
    return await cutAgainAndAgain(run, recording, roots, COUNTS, check);
  });

async function check({ said, isThorough }: Left): Promise<Tally> {
  const tally = { 'snapshots held': 0, 'states deleted': 0 };
  for (const [number, dir] of (lastOf<string[]>(said, 'stores') ?? []).entries()) {
    const found = (await checkStore(dir)).map(({ snapshot }) => snapshot);
    const held = said.flatMap((line) => (line.store === number ? [Number(line.snapshot)] : []));
    if (said.some((line) => line.deleted === number)) {
      assert.deepEqual(found, [], `what point ${number} has deleted is there again`);
      tally['states deleted'] += 1;
    } else if (lastOf(said, 'deleting') === undefined) {
      for (const snapshot of held)
        assert.ok(found.includes(snapshot), `point ${number} held ${snapshot}, and does not`);
    }
    tally['snapshots held'] += found.length;
    if (isThorough && existsSync(join(dir, 'resettle.json'))) await openAgain(dir);
  }
  return tally;
}

/** Its owner opens it, and what is unfinished goes. */
async function openAgain(dir: string): Promise<void> {
  const before = await checkStore(dir);
  const store = await Store.open(dir, { buffers: 1 });
  try {
    for (const { stateId, snapshots } of await store.states()) {
      const packs = (await store.packs(stateId)).map(({ id, sizeBytes }) => ({ id, sizeBytes }));
      assert.deepEqual(await store.verifyPacks(stateId, packs, () => {}), [], `packs of ${snapshots.join()} are whole`);
    }
  } finally {
    await store.close();
  }
  assert.deepEqual(await checkStore(dir), before);
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'power-points',
    about: 'What points have signed a receipt for is there after a power cut, and what they deleted is not',
    gateRuns: 1,
    run,
  },
];
