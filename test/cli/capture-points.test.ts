import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { Scene } from '../support/scene.ts';
import { bytesBelow, makeBulk } from '../support/trees.ts';

const scene = new Scene();
const notesOf = (events: readonly Record<string, unknown>[]): string =>
  events.map(({ event, message }) => (event === 'note' ? String(message) : '')).join('\n');
const capture = (path: string, ...more: string[]) => ['capture', path, '--for', 'desk', ...more];

before(async () => {
  await Promise.all([
    scene.agent('desk'),
    scene.agent('laptop'),
    scene.point('small', ['--quota', '2MB']),
    scene.point('middle', ['--quota', '40MB']),
    scene.point('large', ['--quota', '90MB']),
    scene.point('drained', ['--quota', '1TB', '--drain']),
  ]);
  await scene.fleet('desk', ['laptop', 'small', 'middle', 'large', 'drained']);
  makeBulk(scene.path('bulk'), 12);
});
after(() => scene.end());

test('where every point is too small, each one is named with what it lacks', async () => {
  makeBulk(scene.path('huge'), 200);
  const { message } = await scene.fails('laptop', capture(scene.path('huge')), 5, 'no-point');
  for (const [name, free] of [
    ['small', '1.9 MiB'],
    ['middle', '38.1 MiB'],
    ['large', '85.8 MiB'],
  ]) {
    assert.match(message, new RegExp(`\\b${name} has ${free} free of the 2\\d\\d MiB needed`));
  }
  assert.match(message, /drained takes nothing new/);
  const only = await scene.fails('laptop', capture(scene.path('huge'), '--points', 'small,middle'), 5, 'no-point');
  assert.ok(!only.message.includes('large'), only.message);
});

test('a draining point takes nothing, however much room it has', async () => {
  const { message } = await scene.fails('laptop', capture(scene.path('bulk'), '--points', 'drained'), 5, 'no-point');
  assert.match(message, /drained takes nothing new/);
  assert.equal(bytesBelow(scene.path('drained-store', 'states')), 0);
});

test('of the points with room, the one with most headroom is taken', async () => {
  const done = await scene.done('laptop', capture(scene.path('bulk')));
  assert.equal(done.pointName, 'large');
  assert.ok(bytesBelow(scene.path('large-store', 'states')) > 12e6);
  for (const name of ['small', 'middle', 'drained']) {
    assert.equal(bytesBelow(scene.path(`${name}-store`, 'states')), 0, name);
  }
  const { points } = await scene.done('laptop', ['points']);
  const large = (points as Record<string, unknown>[]).find(({ name }) => name === 'large')!;
  assert.equal(large.reservedBytes, 0, 'what was not used is given back at the commit');
  assert.ok(Number(large.heldBytes) > 12e6 && Number(large.heldBytes) + Number(large.freeBytes) <= 90e6);
});

test('where the best point refuses, the next one is taken', async () => {
  // Its disk takes nothing any more, and it only notices when it is asked.
  const states = scene.path('large-store', 'states');
  renameSync(states, `${states}-away`);
  writeFileSync(states, 'no folder');
  const { status, last, events } = await scene.run('laptop', capture(scene.path('bulk')));
  rmSync(states);
  renameSync(`${states}-away`, states);
  assert.equal(status, 0);
  assert.match(notesOf(events), /large refused: /);
  assert.equal(last.pointName, 'middle');
  const { points } = await scene.done('laptop', ['points']);
  const large = (points as Record<string, unknown>[]).find(({ name }) => name === 'large')!;
  assert.equal(large.reservedBytes, 0, 'the one that refused has reserved nothing');

  const into = scene.path('again');
  const restored = await scene.done('desk', ['restore', '--from', 'laptop', '--into', into, '--strip']);
  assert.equal(restored.snapshot, last.snapshot, 'the newest, wherever it lies');
  assert.deepEqual(compareTrees(scene.path('bulk'), into).differences, []);
});

test('a point that is switched off is named, and another one taken', async () => {
  await scene.stop('large', 'SIGKILL');
  const done = scene.done('laptop', capture(scene.path('bulk')));
  const { message } = await scene.fails('laptop', capture(scene.path('bulk'), '--points', 'large'), 5, 'no-point');
  assert.equal((await done).pointName, 'middle');
  assert.match(message, /large .*cannot be reached/);
});

test('the new machine’s own point may hold the state, and gives it to the new machine', async () => {
  await scene.stop('desk');
  await scene.point('desk');
  const done = await scene.done('laptop', capture(scene.path('bulk'), '--points', 'desk'));
  assert.equal(done.pointName, 'desk');
  const into = scene.path('from-itself');
  const restored = await scene.done('desk', ['restore', '--state', String(done.state), '--into', into, '--strip']);
  assert.equal(restored.pointName, 'desk');
  assert.deepEqual(compareTrees(scene.path('bulk'), into).differences, []);
  await scene.fails('small', ['restore', '--state', String(done.state), '--into', scene.path('x')], 4, 'refused');
});
