/** Cuts the power of one recording again and again, and looks at what is left each time. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mountTmpfs, unmount } from '../../support/disks.ts';
import type { Random, Run, Tally } from '../scenario.ts';
import { crash } from './crash.ts';
import { type Cut, PROFILES, type Profile, SHARES } from './cut.ts';
import { materialise } from './materialise.ts';
import type { Recording } from './operations.ts';

/** A line of JSON that a machine said before the power went. */
export type Said = Readonly<Record<string, unknown>>;

/** What is left of a machine, in the folders that it had. */
export interface Left {
  readonly said: readonly Said[];
  readonly cut: Cut;
  readonly random: Random;
  /** Everything shall be tried, which takes long; else only what is soon looked at. */
  readonly isThorough: boolean;
}

const MEMORY = '/dev/shm';
const DISK_BYTES = 512 * 1024 * 1024;

/**
 * Gives folders in memory, where there is such: the disks of the machines are models, and what syncs them costs nothing.
 * Those after the first are disks of their own where `apart` says so.
 */
export async function inMemory<T>(
  run: Run,
  names: readonly string[],
  apart: boolean,
  work: (dir: string, roots: readonly string[]) => Promise<T>,
): Promise<T> {
  const dir = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, 'resettle-power-')) : join(run.dir, 'machines');
  const roots = names.map((name) => join(dir, name));
  const mounted = apart ? roots.slice(1) : [];
  try {
    for (const root of roots) mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const root of mounted) mountTmpfs(root, DISK_BYTES);
    return await work(dir, roots);
  } finally {
    for (const root of mounted) unmount(root);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the checks of one state came to: what is counted beside the states themselves. */
export type Check = (left: Left) => Promise<Tally>;

/** How many states are made of a recording, and how many of these are looked at thoroughly. */
export interface Counts {
  readonly states: number;
  readonly thorough: number;
  /** Default: all. */
  readonly profiles?: readonly Profile[];
}

/**
 * Makes states of a recording in its own folders `roots` and checks each. Throws at the end where some are not
 * right; the first of them lies in `run.dir/left` as it was before the check.
 */
export async function cutAgainAndAgain(
  run: Run,
  recording: Recording,
  roots: readonly string[],
  { states, thorough, profiles = PROFILES }: Counts,
  check: Check,
): Promise<Tally> {
  const tally: Record<string, number> = { operations: recording.operations.length };
  const add = (name: string, by = 1): void => {
    tally[name] = (tally[name] ?? 0) + by;
  };
  const failures: Error[] = [];
  for (let state = 0; state < states; state++) {
    const cut = drawn(recording, profiles, run.random);
    const isThorough = run.random.integer(states) < thorough;
    const said = linesIn(recording, cut.at);
    const tree = crash(recording, cut, run.random);
    materialise(tree, roots);
    add('states');
    add(`cut in ${recording.operations[cut.at - 1]?.type ?? 'nothing'}`);
    try {
      for (const [name, by] of Object.entries(await check({ said, cut, random: run.random, isThorough })))
        add(name, by);
    } catch (error) {
      failures.push(error as Error);
      run.note(`${JSON.stringify(cut)} after ${JSON.stringify(said.at(-1) ?? null)}: ${(error as Error).message}`);
      if (failures.length > 1) continue;
      const kept = join(run.dir, 'left');
      mkdirSync(kept, { recursive: true });
      materialise(
        tree,
        roots.map((_, volume) => join(kept, `${volume}`)),
      );
    }
  }
  if (failures.length === 0) return tally;
  throw new Error(`${failures.length} of ${states} states are not right; the first: ${failures[0]!.message}`, {
    cause: failures[0],
  });
}

/** Everything is lost, everything is kept (as by a kill), or something between. */
function drawn(recording: Recording, profiles: readonly Profile[], random: Random): Cut {
  return {
    profile: random.pick(profiles),
    at: random.integer(recording.operations.length + 1),
    names: random.pick(SHARES),
    data: random.pick(SHARES),
  };
}

/** What was said by then. */
function linesIn({ operations }: Recording, at: number): Said[] {
  let text = '';
  for (const operation of operations.slice(0, at)) if (operation.type === 'said') text += operation.text;
  const whole = text.split('\n').slice(0, -1);
  return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Said);
}

/** The last that was said of something. */
export function lastOf<T>(said: readonly Said[], name: string): T | undefined {
  return said.findLast((line) => name in line)?.[name] as T | undefined;
}
