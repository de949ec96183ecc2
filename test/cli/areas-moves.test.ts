import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Event } from '../support/agents.ts';
import { eventually, Scene } from '../support/scene.ts';
import { makeMachine, put } from '../support/small-machine.ts';
import { DirectMove } from './support/direct-move.ts';

const scene = new Scene();
const old = scene.path('old-root');
const text = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');
const areasOf = (events: readonly Event[]): string[] => [
  ...new Set(events.flatMap(({ event, area }) => (event === 'area-item' ? [String(area)] : []))),
];

before(async () => {
  makeMachine(old, 'oldbox', [
    { name: 'ann', id: 1000 },
    { name: 'bob', id: 1001 },
  ]);
  put(old, '/home/ann/thesis.txt', { content: 'all of it', uid: 1000, gid: 1000 });
  put(old, '/home/bob/notes', { content: 'notes', uid: 1001, gid: 1001 });
  put(old, '/etc/timezone', 'Europe/Berlin\n');
  await Promise.all([scene.agent('desk'), scene.agent('laptop'), scene.agent('second'), scene.point('nas')]);
  await scene.fleet('desk', ['laptop', 'second', 'nas']);
});
after(() => scene.end());

test('areas go to a point and come back on another machine, where they are restored and checked', async () => {
  const captured = await scene.run('laptop', ['capture', '--root', old, '--areas', 'all', '--for', 'desk']);
  assert.ok(captured.status === 0 || captured.status === 3, captured.stdout);
  const root = scene.path('new-root');
  makeMachine(root, 'newbox', []);
  const restored = await scene.run('desk', ['restore', '--from', 'laptop', '--root', root, '--allow-privileged']);
  assert.equal(restored.status, 3, restored.stdout);
  assert.equal(text(root, 'home/ann/thesis.txt'), 'all of it');
  assert.match(text(root, 'etc/passwd'), /^ann:x:1000:/m);
  assert.equal(lstatSync(join(root, 'home/ann/thesis.txt')).uid, 1000);
  assert.ok(areasOf(restored.events).includes('accounts'));
  const checked = await scene.run('desk', ['checklist']);
  assert.notEqual(checked.status, 1, checked.stdout);
  await scene.done('desk', ['undo']);
  assert.equal(existsSync(join(root, 'home')), false);
  assert.doesNotMatch(text(root, 'etc/passwd'), /^ann:/m);
});

test('an association says which areas, and of whom', async () => {
  await scene.done('second', ['associate', 'second', 'desk', '--areas', 'accounts,homes', '--users', 'ann']);
  await eventually('desk knows the association', async () => {
    const { associations } = await scene.done('desk', ['associations']);
    return (associations as { sourceName: string }[]).some(({ sourceName }) => sourceName === 'second') || undefined;
  });
  const captured = await scene.run('second', ['capture', '--root', old, '--for', 'desk']);
  assert.ok(captured.status === 0 || captured.status === 3, captured.stdout);
  const root = scene.path('ann-root');
  makeMachine(root, 'newbox', []);
  const restored = await scene.run('desk', ['restore', '--from', 'second', '--root', root]);
  assert.deepEqual(areasOf(restored.events), ['accounts', 'homes'], restored.stdout);
  assert.match(text(root, 'etc/passwd'), /^ann:/m);
  assert.doesNotMatch(text(root, 'etc/passwd'), /^bob:/m);
  assert.equal(existsSync(join(root, 'home/bob')), false);
});

test('areas go by a code as well', async (t) => {
  const move = new DirectMove();
  t.after(() => move.end());
  const root = move.path('new-root');
  makeMachine(root, 'newbox', []);
  const send = move.sendAreas('environment,hostname');
  const receive = move.receiveRoot(await move.code(send), root, ['--areas', 'environment', '--allow-privileged']);
  const { status, events, stdout } = await move.ended(receive);
  assert.ok(status === 0 || status === 3, stdout);
  assert.deepEqual(
    areasOf(events).filter((area) => area !== 'environment'),
    [],
  );
  assert.equal((await move.ended(send)).last.verified, true);
});
