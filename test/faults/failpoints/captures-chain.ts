/** A fleet: captures, copies, scrubs and jobs, with a machine killed at every point of each. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { Command } from '../../support/agents.ts';
import { isWhole } from '../support/fleet-world.ts';
import { FleetKills } from './fleet-kills.ts';
import type { Ledger } from './ledger.ts';

const SOURCE: readonly Failpoint[] = [
  'source.place-noted',
  'source.sent',
  'source.signed',
  'source.point-committed',
  'source.committed',
  'source.snapshot-noted',
  'source.receipt-descriptor-kept',
];
const POINT: readonly Failpoint[] = [
  'lease.granted',
  'lease.noted',
  'point.pack-accepted',
  'commit.checked',
  'commit.part-noted',
  'commit.keys-written',
  'commit.descriptor-written',
  'commit.lease-ended',
  'lease.leftovers-dropped',
  'commit.receipt-signed',
];
const COPY: readonly Failpoint[] = ['copy.reserved', 'copy.sent', 'copy.made'];
const SCRUB: readonly Failpoint[] = [
  'store.set-aside',
  'scrub.set-aside',
  'scrub.read',
  'scrub.noted',
  'repair.fetched',
  'repair.noted',
];
const JOB: readonly Failpoint[] = ['job.noted', 'job.done'];

export const CAPTURES_POINTS = [SOURCE, POINT, COPY, SCRUB, JOB, ['lease.given-up'] as const].flat();

const CAPTURE = ['capture', '--for', 'desk', '--wait', '0s'];

export function capturesChain(ledger: Ledger): Promise<void> {
  return FleetKills.within(ledger, async (kills) => {
    const { world } = kills;
    const capture = (): Promise<unknown> => world.done('laptop', [...CAPTURE, world.tree]);
    await capture();
    for (const point of SOURCE) await kills.dies('laptop', point, () => kills.changed(capture));
    for (const point of POINT) await kills.dies('nas', point, () => kills.changed(capture));
    await givesUp(kills);
    for (const point of COPY) await kills.dies('nas', point, () => kills.changed(capture));
    const { last } = await world.done('laptop', [...CAPTURE, world.tree]);
    await world.copied(String(last.state), Number(last.snapshot));
    for (const point of SCRUB) await scrubbed(kills, point, String(last.state));
    for (const point of JOB) await kills.dies('laptop', point, () => kills.changed(() => detached(kills)));
  });
}

/** A source that fails behind the last pack gives its lease up. */
async function givesUp(kills: FleetKills): Promise<void> {
  const { world } = kills;
  await world.start('laptop', { failpoint: 'source.sent:1:fail' });
  const fails = async (): Promise<void> => {
    const args = [...CAPTURE, world.tree, '--json', ...world.home('laptop')];
    const { status } = await new Command(args).ended;
    assert.equal(status, 1);
  };
  await kills.dies('nas', 'lease.given-up', () => kills.changed(fails));
  await world.start('laptop');
}

async function scrubbed(kills: FleetKills, point: Failpoint, state: string): Promise<void> {
  const { world } = kills;
  const packs = join(world.store('nas'), 'states', state, 'packs');
  const [first] = readdirSync(packs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const path = join(first!.parentPath, first!.name);
  const good = readFileSync(path);
  world.hurt.nas.add(first!.name);
  const hurt = async (): Promise<void> => {
    writeFileSync(path, good.subarray(0, good.length >> 1));
    await world.until(`${path} is whole again after ${point}`, () => isWhole(path, good));
  };
  await kills.dies('nas', point, hurt, ['--scrub-every', '2s']);
  world.hurt.nas.delete(first!.name);
}

async function detached(kills: FleetKills): Promise<void> {
  const { world } = kills;
  const args = [...CAPTURE.slice(0, 3), world.tree, '--detach'];
  await world.done('laptop', args);
  const jobs = join(world.run.dir, 'laptop', 'jobs');
  await world.until('the job is done', () => existsSync(jobs) && readdirSync(jobs).length === 0);
}
