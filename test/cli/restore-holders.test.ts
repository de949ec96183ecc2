import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/common/clock.ts';
import { associationId, stateId } from '../../src/common/ids.ts';
import { Home } from '../../src/node/home/home.ts';
import { Fleet } from '../../src/node/membership/fleet.ts';
import { digest } from '../../src/state/format/index.ts';
import { plainEvent } from '../../src/state/records/index.ts';
import { Store } from '../../src/state/store/index.ts';
import type { Event } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { longTest } from '../support/long.ts';
import { eventually, Scene } from '../support/scene.ts';
import { makeBulk, makeHome } from '../support/trees.ts';

/** Six packs: more than is ever under way at once. */
const BULK_MEGABYTES = 90;
const POINTS = ['nas', 'copy-one', 'copy-two'];

const scene = new Scene();
const bulk = scene.path('bulk');
const restore = (to: string, ...more: string[]) => ['restore', '--from', 'laptop', '--into', to, '--strip', ...more];
let first: Event;

/** `nas` gets the state of `laptop`; two more points have the same store. */
before(async () => {
  makeHome(makeBulk(bulk, BULK_MEGABYTES));
  await Promise.all([scene.agent('desk'), scene.agent('laptop'), scene.point('nas')]);
  await scene.fleet('desk', ['laptop', 'nas']);
  first = await scene.done('laptop', ['capture', bulk, '--for', 'desk']);
  const token = await scene.invite('desk', ['--uses', '2']);
  for (const name of POINTS.slice(1)) {
    cpSync(scene.storeOf('nas'), scene.storeOf(name), { recursive: true });
    await scene.point(name);
    assert.equal((await scene.join(name, token)).last.admitted, true);
  }
  // A point looks at its store when it starts, and knows the association of what lies there only as a member.
  for (const name of POINTS.slice(1)) {
    await scene.stop(name);
    await scene.point(name);
  }
  await eventually('all three are found', async () => {
    const { points } = await scene.done('desk', ['points']);
    return (points as { heldBytes?: number }[]).filter(({ heldBytes }) => heldBytes).length === 3 || undefined;
  });
});
after(() => scene.end());

test('with three copies, two points die in the middle of a restore: the tree is the same', async () => {
  const into = scene.path('restored');
  const command = scene.start('desk', restore(into));
  await command.event(({ phase }) => phase === 'restore');
  for (const name of POINTS) scene.running(name).command.kill('SIGSTOP');
  assert.ok(command.running && !command.events.some(({ event }) => event === 'done'), 'it is not over yet');
  const [survivor, ...others] = POINTS;
  await Promise.all(others.map((name) => scene.stop(name, 'SIGKILL')));
  scene.running(survivor!).command.kill('SIGCONT');
  const { status, last, stdout } = await command.ended;
  assert.equal(status, 0, stdout);
  assert.equal(last.resumed, false);
  assert.ok((last.holders as { name: string }[]).some(({ name }) => name === survivor));
  assert.equal((last.receipt as { descriptorHash: string }).descriptorHash.length, 64);
  assert.deepEqual(compareTrees(bulk, into).differences, []);
});

longTest('a point that was put back to an older copy does not make an old snapshot the newest', async () => {
  cpSync(scene.storeOf('nas'), scene.path('older'), { recursive: true });
  makeHome(scene.path('bulk', 'new'));
  const second = await scene.done('laptop', ['capture', bulk, '--for', 'desk']);
  assert.equal(second.snapshot, 2);
  const store = await Store.open(scene.storeOf('nas'), { readOnly: true });
  const descriptor = (await store.readDescriptor(stateId(String(second.state)), 2))!;
  await store.close();
  await scene.stop('nas');
  await scene.stop('laptop');
  await sayCommitted(first, descriptor);
  rmSync(scene.storeOf('nas'), { recursive: true });
  cpSync(scene.path('older'), scene.storeOf('nas'), { recursive: true });
  await Promise.all([scene.point('nas'), scene.agent('laptop')]);

  const into = scene.path('rolled-back');
  const refused = await eventually('the word of the source has come', async () => {
    const ended = await scene.run('desk', restore(into, '--dry-run'));
    return ended.status === 7 ? ended.last : undefined;
  });
  assert.match(
    String(refused.message),
    /snapshot 2 of laptop is the newest, and nobody who was reached gives it: nas has 1/,
  );
  assert.match(String(refused.hint), /--snapshot 1/);
  const done = await scene.done('desk', restore(into, '--snapshot', '1'));
  assert.equal(done.snapshot, 1);
  assert.equal(done.confirmedNewest, false);
});

/** What a source says after a commit. */
async function sayCommitted({ state, association }: Event, descriptor: Uint8Array): Promise<void> {
  const home = new Home(scene.path('laptop'));
  const fleet = await Fleet.open({ home, clock: systemClock, random: (count) => randomBytes(count), name: 'laptop' });
  await fleet.log.append(
    plainEvent({
      association: associationId(String(association)),
      state: stateId(String(state)),
      step: 'commit',
      phase: 'stored',
      snapshot: 2,
      descriptorHash: digest(descriptor).toString('hex'),
    }),
  );
  fleet.close();
}
