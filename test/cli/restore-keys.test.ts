import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { eventually, Scene } from '../support/scene.ts';
import { makeHome } from '../support/trees.ts';

const scene = new Scene();
const home = scene.path('ann');
const recovery = scene.path('recovery.age');
const code = scene.path('code');
let state = '';

before(async () => {
  makeHome(home);
  for (const [name, words] of [
    ['passphrase', 'correct horse battery'],
    ['wrong', 'battery horse correct'],
  ] as const) {
    writeFileSync(scene.path(name), `${scene.secret(words)}\n`, { mode: 0o600 });
  }
  await Promise.all([scene.agent('boss'), scene.agent('laptop'), scene.agent('desk'), scene.point('nas')]);
  await scene.fleet(
    'boss',
    ['laptop', 'desk', 'nas'],
    ['--recovery-out', recovery, '--passphrase-file', scene.path('passphrase')],
  );
});
after(() => scene.end());

const restore = (into: string, ...more: string[]) => [
  'restore',
  '--from',
  'laptop',
  '--into',
  scene.path(into),
  '--strip',
  ...more,
];
const byRecovery = (words: string) => ['--recovery-file', recovery, '--passphrase-file', scene.path(words)];

test('the destination tries by itself what was captured for it, and that makes it safe to wipe', async () => {
  await scene.done('laptop', ['associate', 'laptop', 'desk', '--recovery-code-out', code]);
  const done = await scene.done('laptop', ['capture', home, '--for', 'desk']);
  state = String(done.state);
  assert.equal(done.safe, true, JSON.stringify(done.missing));
  await eventually('every agent can tell', async () => {
    const { status } = await scene.run('boss', ['status', '--until', 'safe']);
    return status === 0 || undefined;
  });
});

test('where this machine’s key opens nothing, that is said with the other ways; a wrong passphrase opens nothing', async () => {
  await scene.stop('nas');
  const keys = scene.path('nas-store', 'states', state, 'keys');
  const own = readdirSync(keys).filter((name) => name.startsWith('12D3'));
  assert.equal(own.length, 1);
  rmSync(`${keys}/${own[0]}`);
  await scene.point('nas');
  const { message, hint } = await scene.fails('desk', restore('nothing'), 4, 'refused');
  assert.match(message, /this machine's key: no holder has a key file for it/);
  assert.match(hint, /--recovery-file F, or the recovery code with --recovery-code-file F/);
  const wrong = await scene.fails('desk', restore('nothing', ...byRecovery('wrong')), 4, 'refused');
  assert.match(wrong.message, /does not open with that passphrase/);
  assert.ok(!existsSync(scene.path('nothing')));
});

test('the recovery file of the fleet opens it from a point', async () => {
  await scene.done('desk', restore('by-file', ...byRecovery('passphrase')));
  assert.deepEqual(compareTrees(home, scene.path('by-file')).differences, []);
});

test('the recovery code of the association opens it from a point', async () => {
  await scene.done('desk', restore('by-code', '--recovery-code-file', code));
  assert.deepEqual(compareTrees(home, scene.path('by-code')).differences, []);
  writeFileSync(scene.path('mistyped'), 'ABCD-EFGH\n');
  await scene.fails('desk', restore('nothing', '--recovery-code-file', scene.path('mistyped')), 2, 'usage');
});
