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
  const done = await scene.done('laptop', capture(scene.path('bulk')));
  assert.equal(done.pointName, 'middle');
  const other = ['capture', scene.path('bulk'), '--for', 'drained', '--points', 'large'];
  const { message } = await scene.fails('laptop', other, 5, 'no-point');
  assert.match(message, /large .*cannot be reached/);
});

test('points and copies that differ from the association there is are a mistake', async () => {
  for (const more of [
    ['--points', 'middle'],
    ['--replicas', '2'],
  ]) {
    const { message, hint } = await scene.fails('laptop', capture(scene.path('bulk'), ...more), 2, 'usage');
    assert.match(message, /association [0-9a-f]{12} of this machine has /);
    assert.match(hint, /resettle associate/);
  }
  for (const replicas of ['0', '-1', '1.5', 'two', '9', '']) {
    await scene.fails('laptop', capture(scene.path('bulk'), '--replicas', replicas), 2, 'usage');
  }
});

test('a machine’s own point may hold the state that is for it, and gives it to the machine', async () => {
  await scene.point('fresh');
  const { last } = await scene.join('fresh', await scene.invite('desk'));
  assert.equal(last.admitted, true);
  const done = await scene.done('laptop', ['capture', scene.path('bulk'), '--for', 'fresh', '--points', 'fresh']);
  assert.equal(done.pointName, 'fresh');
  const into = scene.path('from-itself');
  const restored = await scene.done('fresh', ['restore', '--state', String(done.state), '--into', into, '--strip']);
  assert.equal(restored.pointName, 'fresh');
  assert.deepEqual(compareTrees(scene.path('bulk'), into).differences, []);
  await scene.fails('small', ['restore', '--state', String(done.state), '--into', scene.path('x')], 4, 'refused');
});

test('a state that no single point can take is spread over several, and restored from them', async () => {
  await scene.agent('spread-desk');
  await scene.join('spread-desk', await scene.invite('desk'));
  await Promise.all(
    ['first', 'second'].map(async (name) => {
      await scene.point(name, ['--quota', '60MB']);
      await scene.join(name, await scene.invite('desk'));
    }),
  );
  const bulk = makeBulk(scene.path('wide'), 70);
  const args = ['capture', bulk, '--for', 'spread-desk', '--points', 'first,second'];
  const { status, last: done, events } = await scene.run('laptop', args);
  assert.equal(status, 0, JSON.stringify(done));
  assert.match(
    notesOf(events),
    /no single point can take it; it is spread over 2: first has reserved .* second has reserved/,
  );
  assert.deepEqual((done.points as { name: string }[]).map(({ name }) => name).sort(), ['first', 'second']);
  assert.equal(Object.keys(done.receipt as object).length, 2);
  assert.equal(done.safe, true, JSON.stringify(done.missing));
  const into = scene.path('wide-again');
  await scene.done('spread-desk', ['restore', '--from', 'laptop', '--into', into, '--strip']);
  assert.deepEqual(compareTrees(bulk, into).differences, []);
});
