import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Ended } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { failure, Scene } from '../support/scene.ts';
import { makeHome } from '../support/trees.ts';

const ANN = 4711;
const ANNA = 4712;
const onlyRoot = { skip: process.getuid?.() === 0 ? false : 'only root changes owners' };

const scene = new Scene();
const home = scene.path('home');
const store = scene.path('store');
const capture = (...paths: string[]) => [
  'capture',
  ...paths,
  '--store',
  store,
  '--passphrase-file',
  scene.path('pass'),
];
// The machine that captured has kept the key: no passphrase is asked for.
const restore = (into: string, ...more: string[]) =>
  scene.run('laptop', ['restore', '--store', store, '--into', into, '--strip', ...more]);

before(async () => {
  writeFileSync(scene.path('pass'), `${scene.secret('correct horse battery staple')}\n`);
  makeHome(home);
  writeFileSync(join(home, 'report.txt'), 'captured');
  await scene.done('laptop', capture(home));
});
after(() => scene.end());

/** A target that has an older and a newer file of its own, one that is the same, and one that was not captured. */
function makeTarget(name: string): string {
  const dir = scene.path(name);
  mkdirSync(dir);
  for (const [file, text, year] of [
    ['report.txt', 'mine', 2001],
    ['photo.raw', 'mine too', 2037],
    ['mine', 'not captured', 2020],
  ] as const) {
    writeFileSync(join(dir, file), text);
    const time = new Date(Date.UTC(year, 0));
    utimesSync(join(dir, file), time, time);
  }
  execFileSync('cp', ['-p', join(home, 'run.sh'), join(dir, 'run.sh')]);
  return dir;
}

const text = (...names: string[]): string => readFileSync(join(...(names as [string])), 'utf8');
const listed = ({ events }: Ended): string[] =>
  events.filter(({ event }) => event === 'skipped').map(({ path }) => String(path));
const besides = (dir: string, name: RegExp): string[] => readdirSync(dir).filter((one) => name.test(one));

test('by itself, what is there keeps its name, and the restored one stands beside it and is listed', async () => {
  const dir = makeTarget('both');
  const ended = await restore(dir);
  assert.equal(ended.status, 3, ended.stdout);
  assert.equal(text(dir, 'report.txt'), 'mine');
  assert.equal(text(dir, 'photo.raw'), 'mine too');
  assert.equal(text(dir, 'mine'), 'not captured');
  const [beside, ...others] = besides(dir, /^report \(.+\)\.txt$/);
  assert.deepEqual(others, []);
  assert.equal(text(dir, beside!), 'captured');
  assert.deepEqual(besides(dir, /^run \(/), [], 'what is the same stands once');
  assert.deepEqual((ended.last.conflicts as Record<string, number>).keptBoth, 2);
  assert.equal(ended.last.skipped, 2);
  assert.equal(listed(ended).length, 2);
});

test('with skip what is there stays and is listed, with replace it goes, with newer the later one wins', async () => {
  const skip = makeTarget('skip');
  const skipped = await restore(skip, '--on-conflict', 'skip');
  assert.equal(skipped.status, 3, skipped.stdout);
  assert.equal(text(skip, 'report.txt'), 'mine');
  assert.equal((skipped.last.conflicts as Record<string, number>).skipped, 2);
  assert.equal(listed(skipped).length, 2);
  assert.deepEqual(besides(skip, / \(/), []);

  const replace = makeTarget('replace');
  const replaced = await restore(replace, '--on-conflict', 'replace');
  assert.equal(replaced.status, 0, replaced.stdout);
  assert.equal((replaced.last.conflicts as Record<string, number>).replaced, 2);
  assert.equal(replaced.events.filter(({ event }) => event === 'replaced').length, 2);
  const { differences } = compareTrees(home, replace);
  assert.deepEqual(differences, ['./mine is too many']);

  const newer = makeTarget('newer');
  const ended = await restore(newer, '--on-conflict', 'newer');
  assert.equal(ended.status, 3, ended.stdout);
  assert.deepEqual(listed(ended), ['photo.raw']);
  assert.equal(text(newer, 'report.txt'), 'captured');
  assert.equal(text(newer, 'photo.raw'), 'mine too');
});

test('a dry run says what would be done with each item, and writes nothing', async () => {
  const dir = makeTarget('dry');
  const copy = scene.path('dry-copy');
  execFileSync('cp', ['-a', dir, copy]);
  const { status, events, last } = await restore(dir, '--dry-run');
  assert.equal(status, 3);
  assert.equal(last.restore, null);
  assert.deepEqual(compareTrees(copy, dir).differences, []);
  const actions = events.filter(({ event }) => event === 'item').map(({ action, path }) => `${action} ${path}`);
  assert.ok(
    actions.some((one) => /^keep-both .*report \(.+\)\.txt$/.test(one)),
    actions.join('\n'),
  );
  assert.ok(actions.some((one) => /^identical .*run\.sh$/.test(one)));
  assert.ok(actions.some((one) => /^create .*marker\.txt$/.test(one)));
  const absent = scene.path('absent');
  assert.equal((await restore(absent, '--dry-run')).status, 0);
  assert.ok(!existsSync(absent));
});

test('--root puts everything in its place within a machine, and looks its users up there', onlyRoot, async () => {
  const ann = scene.path('ann');
  mkdirSync(ann);
  writeFileSync(join(ann, 'diary'), 'dear');
  for (const path of [ann, join(ann, 'diary')]) chownSync(path, ANN, ANN);
  const done = await scene.done('laptop', capture(ann));
  const root = scene.path('root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc', 'passwd'), `root:x:0:0::/root:/bin/sh\nanna:x:${ANNA}:${ANNA}::/home/anna:/bin/sh\n`);
  writeFileSync(join(root, 'etc', 'group'), `root:x:0:\nanna:x:${ANNA}:\n`);
  const args = ['restore', '--store', store, '--state', String(done.state), '--root', root];
  const { status, stdout } = await scene.run('laptop', [...args, '--map-user', `${ANN}=anna`]);
  assert.equal(status, 0, stdout);
  const diary = statSync(join(root, ann, 'diary'));
  assert.equal(diary.uid, ANNA);
  assert.equal(text(root, ann, 'diary'), 'dear');
  const unknown = await scene.run('laptop', [...args, '--map-user', `${ANN}=nobody-here`]);
  assert.match(failure(unknown, 2, 'usage').message, /nobody-here/);
});

test('privileged effects are withheld and listed, and come only where they are asked for', onlyRoot, async () => {
  const tools = scene.path('tools');
  mkdirSync(tools);
  writeFileSync(join(tools, 'become'), '#!/bin/sh\n');
  chmodSync(join(tools, 'become'), 0o4755);
  const done = await scene.done('laptop', capture(tools));
  const from = ['--state', String(done.state)];
  const withheld = await restore(scene.path('without'), ...from);
  assert.equal(withheld.status, 3, withheld.stdout);
  assert.equal(lstatSync(scene.path('without', 'become')).mode & 0o7777, 0o755);
  assert.equal(listed(withheld).length, 1);
  const given = await restore(scene.path('with'), ...from, '--allow-privileged');
  assert.equal(given.status, 0, given.stdout);
  assert.equal(lstatSync(scene.path('with', 'become')).mode & 0o7777, 0o4755);
});
