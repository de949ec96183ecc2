/** A disk that says EIO between two steps, or becomes read-only: the command says so, and the same command goes on. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, type Ended } from '../../support/agents.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { mountTmpfs, remount, unmount } from '../../support/disks.ts';
import { bytesBelow } from '../../support/trees.ts';
import type { Run, Scenario } from '../scenario.ts';
import { checkSalts } from '../support/pack-salts.ts';
import { changeSmallTree, makeSmallTree } from '../support/small-tree.ts';
import { checkStore } from '../support/store-invariants.ts';
import { until } from '../support/until.ts';

/** Of those that a command passes; the failure comes at one of them. */
const PASSED_MAX = 40;

/** An end that tells: done, or one error with a code, in one line, with what to do. */
function checkEnd(ended: Ended, what: string): boolean {
  if (ended.status === 0) return true;
  const said = `${what}: ${ended.status} ${ended.signal} ${ended.stdout.slice(-2000)}${ended.stderr}`;
  assert.equal(ended.last.event, 'error', said);
  assert.ok(typeof ended.last.hint === 'string' && ended.last.hint !== '', said);
  assert.ok(!String(ended.last.message).includes('\n'), said);
  return false;
}

interface Ground {
  readonly run: Run;
  readonly dir: string;
  readonly tally: Record<string, number>;
}

const command = (args: readonly string[], home: string, env: NodeJS.ProcessEnv = {}): Command =>
  new Command([...args, '--json', '--home', home], { env });

/** A command with one failing write; then the same command, which must be done. */
async function withFailure({ run, tally }: Ground, args: readonly string[], home: string): Promise<Ended> {
  const spec = `*:${1 + run.random.integer(PASSED_MAX)}:fail`;
  const ended = await command(args, home, { RESETTLE_FAILPOINT: spec }).ended;
  const isDone = checkEnd(ended, `${args[0]} with ${spec}`);
  run.note(`${args[0]} with ${spec}: ${isDone ? 'done' : String(ended.last.message)}`);
  tally[`${args[0]} with a write that failed`] = (tally[`${args[0]} with a write that failed`] ?? 0) + 1;
  if (isDone && args[0] !== 'capture') return ended;
  const again = await command(args, home).ended;
  assert.equal(again.status, 0, `${args[0]} after ${spec}: ${again.stdout.slice(-2000)}${again.stderr}`);
  return again;
}

async function failingWrites(run: Run): Promise<Record<string, number>> {
  const { random, dir } = run;
  const ground: Ground = { run, dir, tally: {} };
  const [home, desk, store, into] = ['home', 'desk', 'store', 'into'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
    string,
  ];
  const passphrase = ['--passphrase-file', join(dir, 'passphrase')];
  writeFileSync(passphrase[1]!, 'correct horse battery staple\n', { mode: 0o600 });
  const tree = makeSmallTree(join(dir, 'tree'), random);
  for (let round = 0; round < 2; round += 1) {
    await withFailure(ground, ['capture', tree, '--store', store, ...passphrase], home);
    await checkStore(store);
    if (round === 0) changeSmallTree(tree, random);
  }
  checkSalts(store);
  await withFailure(ground, ['restore', '--store', store, '--into', into, '--strip', '--yes', ...passphrase], desk);
  assert.deepEqual(compareTrees(tree, into).differences, []);
  await withFailure(ground, ['undo'], desk);
  assert.equal(existsSync(into), false, 'what was made is undone');
  return ground.tally;
}

function isReadOnly(disk: string): boolean {
  try {
    remount(disk, 'ro');
    return true;
  } catch {
    return false;
  }
}

/** The store's disk, or the target's, becomes read-only in the middle. */
async function readOnly(run: Run): Promise<Record<string, number>> {
  const { random, dir } = run;
  const disk = join(dir, 'disk');
  const all: Command[] = [];
  mountTmpfs(disk, 300e6);
  chmodSync(disk, 0o700);
  try {
    const tree = makeSmallTree(join(dir, 'tree'), random);
    writeFileSync(join(tree, 'large'), random.bytes(30e6));
    const passphrase = ['--passphrase-file', join(dir, 'passphrase')];
    writeFileSync(passphrase[1]!, 'correct horse battery staple\n', { mode: 0o600 });
    const [store, into] = [join(disk, 'store'), join(disk, 'into')];
    const midway = async (args: readonly string[], home: string, folder: string): Promise<void> => {
      const bytes = (): number => {
        try {
          return existsSync(folder) ? bytesBelow(folder) : 0;
        } catch {
          return 0;
        }
      };
      const wanted = random.integer(20e6);
      const running = command(args, home);
      all.push(running);
      await until('it is under way', () => bytes() > wanted || !running.running);
      await until('nothing is open there to be written', () => isReadOnly(disk) || !running.running);
      const ended = await running.ended;
      const said = checkEnd(ended, args[0]!) ? 'done' : String(ended.last.message);
      run.note(`${args[0]}: read-only after ${wanted} bytes: ${said}`);
      assert.ok(said === 'done' || /read-only/.test(said), said);
      remount(disk, 'rw');
      const again = await command(args, home).ended;
      assert.equal(again.status, 0, `${args[0]}: ${again.stdout.slice(-2000)}${again.stderr}`);
    };
    await midway(['capture', tree, '--store', store, ...passphrase], join(dir, 'home'), store);
    await checkStore(store);
    await midway(
      ['restore', '--store', store, '--into', into, '--strip', '--yes', ...passphrase],
      join(dir, 'desk'),
      into,
    );
    assert.deepEqual(compareTrees(tree, into).differences, []);
    return { 'disks that became read-only': 2 };
  } finally {
    for (const one of all) one.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    unmount(disk);
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'failing-writes',
    about: 'A write fails between two steps; the command says so, and goes on when it is given again',
    gateRuns: 0,
    run: failingWrites,
  },
  { name: 'read-only', about: 'A disk becomes read-only amid a capture and a restore', gateRuns: 0, run: readOnly },
];
