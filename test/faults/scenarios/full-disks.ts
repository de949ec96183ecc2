/** Disks that get full at any moment, and are freed later: whoever fails says where there is no space, and goes on. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Ended } from '../../support/agents.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { mountTmpfs, unmount } from '../../support/disks.ts';
import { bytesBelow, makeBulk } from '../../support/trees.ts';
import type { Run, Scenario } from '../scenario.ts';
import { checkSalts } from '../support/pack-salts.ts';
import { type Name, SmallFleet } from '../support/small-fleet.ts';
import { changeSmallTree, makeSmallTree } from '../support/small-tree.ts';
import { checkStore } from '../support/store-invariants.ts';
import { until } from '../support/until.ts';

const MEGABYTES = 30;
/** HOMEs take a few MB at most; stores and targets what a few captures bring. */
const SIZES = { laptop: 8e6, nas: 8e6, desk: 8e6, 'nas-store': 300e6, target: 200e6 } as const;
type Disk = keyof typeof SIZES;
const BALLAST_BYTES = 32e6;

class Disks {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
    for (const [name, sizeBytes] of Object.entries(SIZES)) {
      mountTmpfs(this.path(name as Disk), sizeBytes);
      chmodSync(this.path(name as Disk), 0o700);
    }
  }

  path(name: Disk): string {
    return join(this.#run.dir, name);
  }

  /** But for a few pages, as it is in life: what is small may still go in. */
  fill(name: Disk): void {
    const leave = 4096 * this.#run.random.integer(12);
    const { bavail, bsize } = statfsSync(this.path(name));
    this.#run.note(`${name} is full but for ${leave} bytes`);
    let left = bavail * bsize - leave;
    for (let count = 0; left > 0; count += 1, left -= BALLAST_BYTES) {
      writeFileSync(join(this.path(name), `ballast-${count}`), Buffer.alloc(Math.min(left, BALLAST_BYTES)));
    }
  }

  free(name: Disk): void {
    for (const one of readdirSync(this.path(name))) {
      if (one.startsWith('ballast-')) rmSync(join(this.path(name), one));
    }
  }

  unmount(): void {
    for (const name of Object.keys(SIZES)) unmount(this.path(name as Disk));
  }
}

/** A command that ended while a disk was full: well, or with an error that says where there is no space, and what to do. */
function checkSaid(ended: Ended, what: string): 'done' | 'refused' {
  if (ended.status === 0 || ended.status === 3) return 'done';
  const { code, message, hint } = ended.last;
  const said = `${what}: ${JSON.stringify(ended.last)} ${ended.stderr}`;
  assert.ok(code === 'no-space' || code === 'no-point', said);
  assert.equal(ended.status, code === 'no-space' ? 1 : 5, said);
  assert.match(String(message), /no space left|free of the|space left on its disk/, said);
  assert.ok(typeof hint === 'string' && hint.length > 0, said);
  assert.ok(!/ENOSPC|SQLITE|database or disk/.test(String(message)), said);
  return 'refused';
}

async function fullDisks(run: Run): Promise<Record<string, number>> {
  const { random, dir } = run;
  const tree = makeBulk(makeSmallTree(join(dir, 'tree'), random), MEGABYTES);
  mkdirSync(join(dir, 'gone'), { recursive: true });
  const disks = new Disks(run);
  const fleet = new SmallFleet(run);
  const tally: Record<string, number> = {};
  const count = (what: string): void => {
    tally[what] = (tally[what] ?? 0) + 1;
  };
  /** Runs a command, and fills a disk when enough of it is done; the agent that writes there stands still meanwhile. */
  const amid = async (name: Name, args: readonly string[], full: Disk, growing: string): Promise<void> => {
    const command = fleet.begun(name, args);
    const wanted = bytes(growing) + random.integer(MEGABYTES * 0.7e6);
    await until(`${growing} grows`, () => bytes(growing) >= wanted || !command.running);
    const stopped: Command = fleet.agent(full === 'laptop' ? 'laptop' : growing === 'target' ? 'desk' : 'nas');
    stopped.kill('SIGSTOP');
    disks.fill(full);
    stopped.kill('SIGCONT');
    count(`${args[0]} with ${full} full: ${checkSaid(await command.ended, `${args[0]} with ${full} full`)}`);
    disks.free(full);
  };
  const bytes = (name: string): number => (existsSync(join(dir, name)) ? bytesWithoutBallast(join(dir, name)) : 0);
  try {
    await fleet.begin();
    const capture = ['capture', tree, '--for', 'desk', '--wait', '0s'];
    await amid('laptop', capture, random.pick(['laptop', 'nas', 'nas-store'] as const), 'nas-store');
    const first = await fleet.done('laptop', capture);
    changeSmallTree(tree, random);
    const into = join(disks.path('target'), 'in');
    const restore = ['restore', '--from', 'laptop', '--into', into, '--strip'];
    await fleet.done('laptop', capture);
    await amid('desk', restore, random.pick(['target', 'desk'] as const), 'target');
    const done = await fleet.done('desk', restore);
    assert.ok(Number(done.snapshot) > Number(first.snapshot));
    assert.deepEqual(compareTrees(tree, into).differences, []);
    disks.fill('desk');
    count(`undo with HOME full: ${checkSaid(await fleet.ended('desk', ['undo']), 'undo')}`);
    disks.free('desk');
    let named: string[] = [];
    for (let left = 4; left > 0 && existsSync(into); left -= 1) {
      const { last } = await fleet.ended('desk', ['undo', ...named]);
      named = typeof last.earlier === 'string' ? [last.earlier] : [];
    }
    assert.equal(existsSync(into), false, 'what was made is undone');
    await fleet.end();
    await checkStore(fleet.store);
    count('stores whole at the end');
    checkSalts(fleet.store);
    return tally;
  } finally {
    await fleet.end();
    disks.unmount();
  }
}

function bytesWithoutBallast(path: string): number {
  try {
    return bytesBelow(path) - ballastIn(path);
  } catch {
    // Files come and go while it is counted.
    return 0;
  }
}

function ballastIn(path: string): number {
  return readdirSync(path).some((name) => name.startsWith('ballast-')) ? Number.POSITIVE_INFINITY : 0;
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'full-disks',
    about: 'Disks get full at any moment of a move, are named, and freed',
    gateRuns: 0,
    run: fullDisks,
  },
];
