import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { Scene } from '../support/scene.ts';
import { filesBelow, findText, makeBulk, makeHome } from '../support/trees.ts';

const MARKER = 'Wolpertinger-7391';

const scene = new Scene();
const home = scene.path('home');
const work = scene.path('work');
let state = '';

/** `boss` is the operator, `laptop` the old machine, `desk` the new one; `nas` keeps what moves. */
before(async () => {
  makeHome(home, MARKER);
  makeHome(work, 'work');
  await Promise.all([scene.agent('boss'), scene.point('nas'), scene.agent('laptop'), scene.agent('desk')]);
  await scene.fleet('boss', ['nas', 'laptop', 'desk']);
});
after(() => scene.end());

const restore = (into: string, ...more: string[]) => ['restore', '--into', into, ...more];
const packs = (): string[] =>
  [...filesBelow(scene.path('nas-store', 'states', state, 'packs'))].sort(
    (a, b) => statSync(b).size - statSync(a).size,
  );

test('where nothing was captured for a machine, it is told so', async () => {
  const ask = (name: string) => scene.fails(name, restore(scene.path('x')), 6, 'not-found');
  for (const { message, hint } of await Promise.all([ask('desk'), ask('boss')])) {
    assert.match(message, /no association/);
    assert.match(hint, /capture/);
  }
  assert.ok(!existsSync(scene.path('x')));
});

test('a machine in no fleet restores nothing, with or without the id of a state', async () => {
  const { state: first } = await scene.done('laptop', ['capture', home, '--for', 'desk']);
  state = first as string;
  await scene.agent('outsider');
  await scene.fails('outsider', restore(scene.path('x')), 4, 'not-a-member');
  await scene.fails('outsider', restore(scene.path('x'), '--state', state), 4, 'not-a-member');
  assert.ok(!existsSync(scene.path('x')));
});

test('a machine of another fleet gets nothing of this one', async () => {
  await scene.point('rival');
  await scene.done('rival', ['fleet', 'init', '--name', 'rivals']);
  await scene.fails('rival', restore(scene.path('x'), '--state', state), 6, 'not-found');
  await scene.fails('rival', restore(scene.path('x'), '--from', 'laptop'), 6, 'not-found');
  const { points } = await scene.done('rival', ['points']);
  assert.deepEqual(
    (points as { name: string }[]).map(({ name }) => name),
    ['rival'],
  );
});

test('a third member is refused somebody else’s state, and so is its source', async () => {
  const refused = await scene.fails('boss', restore(scene.path('x'), '--state', state), 4, 'refused');
  assert.match(refused.message, new RegExp(state));
  const source = await scene.fails('laptop', restore(scene.path('x'), '--state', state), 4, 'refused');
  assert.match(source.message, /another machine/);
  await scene.fails('desk', restore(scene.path('x'), '--state', 'f'.repeat(64)), 6, 'not-found');
  await scene.fails('desk', restore(scene.path('x'), '--state', 'nonsense'), 2, 'usage');
  assert.ok(!existsSync(scene.path('x')));
});

test('a state that no operator confirmed needs a person’s answer, which --yes does not give', async () => {
  for (const more of [[], ['--yes']]) {
    const { message, hint } = await scene.fails('desk', restore(scene.path('x'), ...more), 2, 'unconfirmed');
    assert.match(message, /laptop/);
    assert.match(hint, /--from laptop/);
  }
  assert.ok(!existsSync(scene.path('x')));
  await scene.fails('desk', restore(scene.path('x'), '--from', 'nosuch'), 6, 'not-found');
  await scene.fails('desk', restore(scene.path('x'), '--from', 'boss'), 6, 'not-found');
});

test('the point keeps no plaintext: neither names nor contents', () => {
  assert.ok(findText(home, MARKER), 'the marker stands in the source');
  assert.equal(findText(scene.storeOf('nas'), MARKER), undefined);
  assert.equal(findText(scene.storeOf('nas'), 'Documents'), undefined);
  assert.equal(findText(scene.path('nas'), MARKER), undefined, 'nor in its HOME');
});

test('a folder that is not empty keeps what it has, and a file is no folder', async () => {
  const full = scene.path('full');
  mkdirSync(full);
  writeFileSync(join(full, 'diary'), 'mine');
  writeFileSync(scene.path('file'), 'mine');
  await scene.done('desk', restore(full, '--from', 'laptop', '--strip'));
  assert.deepEqual(compareTrees(home, full).differences, ['./diary is too many']);
  assert.equal(readFileSync(join(full, 'diary'), 'utf8'), 'mine');
  const { message } = await scene.fails('desk', restore(scene.path('file'), '--from', 'laptop'), 1, 'failed');
  assert.ok(message.includes(scene.path('file')));
  assert.equal(readFileSync(scene.path('file'), 'utf8'), 'mine');
});

test('several PATHs keep their places, and --strip does not go with them', async () => {
  const done = await scene.done('laptop', ['capture', home, work, '--for', 'desk']);
  assert.equal(done.snapshot, 2);
  const strip = scene.path('stripped');
  const { message } = await scene.fails('desk', restore(strip, '--from', 'laptop', '--strip'), 2, 'usage');
  assert.match(message, /strip/);
  assert.deepEqual(existsSync(strip) ? readdirSync(strip) : [], []);
  const into = scene.path('both');
  await scene.done('desk', restore(into, '--from', 'laptop'));
  for (const path of [home, work]) assert.deepEqual(compareTrees(path, join(into, path)).differences, []);
});

test('the old machine is dead and the point was switched off and on: the state is restored all the same', async () => {
  await scene.stop('laptop', 'SIGKILL');
  await scene.stop('nas', 'SIGKILL');
  // The hint beside the signed files may be lost: whose state it is stands in the descriptor.
  rmSync(scene.path('nas-store', 'states', state, 'state.json'));
  await scene.point('nas');
  const into = scene.path('older');
  const done = await scene.done('desk', restore(into, '--from', 'laptop', '--snapshot', '1', '--strip'));
  assert.equal(done.snapshot, 1);
  assert.equal(done.state, state);
  for (const id of ['restore', 'association', 'machine', 'point']) assert.ok(typeof done[id] === 'string', id);
  assert.deepEqual(compareTrees(home, into).differences, []);
  const { message } = await scene.fails(
    'desk',
    restore(scene.path('x'), '--from', 'laptop', '--snapshot', '3'),
    6,
    'not-found',
  );
  assert.match(message, /snapshot 3/);
  assert.ok(!existsSync(scene.path('x')));
});

test('what an operator captured needs no more confirmation', async () => {
  await scene.done('boss', ['capture', work, '--for', 'desk']);
  const several = await scene.fails('desk', restore(scene.path('x')), 2, 'ambiguous');
  for (const name of ['boss', 'laptop']) assert.match(several.message, new RegExp(name));
  const into = scene.path('from-boss');
  await scene.done('desk', restore(into, '--from', 'boss', '--strip'));
  assert.deepEqual(compareTrees(work, into).differences, []);

  const token = await scene.invite('boss');
  await scene.agent('tablet');
  assert.equal((await scene.join('tablet', token)).last.admitted, true);
  await scene.done('boss', ['capture', work, '--for', 'tablet']);
  await scene.done('tablet', restore(scene.path('tablet-again'), '--strip'));
  assert.deepEqual(compareTrees(work, scene.path('tablet-again')).differences, []);
});

test('a pack that is damaged or gone on the point’s disk is named, and no wrong file is in place', async () => {
  await scene.agent('laptop');
  const bulk = makeHome(makeBulk(scene.path('bulk'), 40));
  const { state: same, snapshot } = await scene.done('laptop', ['capture', bulk, '--for', 'desk']);
  assert.equal(same, state);
  const victim = packs()[1]!;
  const bytes = readFileSync(victim);
  const id = victim.split('/').at(-1)!;
  const middle = Math.floor(bytes.length / 2);
  for (const [how, harm] of [
    [
      'damaged',
      () =>
        writeFileSync(
          victim,
          Buffer.concat([bytes.subarray(0, middle), Buffer.of(bytes[middle]! ^ 1), bytes.subarray(middle + 1)]),
        ),
    ],
    ['cut', () => writeFileSync(victim, bytes.subarray(0, middle))],
    ['gone', () => rmSync(victim)],
  ] as const) {
    harm();
    const into = scene.path(`into-${how}`);
    const { message } = await scene.fails('desk', restore(into, '--from', 'laptop', '--strip'), 7, 'damaged');
    assert.ok(message.includes(id), message);
    assert.ok(
      readdirSync(into).some((name) => name.startsWith('.resettle-restore-')),
      'it says that it is unfinished',
    );
    const { differences } = compareTrees(bulk, into);
    assert.ok(differences.some((difference) => difference.endsWith('is missing')));
    // Folders get their modes and times at the end; a file that is there is whole.
    for (const difference of differences.filter((one) => !/ is (missing|too many)$/.test(one))) {
      const path = difference.replace(/ has (mode|mtime) .*$/, '');
      assert.ok(statSync(join(bulk, path)).isDirectory(), difference);
    }
    writeFileSync(victim, bytes);
    const done = await scene.done('desk', restore(into, '--from', 'laptop', '--strip'));
    assert.equal(done.snapshot, snapshot);
    assert.deepEqual(
      compareTrees(bulk, into).differences,
      [],
      `mended, the same restore ends well after one was ${how}`,
    );
  }
});
