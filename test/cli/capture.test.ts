import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { failure, Scene } from '../support/scene.ts';
import { bytesBelow, makeHome } from '../support/trees.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

const scene = new Scene();
let home = '';
const skipped = (events: readonly Record<string, unknown>[]): Record<string, unknown> =>
  Object.fromEntries(events.filter(({ event }) => event === 'skipped').map(({ path, reason }) => [path, reason]));

before(async () => {
  home = makeHome(scene.path('home'));
  await Promise.all([scene.agent('desk'), scene.agent('laptop')]);
  await scene.fleet('desk', ['laptop']);
});
after(() => scene.end());

test('where no machine offers a point, a capture says so', async () => {
  const { message, hint } = await scene.fails('laptop', ['capture', home, '--for', 'desk'], 5, 'no-point');
  assert.match(message, /no other machine of this fleet offers a point/);
  assert.match(hint, /--point/);
});

test('a machine in no fleet captures nothing', async () => {
  await scene.agent('outsider');
  await scene.fails('outsider', ['capture', home, '--for', 'desk'], 4, 'not-a-member');
});

test('an unknown machine is not found, and one that could be several is listed', async () => {
  await scene.point('nas');
  const { last } = await scene.join('nas', await scene.invite('desk'));
  assert.equal(last.admitted, true);
  const unknown = await scene.fails('laptop', ['capture', home, '--for', 'nosuch'], 6, 'not-found');
  assert.match(unknown.message, /"nosuch"/);
  assert.match(unknown.hint, /desk/);
  const several = await scene.fails('laptop', ['capture', home, '--for', '12D3KooW'], 2, 'ambiguous');
  for (const name of ['desk', 'laptop']) assert.match(several.message, new RegExp(`\\b${name} 12D3KooW`));
  const point = await scene.fails('laptop', ['capture', home, '--for', 'desk', '--points', 'nosuch'], 6, 'not-found');
  assert.match(point.message, /"nosuch"/);
  const no = await scene.fails('laptop', ['capture', home, '--for', 'desk', '--points', 'desk'], 5, 'no-point');
  assert.match(no.message, /desk/);
});

test('a PATH that does not exist is not found, and nothing else is captured instead', async () => {
  const missing = scene.path('home', 'nosuch');
  for (const paths of [[missing], [home, missing], [scene.path('nosuch', 'deep')]]) {
    const { message } = await scene.fails('laptop', ['capture', ...paths, '--for', 'desk'], 6, 'not-found');
    assert.match(message, /nosuch/);
  }
  assert.deepEqual((await scene.run('nas', ['status'])).last.held, []);
});

test('the same capture again makes the next snapshot of the same state', async () => {
  const first = await scene.done('laptop', ['capture', home, '--for', 'desk']);
  const second = await scene.done('laptop', ['capture', home, '--for', 'desk']);
  assert.equal(first.snapshot, 1);
  assert.equal(second.snapshot, 2);
  assert.equal(second.state, first.state);
  assert.equal(second.association, first.association);
  for (const id of ['state', 'association', 'machine', 'point']) assert.ok(typeof first[id] === 'string', id);
  const { held } = (await scene.run('nas', ['status'])).last;
  assert.deepEqual((held as { snapshots: number[] }[])[0]!.snapshots, [1, 2]);
});

test('a socket is left out and listed, a FIFO and the rest are captured', async () => {
  const odd = scene.path('odd');
  mkdirSync(odd);
  writeFileSync(scene.path('odd', 'file'), 'content');
  execFileSync('mkfifo', [scene.path('odd', 'pipe')]);
  const server = createServer().listen(scene.path('odd', 'socket'));
  try {
    const { status, last, events } = await scene.run('laptop', ['capture', odd, '--for', 'desk']);
    assert.equal(status, 3);
    assert.equal(last.event, 'done');
    assert.equal(last.skipped, 1);
    assert.equal(last.files, 1);
    assert.deepEqual(skipped(events), { [scene.path('odd', 'socket')]: 'a socket is not captured' });
    const alone = ['capture', scene.path('odd', 'socket'), '--for', 'desk'];
    await scene.fails('laptop', alone, 1, 'nothing-left');
  } finally {
    server.close();
  }
});

test('the agent’s own keys never become part of a state', async () => {
  const own = scene.path('laptop');
  await scene.fails('laptop', ['capture', own, '--for', 'desk'], 1, 'nothing-left');
  for (const name of ['identity.key', 'age.key', 'states', 'records.db']) {
    await scene.fails('laptop', ['capture', scene.path('laptop', name), '--for', 'desk'], 1, 'nothing-left');
  }
  const around = scene.path('around');
  mkdirSync(around);
  writeFileSync(scene.path('around', 'file'), 'content');
  const inner = await scene.agent('around/inner');
  const { last } = await scene.join('around/inner', await scene.invite('desk'));
  assert.equal(last.admitted, true);
  const args = ['capture', around, scene.path('around', 'inner', 'identity.key'), '--for', 'desk'];
  const { status, events, last: done } = await scene.run('around/inner', args);
  assert.equal(status, 0);
  assert.equal(done.files, 1);
  const notes = events.filter(({ event }) => event === 'note').map(({ message }) => String(message));
  assert.ok(
    notes.some((note) => note.includes(inner.home)),
    `the person is told: ${notes.join('; ')}`,
  );
  const into = scene.path('around-again');
  await scene.done('desk', ['restore', '--from', 'inner', '--into', into, '--strip']);
  assert.deepEqual(readdirSync(into), ['file']);
});

test('what the agent’s user cannot read is left out and listed; where nothing is left, the capture fails', {
  skip: isRoot ? false : 'only root can start an agent as another user',
}, async () => {
  const source = makeHome(scene.path('foreign'));
  chmodSync(scene.path('foreign', 'run.sh'), 0o600);
  chmodSync(scene.path('foreign', 'Documents', 'nothing'), 0o644);
  chmodSync(scene.path('foreign', '.config-marker'), 0o700);
  mkdirSync(scene.path('guest'), { mode: 0o700 });
  chownSync(scene.path('guest'), NOBODY, NOBODY);
  await scene.agent('guest', [], { uid: NOBODY });
  const token = await scene.invite('desk');
  const { last: joined } = await scene.run('guest', ['fleet', 'join', '-'], { input: token, uid: NOBODY });
  assert.equal(joined.admitted, true);

  const capture = (path: string) => scene.run('guest', ['capture', path, '--for', 'desk'], { uid: NOBODY });
  const { status, last, events } = await capture(source);
  assert.equal(status, 3);
  assert.equal(last.event, 'done');
  assert.equal(last.skipped, 2);
  const reason = 'no permission to read it';
  const { [scene.path('foreign', 'run.sh')]: file, [scene.path('foreign', '.config-marker')]: folder } =
    skipped(events);
  assert.deepEqual({ file, folder }, { file: reason, folder: reason });

  for (const path of [scene.path('foreign', 'run.sh'), scene.path('foreign', '.config-marker')]) {
    const ended = await capture(path);
    failure(ended, 1, 'nothing-left');
    assert.equal(skipped(ended.events)[path], reason);
  }
  const { held } = (await scene.run('nas', ['status'])).last;
  const state = (held as { state: string; snapshots: number[] }[]).find((one) => one.state === last.state);
  assert.deepEqual(state?.snapshots, [1], 'what failed has left nothing that could be restored');

  const into = scene.path('foreign-again');
  const restored = await scene.run('desk', ['restore', '--from', 'guest', '--into', into, '--strip']);
  assert.equal(restored.status, 3, 'the destination is told what the source could not read');
  assert.equal(skipped(restored.events)[scene.path('foreign', 'run.sh')], reason);
  const { differences } = compareTrees(source, into);
  assert.deepEqual(
    differences.filter((difference) => !/^\.\/(run\.sh|\.config-marker\/settings) is missing$/.test(difference)),
    [],
  );
});

test('a sparse file larger than every point is captured, and its holes take no room', async () => {
  writeFileSync(scene.path('huge'), 'end to end');
  truncateSync(scene.path('huge'), 2 ** 40);
  const before = bytesBelow(scene.storeOf('nas'));
  const done = await scene.done('laptop', ['capture', scene.path('huge'), '--for', 'desk']);
  assert.equal(done.bytes, 2 ** 40);
  assert.ok(bytesBelow(scene.storeOf('nas')) - before < 20_000);
});

test('a capture leaves nothing of its own behind on the source', async () => {
  assert.deepEqual(existsSync(scene.path('laptop', 'scratch')) ? readdirSync(scene.path('laptop', 'scratch')) : [], []);
});
