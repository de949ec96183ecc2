/** A fleet: keys of destinations named late, deletions and shares, with a machine killed at every point of each. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { type Ended, resettle } from '../../support/agents.ts';
import { MACHINES } from '../support/fleet-world.ts';
import { assertSame } from '../support/folder-world.ts';
import { FleetKills } from './fleet-kills.ts';
import type { Ledger } from './ledger.ts';

const DELETION: readonly Failpoint[] = [
  'deletion.decided',
  'store.snapshots-deleted',
  'store.state-deleted',
  'deletion.done',
  'deletion.signed',
];
const KEYS: readonly Failpoint[] = [
  'source.associated',
  'source.key-added',
  'commit.key-added',
  'share.kept',
  'share.given',
  'share.deal-noted',
  'share.release-noted',
];

export const MOVES_POINTS = [DELETION, KEYS].flat();

/** A point looks at what is due a quarter of this often. */
const SOON = ['--lost-after', '8s'];

export function movesChain(ledger: Ledger): Promise<void> {
  return FleetKills.within(ledger, async (kills) => {
    await named(kills);
    await deleted(kills);
    await inPlace(kills);
  });
}

/** A destination that is named after the capture gets its key. */
async function named(kills: FleetKills): Promise<void> {
  const { world } = kills;
  const named = async (point: Failpoint): Promise<void> => {
    const code = ['--recovery-code-out', join(world.run.dir, `code of ${point}`)];
    const made = await world.done('laptop', ['associate', 'laptop', '--to-be-named', '--points', 'nas', ...code]);
    const [{ association }] = made.last.associations as [{ association: string }];
    const { last } = await world.done('laptop', ['capture', world.tree, '--for', association, '--wait', '0s']);
    const keys = join(world.store('nas'), 'states', String(last.state), 'keys');
    const count = (): number => (existsSync(keys) ? readdirSync(keys).length : 0);
    const before = count();
    await world.done('laptop', ['associate', association, 'den']);
    await world.until('the key is there', () => count() > before);
  };
  for (const [name, point] of [
    ['laptop', 'source.key-added'],
    ['nas', 'commit.key-added'],
  ] as const) {
    await kills.dies(name, point, () => named(point));
  }
}

/** What was restored and is to be kept no longer goes, whenever its point dies. */
async function deleted(kills: FleetKills): Promise<void> {
  const { world } = kills;
  const { dir } = world.run;
  await world.start('nas', {}, SOON);
  const made = ['associate', 'desk', 'den', '--paths', world.tree, '--points', 'nas', '--keep', '0'];
  await world.done('desk', made);
  await kills.dies('laptop', 'source.associated', () =>
    world.done('laptop', ['capture', world.tree, '--for', 'nas', '--points', 'den', '--wait', '0s']),
  );
  const { last } = await world.done('desk', ['capture', world.tree, '--for', 'den', '--wait', '0s']);
  const into = join(dir, 'deleted');
  const restore = ['restore', '--from', 'desk', '--state', String(last.state), '--into', into, '--strip', '--yes'];
  const [first, ...others] = DELETION;
  await kills.dies('nas', first!, () => world.done('den', restore), SOON);
  for (const point of others) await kills.dies('nas', point, async () => {}, SOON);
  assert.ok(!existsSync(join(world.store('nas'), 'states', String(last.state))), 'the state is gone');
  assertSame(world.tree, into, 'restored');
}

/** A machine that is installed anew: its key comes back in shares. */
async function inPlace(kills: FleetKills): Promise<void> {
  const { world } = kills;
  await world.done('laptop', ['associate', 'laptop', '--in-place', '--paths', world.tree, '--points', 'nas']);
  const capture = (): Promise<Ended> =>
    world.done('laptop', ['capture', world.tree, '--for', 'laptop', '--points', 'nas', '--wait', '0s']);
  await kills.dies('laptop', 'share.given', capture);
  await kills.dies('desk', 'share.kept', () => dealtAnew(kills, capture));
  await kills.dies('laptop', 'share.deal-noted', () => dealtAnew(kills, capture));
  world.shared.add(String((await capture()).last.state));
  const { token } = await resettle(['fleet', 'invite', '--ticket', 'laptop', ...world.home('nas')]);
  await world.stop('laptop');
  rmSync(join(world.run.dir, 'laptop'), { recursive: true });
  await world.start('laptop');
  await resettle(['fleet', 'join', '-', ...world.home('laptop')], { input: String(token) });
  const into = join(world.run.dir, 'anew');
  const restore = ['restore', '--into', into, '--strip', '--yes'];
  await kills.dies('desk', 'share.release-noted', () => world.done('laptop', restore));
  assertSame(world.tree, into, 'restored in place');
  for (const name of MACHINES) await world.start(name);
}

/** The source has forgotten its deal, and makes another one. */
async function dealtAnew(kills: FleetKills, capture: () => Promise<unknown>): Promise<void> {
  rmSync(join(kills.world.run.dir, 'laptop', 'dealt'), { recursive: true, force: true });
  await kills.changed(capture);
}
