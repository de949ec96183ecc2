/** A HOME comes back from a backup: no nonce twice, nothing lost, and whoever has to be told is told. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resettle } from '../../support/agents.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import type { Run, Scenario } from '../scenario.ts';
import { checkSalts } from '../support/pack-salts.ts';
import { NAMES, SmallFleet } from '../support/small-fleet.ts';
import { changeSmallTree, makeSmallTree } from '../support/small-tree.ts';
import { checkStore } from '../support/store-invariants.ts';
import { copyTree } from '../support/tree.ts';
import { until } from '../support/until.ts';

function putBack(backup: string, home: string): void {
  rmSync(home, { recursive: true });
  copyTree(backup, home);
}

/** A source with a store in a folder: its HOME is put back by one to three captures, and it captures on. */
async function ofSource(run: Run): Promise<Record<string, number>> {
  const { random, dir } = run;
  const [home, store, tree, passphrase] = ['home', 'store', 'tree', 'passphrase'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
    string,
  ];
  writeFileSync(passphrase, 'correct horse battery staple\n');
  makeSmallTree(tree, random);
  const versions = new Map<number, string>();
  const capture = async (): Promise<void> => {
    const more = ['--passphrase-file', passphrase, '--home', home];
    const done = await resettle(['capture', tree, '--store', store, ...more]);
    const number = Number(done.snapshot);
    assert.ok(!versions.has(number), `snapshot ${number} was made before`);
    versions.set(number, copyTree(tree, join(dir, `version-${number}`)));
    changeSmallTree(tree, random);
  };
  await capture();
  const backup = join(dir, 'backup');
  copyTree(home, backup);
  const between = 1 + random.integer(2);
  for (let count = 0; count < between; count += 1) await capture();
  run.note(`HOME goes back by ${between} captures`);
  putBack(backup, home);
  await capture();
  await checkStore(store);
  const packs = checkSalts(store);
  for (const [number, version] of versions) {
    const into = join(dir, `into-${number}`);
    const what = ['--snapshot', `${number}`, '--into', into, '--strip', '--yes'];
    await resettle([
      'restore',
      '--store',
      store,
      ...what,
      '--passphrase-file',
      passphrase,
      '--home',
      join(dir, 'desk'),
    ]);
    assert.deepEqual(compareTrees(version, into).differences, [], `snapshot ${number}`);
  }
  return {
    'captures after an old HOME': 1,
    'snapshots restored': versions.size,
    'packs, each with its own salt': packs,
  };
}

/** One machine of a fleet comes back with the HOME that it had before the second capture; the third one and a restore are right. */
async function inFleet(run: Run): Promise<Record<string, number>> {
  const { random, dir } = run;
  const tree = makeSmallTree(join(dir, 'tree'), random);
  const fleet = new SmallFleet(run);
  try {
    await fleet.begin();
    const capture = () => fleet.done('laptop', ['capture', tree, '--for', 'desk', '--wait', '0s']);
    const numbers = [Number((await capture()).snapshot)];
    const old = random.pick(NAMES);
    const backup = join(dir, 'backup');
    await fleet.stop(old);
    copyTree(fleet.home(old), backup);
    await fleet.start(old);
    changeSmallTree(tree, random);
    numbers.push(Number((await capture()).snapshot));
    // Its word is with the others before it forgets it.
    await until('the fleet knows of the second one', async () => {
      const { migrations } = await fleet.done('desk', ['status']);
      return (migrations as { snapshot: number }[]).some(({ snapshot }) => snapshot === numbers[1]);
    });
    await fleet.stop(old);
    putBack(backup, fleet.home(old));
    run.note(`the HOME of ${old} is an old one`);
    await fleet.start(old);
    changeSmallTree(tree, random);
    numbers.push(Number((await capture()).snapshot));
    assert.deepEqual(numbers, [1, 2, 3], `${old} had an old HOME`);
    const into = join(dir, 'into');
    const done = await fleet.done('desk', ['restore', '--from', 'laptop', '--into', into, '--strip']);
    assert.equal(done.snapshot, 3);
    assert.deepEqual(compareTrees(tree, into).differences, []);
    await fleet.end();
    const found = await checkStore(fleet.store);
    assert.deepEqual(found.map(({ snapshot }) => snapshot).sort(), [1, 2, 3]);
    return { [`old HOMEs of ${old}`]: 1, 'packs, each with its own salt': checkSalts(fleet.store) };
  } finally {
    await fleet.end();
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'old-home',
    about: 'A source whose HOME is put back to an older one captures on, and every snapshot stays',
    gateRuns: 0,
    run: ofSource,
  },
  { name: 'old-home-fleet', about: 'A machine of a fleet comes back with an old HOME', gateRuns: 0, run: inFleet },
];
