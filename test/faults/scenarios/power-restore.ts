import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ResettleError } from '../../../src/common/errors.ts';
import { attributesIn, compareTrees } from '../../support/compare-trees.ts';
import { crash } from '../power-cut/crash.ts';
import { cutAgainAndAgain, inMemory, type Left, lastOf } from '../power-cut/cuts.ts';
import { materialise } from '../power-cut/materialise.ts';
import type { Tree } from '../power-cut/operations.ts';
import { record } from '../power-cut/record.ts';
import { command, restoring } from '../power-cut/service.ts';
import { textOf } from '../power-cut/tree-text.ts';
import { copyTree, makeTarget, makeTree } from '../power-cut/trees.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';

const MACHINE = new URL('../power-cut/machines/restore.ts', import.meta.url);
const POLICIES = ['replace', 'keep-both', 'skip', 'newer'] as const;
type Policy = (typeof POLICIES)[number];
/** In the model: the second volume's. */
const TARGET = '1/target';

const runOf = (states: number) => (run: Run) =>
  inMemory(run, ['home', 'place'], run.random.integer(2) === 0, async (dir, roots) => {
    const policy = run.random.pick(POLICIES);
    await prepare(dir, run);
    const stops = [run.random.integer(2) * (1 + run.random.integer(6)), run.random.integer(2)].map(String);
    const { recording, status, stderr } = await record(roots, MACHINE, [dir, policy, ...stops]);
    assert.equal(status, 0, stderr);
    const isApart = recording.before.items.get(recording.before.roots[1]!)!.made.volume === 1;
    run.note(
      `${policy}, ${isApart ? 'another disk than HOME' : 'the disk of HOME'}, interrupted after ${stops.join(' and ')} events`,
    );
    const restoredAt = recording.operations.findIndex((one) => one.type === 'said' && one.text.includes('"restored"'));
    const after = crash(recording, { profile: 'posix', at: restoredAt, names: 100, data: 100 }, run.random);
    materialise(after, [join(dir, 'home-after'), join(dir, 'after')]);
    const counts = { states, thorough: states, profiles: ['journaled', 'xfs', 'ext4'] as const };
    const world = { dir, policy, untimed: untimedIn(after) };
    return await cutAgainAndAgain(run, recording, roots, counts, (left) => check(world, left));
  });

/** A store with a captured tree, and a target that has things of its own. */
async function prepare(dir: string, run: Run): Promise<void> {
  const tree = makeTree(join(dir, 'tree'), run.random);
  const { peerId } = await command(join(dir, 'home'), 'fleetInit', { name: 'office' });
  await command(join(dir, 'home'), 'captureFolder', { paths: [tree], dir: join(dir, 'store'), for: String(peerId) });
  makeTarget(join(dir, 'place', 'target'), run.random);
  copyTree(join(dir, 'place'), join(dir, 'before'));
}

interface World {
  readonly dir: string;
  readonly policy: Policy;
  /** What the restore leaves with the time of its last change. */
  readonly untimed: ReadonlySet<string>;
}

/**
 * Items of the target whose time nobody set, as differences name them. The target's own depends on whether an earlier run
 * had begun to fill it.
 */
function untimedIn(after: Tree): Set<string> {
  const lines = [...textOf(after)].filter(([path, line]) => path.startsWith(TARGET) && !/ time -?\d+$/.test(line));
  return new Set(['. has mtime ', ...lines.map(([path]) => `.${path.slice(TARGET.length)} has mtime `)]);
}

async function check({ dir, policy, untimed }: World, { said, random }: Left): Promise<Tally> {
  const home = join(dir, 'home');
  const isBefore = () => assertSame(join(dir, 'before', 'target'), join(dir, 'place', 'target'), 'as it was before');
  const isAfter = () => {
    assertSame(join(dir, 'after', 'target'), join(dir, 'place', 'target'), 'as it is restored', untimed);
  };
  if (lastOf(said, 'undone') !== undefined) {
    isBefore();
    return { 'after the undo': 1 };
  }
  if (lastOf(said, 'undoing') !== undefined) {
    await undone(home);
    isBefore();
    return { 'undone once more': 1 };
  }
  const restored = lastOf<string>(said, 'restored');
  if (restored !== undefined) isAfter();
  else if (random.integer(2) === 0) {
    const done = restoring(join(dir, 'store'), join(dir, 'place', 'target'), { onConflict: policy });
    await command(home, 'restoreFolder', done);
    isAfter();
  }
  await undone(home);
  isBefore();
  return restored === undefined ? { 'restores gone on with or taken back': 1 } : { 'restored, and taken back': 1 };
}

/** Takes everything back that can be. */
async function undone(home: string): Promise<void> {
  try {
    let { earlier } = await command(home, 'undo', {});
    while (earlier !== null) ({ earlier } = await command(home, 'undo', { restore: String(earlier) }));
  } catch (error) {
    if (!(error instanceof ResettleError) || error.code !== 'not-found') throw error;
  }
}

function assertSame(as: string, dir: string, what: string, untimed: ReadonlySet<string> = new Set()): void {
  const differences = compareTrees(as, dir).differences.filter(
    (one) => !untimed.has(one.replace(/\d+ instead.*$/, '')),
  );
  assert.deepEqual(differences, [], what);
  assert.deepEqual(attributesIn(dir), attributesIn(as), what);
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'power-restore',
    about: 'A restore that a power cut ended is gone on with or taken back, and the target is whole in both',
    gateRuns: 0,
    run: runOf(60),
  },
];
