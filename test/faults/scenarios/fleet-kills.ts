/** A fleet of agents: capture to points, copies, scrub and repair, restore and undo; each machine killed again and again. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { blake3 } from '@napi-rs/blake-hash';
import type { Random, Run, Scenario, Tally } from '../scenario.ts';
import { FleetWorld, isWhole, type Machine, type Point } from '../support/fleet-world.ts';
import { assertSame, remove } from '../support/folder-world.ts';
import { type Prey, randomStrike } from '../support/strike.ts';

const SOURCE: Prey = {
  failpoints: [
    'home.file-written',
    'home.file-renamed',
    'records.added',
    'records.committed',
    'source.associated',
    'source.place-noted',
    'source.sent',
    'source.signed',
    'source.point-committed',
    'source.committed',
    'source.snapshot-noted',
    'source.receipt-descriptor-kept',
    'cache.filled',
    'cache.committed',
  ],
  passes: 15,
  lastsMs: 3500,
};
const POINT: Prey = {
  failpoints: [
    'store.file-written',
    'store.file-renamed',
    'store.pack-stored',
    'store.pack-dropped',
    'records.added',
    'records.committed',
    'lease.granted',
    'lease.noted',
    'point.pack-accepted',
    'commit.checked',
    'commit.part-noted',
    'commit.keys-written',
    'commit.descriptor-written',
    'commit.lease-ended',
    'commit.receipt-signed',
    'copy.reserved',
    'copy.sent',
    'copy.made',
  ],
  passes: 30,
  lastsMs: 3500,
};
const SCRUB: Prey = {
  failpoints: [
    'scrub.set-aside',
    'scrub.read',
    'scrub.noted',
    'store.set-aside',
    'store.file-written',
    'store.file-renamed',
    'store.pack-stored',
    'repair.fetched',
    'repair.noted',
    'records.added',
  ],
  passes: 12,
  lastsMs: 3000,
};
const RESTORE: Prey = {
  failpoints: [
    'restore.plan-sealed',
    'restore.item-placed',
    'restore.synced',
    'restore.journal-removed',
    'restore.done',
  ],
  passes: 1200,
  lastsMs: 4000,
};
const UNDO: Prey = {
  failpoints: ['undo.item-removed', 'undo.folder-removed', 'undo.synced', 'undo.noted', 'undo.done'],
  passes: 600,
  lastsMs: 1500,
};
const SCRUB_OPTIONS = ['--scrub-every', '2s'];

/** Restarts that machine with a strike, which also counts from now. */
async function strike(world: FleetWorld, name: Machine, prey: Prey, more: readonly string[] = []): Promise<() => void> {
  const one = randomStrike(world.run.random, prey);
  await world.start(name, one, more);
  return world.aim(name, one);
}

/** Captures, with a machine that dies meanwhile; returns state and number once both points have it. */
async function captureAndCopy(world: FleetWorld): Promise<{ state: string; snapshot: number }> {
  const { random } = world.run;
  const victims: readonly (readonly [Machine, Prey])[] = [
    ['laptop', SOURCE],
    ['nas', POINT],
    ['den', POINT],
  ];
  const aims = [];
  for (const [name, prey] of victims) if (random.integer(3) > 0) aims.push(await strike(world, name, prey));
  const { last } = await world.done('laptop', ['capture', world.tree, '--for', 'desk', '--wait', '0s']);
  const [state, snapshot] = [String(last.state), Number(last.snapshot)];
  const { peerId: holder } = (last.points as { peerId: string }[])[0]!;
  await world.copied(state, snapshot);
  for (const end of aims) end();
  await world.settled();
  const hash = (name: Point): string =>
    blake3(readFileSync(world.descriptorFile(name, state, snapshot))).toString('hex');
  assert.equal(hash('nas'), hash('den'), `both have the same snapshot; ${holder} got it first`);
  for (const name of ['nas', 'den'] as const) world.acknowledge(name, snapshot, hash(name));
  return { state, snapshot };
}

/** Damages a pack on a disk, and waits until it is whole again, though the points die meanwhile. */
async function scrubAndRepair(world: FleetWorld, state: string): Promise<void> {
  const { random } = world.run;
  const name = random.pick(['nas', 'den'] as const);
  const other = name === 'nas' ? 'den' : 'nas';
  const packs = join(world.store(name), 'states', state, 'packs');
  const path = random.pick(
    readdirSync(packs, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      // What only an older snapshot needs has one holder, and comes again from the source alone.
      .filter((path) => existsSync(join(world.store(other), relative(world.store(name), path))))
      .sort(),
  );
  const good = readFileSync(path);
  world.hurt[name].add(path.slice(-64));
  hurt(path, good, random);
  world.run.note(`${path} is damaged`);
  const aims = [await strike(world, name, SCRUB, SCRUB_OPTIONS)];
  if (random.integer(2) === 0) aims.push(await strike(world, other, SCRUB, SCRUB_OPTIONS));
  await world.until(`${path} is whole again`, () => isWhole(path, good));
  for (const end of aims) end();
  await world.settled();
  world.hurt[name].delete(path.slice(-64));
}

function hurt(path: string, good: Buffer, random: Random): void {
  const bad = Buffer.from(good);
  const at = random.integer(bad.length);
  bad[at] = bad[at]! ^ (1 << random.integer(8));
  const ways = [() => writeFileSync(path, bad), () => truncateSync(path, at), () => unlinkSync(path)];
  random.pick(ways)();
}

/** Everything arrives as it was captured, and nothing stays after the undo. */
async function restoreAndUndo(world: FleetWorld): Promise<void> {
  const { random, dir } = world.run;
  const into = join(dir, 'restored');
  const aims = [await strike(world, 'desk', RESTORE)];
  if (random.integer(2) === 0) aims.push(await strike(world, random.pick(['nas', 'den']), POINT));
  await world.done('desk', ['restore', '--from', 'laptop', '--into', into, '--strip', '--yes']);
  for (const end of aims) end();
  await world.settled();
  assertSame(world.version, into, 'restored');
  const restores = join(dir, 'desk', 'restores');
  const left = (): string[] =>
    existsSync(restores) ? readdirSync(restores).filter((id) => existsSync(join(restores, id, 'restore.json'))) : [];
  while (left().length > 0) {
    const end = await strike(world, 'desk', UNDO);
    const newest = left().sort().at(-1)!;
    await world.done('desk', ['undo', newest], ({ status }) => status === 6 && !left().includes(newest));
    end();
    await world.settled();
  }
  assert.ok(!existsSync(into), 'what the restore made is gone');
  remove(into);
}

async function run(given: Run): Promise<Tally> {
  const world = await FleetWorld.make(given);
  try {
    for (let round = 0; round < 3; round += 1) {
      if (round > 0) world.change();
      const { state } = await captureAndCopy(world);
      await scrubAndRepair(world, state);
      await restoreAndUndo(world);
    }
    await world.checkEnd();
    return { kills: world.kills };
  } finally {
    await world.end();
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'fleet-kills',
    about: 'a fleet: capture, copies, scrub, restore and undo end right, whichever machine is killed whenever',
    gateRuns: 0,
    run,
  },
];
