import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pruneStore, verifyStore } from '../../../src/api/store-service.ts';
import { systemClock } from '../../../src/common/clock.ts';
import { ResettleError } from '../../../src/common/errors.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { cutAgainAndAgain, inMemory, type Left, lastOf, type Said } from '../power-cut/cuts.ts';
import { record } from '../power-cut/record.ts';
import { command, restoring } from '../power-cut/service.ts';
import { changeTree, copyTree, makeTree } from '../power-cut/trees.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';
import { checkStore } from '../support/store-invariants.ts';

const COUNTS = { states: 150, thorough: 6 };
const MACHINE = new URL('../power-cut/machines/folder.ts', import.meta.url);

const run = (run: Run): Promise<Tally> =>
  inMemory(run, ['home', 'disk'], true, async (dir, roots) => {
    makeTree(join(dir, 'tree-1'), run.random);
    for (const version of [2, 3]) {
      copyTree(join(dir, `tree-${version - 1}`), join(dir, `tree-${version}`));
      changeTree(join(dir, `tree-${version}`), run.random);
    }
    const { recording, status, stderr } = await record(roots, MACHINE, [dir]);
    assert.equal(status, 0, stderr);
    return await cutAgainAndAgain(run, recording, roots, COUNTS, (left) => check(dir, left));
  });

async function check(dir: string, { said, random, isThorough }: Left): Promise<Tally> {
  const home = join(dir, 'home');
  const store = join(dir, 'disk', 'store');
  const into = join(dir, 'into');
  const founded = lastOf<string>(said, 'founded');
  const captured = said.flatMap((line) => ('captured' in line ? [Number(line.captured)] : []));
  const snapshots = (await checkStore(store)).map(({ snapshot }) => snapshot).sort((a, b) => a - b);
  const kept = lastOf(said, 'pruning') === undefined ? captured : captured.slice(-1);
  for (const snapshot of kept)
    assert.ok(snapshots.includes(snapshot), `snapshot ${snapshot} was acknowledged, and is gone`);
  if (lastOf(said, 'pruned') !== undefined) assert.deepEqual(snapshots, kept, 'what was pruned is there again');
  const treeOf = (snapshot: number) => join(dir, `tree-${treesOf(said).get(snapshot) ?? lastOf(said, 'tree')}`);
  const tally = { snapshots: snapshots.length, restored: 0, captured: 0 };
  if (founded !== undefined) {
    assert.equal((await command(home, 'members', {})).peerId, founded, 'the fleet was founded, and is gone');
  }
  if (!isThorough) return tally;
  if (snapshots.length > 0) await verifyStore(groundOf(home), { dir: store });
  const shown = captured.length === 0 ? [] : [...new Set([snapshots.at(-1)!, random.pick(snapshots)])];
  for (const snapshot of shown) {
    rmSync(into, { recursive: true, force: true });
    await command(home, 'restoreFolder', restoring(store, into, { snapshot }));
    assert.deepEqual(compareTrees(treeOf(snapshot), into).differences, []);
    tally.restored += 1;
  }
  tally.captured += await goOn(dir, founded);
  return tally;
}

/** Which tree each snapshot that was acknowledged is of; of one that was cut off behind its descriptor it is the last. */
function treesOf(said: readonly Said[]): Map<number, number> {
  const trees = new Map<number, number>();
  let tree = 0;
  for (const line of said) {
    if ('tree' in line) tree = Number(line.tree);
    if ('captured' in line) trees.set(Number(line.captured), tree);
  }
  return trees;
}

const groundOf = (home: string) => ({
  homeDir: home,
  clock: systemClock,
  signal: new AbortController().signal,
  emit() {},
});

/** The same commands once more. */
async function goOn(dir: string, founded: string | undefined): Promise<number> {
  const home = join(dir, 'home');
  const store = join(dir, 'disk', 'store');
  const tree = copyTree(join(dir, 'tree-3'), join(dir, 'tree'));
  const peerId = founded ?? (await foundedAnew(home));
  const done = await command(home, 'captureFolder', { paths: [tree], dir: store, for: peerId });
  const into = join(dir, 'into');
  rmSync(into, { recursive: true, force: true });
  await checkStore(store);
  await command(home, 'restoreFolder', restoring(store, into, { state: String(done.state) }));
  assert.deepEqual(compareTrees(tree, into).differences, []);
  await pruneStore(groundOf(home), { dir: store, retention: { last: 1 }, dryRun: false });
  await checkStore(store);
  return 1;
}

/** It may have been founded, and not said so. */
async function foundedAnew(home: string): Promise<string> {
  try {
    return String((await command(home, 'fleetInit', { name: 'office' })).peerId);
  } catch (error) {
    if (!(error instanceof ResettleError) || error.code !== 'refused') throw error;
    return String((await command(home, 'members', {})).peerId);
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'power-folder',
    about: 'A power cut amid captures to a folder loses no snapshot that was acknowledged',
    gateRuns: 0,
    run,
  },
];
