import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { undoAreas } from '../../src/state/areas/transaction/index.ts';
import { undoRestore } from '../../src/state/restore/index.ts';
import type { Ended } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { isLong, longTest } from '../support/long.ts';
import { Scene } from '../support/scene.ts';
import { makeMachine, put } from '../support/small-machine.ts';
import { makeBulk } from '../support/trees.ts';

const NODE = fileURLToPath(new URL('../../bin/node', import.meta.url));
const KILLED = fileURLToPath(new URL('./support/killed-restore.ts', import.meta.url));
const STAGES = isLong ? (['documents', 'before', 'files', 'after'] as const) : (['files'] as const);

const scene = new Scene();
const old = scene.path('old');
const store = scene.path('store');
const PASSPHRASE = scene.secret('correct horse battery staple');
const passFile = () => ['--passphrase-file', scene.path('pass')];
const text = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');

before(async () => {
  writeFileSync(scene.path('pass'), `${PASSPHRASE}\n`);
  makeMachine(old, 'oldbox', [
    { name: 'ann', id: 1000 },
    { name: 'bob', id: 1001 },
  ]);
  put(old, '/home/ann/docs/thesis.txt', { content: 'all of it', uid: 1000, gid: 1000 });
  put(old, '/home/ann/docs/', { content: '', mode: 0o750, uid: 1000, gid: 1000 });
  // More packs than are ever under way at once.
  makeBulk(join(old, 'home/ann/bulk'), 90);
  execFileSync('chown', ['-R', '1000:1000', join(old, 'home/ann')]);
  put(old, '/home/bob/notes', { content: 'notes', uid: 1001, gid: 1001 });
  put(old, '/etc/cron.d/nightly', '0 3 * * * root /usr/local/bin/nightly\n');
  put(old, '/etc/mine.conf', 'mine\n');
  const done = await scene.run('laptop', [
    ...['capture', '/etc/mine.conf', '--areas', 'all', '--root', old, '--store', store, ...passFile()],
  ]);
  assert.equal(done.status, 0, done.stdout);
});
after(() => scene.end());

const restore = (name: string, root: string, ...more: string[]): Promise<Ended> =>
  scene.run(name, ['restore', '--store', store, ...passFile(), '--root', root, '--allow-privileged', '--yes', ...more]);

/** A new machine, and a copy of it as it was. */
function newMachine(name: string): { root: string; copy: string } {
  const root = scene.path(`${name}-root`);
  makeMachine(root, 'newbox', [{ name: 'zoe', id: 1000 }]);
  execFileSync('cp', ['-a', root, `${root}-copy`]);
  return { root, copy: `${root}-copy` };
}

/** The same, and a HOME whose restore was killed at a stage. */
function killedAt(stage: string, name: string): { root: string; copy: string; home: string } {
  const machine = newMachine(name);
  const home = join('homes', name);
  const what = [KILLED, scene.path(home), store, PASSPHRASE, machine.root, stage];
  const ended = spawnSync('sh', [NODE, '--disable-warning=ExperimentalWarning', ...what], { encoding: 'utf8' });
  assert.equal(ended.signal ?? ended.status, 'SIGKILL', ended.stderr);
  return { ...machine, home };
}

/** Restores of which there is something yet, the oldest first. */
const restoresIn = (home: string): string[] => {
  const folder = scene.path(home, 'restores');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((id) => readdirSync(join(folder, id)).join() !== 'undone.json');
};

/** Undoes all of them, the newest first. */
async function undoAll(home: string): Promise<void> {
  for (const id of restoresIn(home).reverse()) assert.equal((await scene.done(home, ['undo', id])).skipped, 0);
}

for (const stage of STAGES) {
  test(`a restore of a machine that is killed at "${stage}" is gone on with by the same command, and undone`, async () => {
    const { root, copy, home } = killedAt(stage, `again-${stage}`);
    const ended = await restore(home, root);
    assert.equal(ended.status, 3, ended.stdout);
    assert.equal(text(root, 'home/ann/docs/thesis.txt'), 'all of it');
    const ann = Number(/^ann:x:(\d+):/m.exec(text(root, 'etc/passwd'))![1]);
    assert.equal(lstatSync(join(root, 'home/ann/docs')).uid, ann);
    assert.equal(ended.last.resumed, stage === 'files');
    // Where all files were there, the second restore is one of its own.
    assert.equal(restoresIn(home).length, stage === 'after' ? 2 : 1);
    await undoAll(home);
    const { differences } = compareTrees(copy, root);
    // Of the first of two, areas went back before files did: a folder of both may keep the time in between.
    assert.deepEqual(stage === 'after' ? differences.filter((one) => !/ has mtime /.test(one)) : differences, []);
    assert.deepEqual(restoresIn(home), []);
  });

  if (stage === 'documents') continue;
  longTest(`a restore of a machine that is killed at "${stage}" is undone, and leaves no difference`, async () => {
    const { root, copy, home } = killedAt(stage, `undone-${stage}`);
    const undone = await scene.done(home, ['undo']);
    assert.equal(undone.skipped, 0);
    assert.deepEqual(compareTrees(copy, root).differences, []);
    assert.deepEqual(restoresIn(home), []);
    assert.equal((await restore(home, root)).status, 3);
  });
}

test('of a restore that is killed before it changed anything the next one leaves nothing: its documents hold secrets', async () => {
  const { root, copy } = newMachine('unstaged');
  const home = join('homes', 'unstaged');
  const args = ['restore', '--store', store, ...passFile(), '--root', root, '--allow-privileged', '--yes'];
  const killed = await scene.run(home, args, { env: { RESETTLE_FAILPOINT: 'areas.plan-written' } });
  assert.equal(killed.signal, 'SIGKILL');
  const [left] = restoresIn(home);
  assert.ok(existsSync(scene.path(home, 'restores', left!, 'areas', 'documents')));
  const { status, last } = await restore(home, root);
  assert.equal(status, 3);
  assert.deepEqual(restoresIn(home), [last.restore]);
  await scene.done(home, ['undo']);
  assert.deepEqual(compareTrees(copy, root).differences, []);
});

longTest('an undo that is killed between files and what they stood on is gone on with', async () => {
  const { root, copy } = newMachine('half');
  const home = join('homes', 'half');
  const { last } = await restore(home, root);
  const undoDir = scene.path(home, 'restores', String(last.restore));
  await undoAreas({ undoDir, part: 'after' });
  await undoRestore({ undoDir }, { onProgress() {}, signal: new AbortController().signal });
  assert.match(text(root, 'etc/passwd'), /^ann:/m);
  const undone = await scene.done(home, ['undo']);
  assert.deepEqual([undone.restore, undone.state, undone.skipped], [last.restore, last.state, 0]);
  assert.deepEqual(compareTrees(copy, root).differences, []);
});

test('of two restores of one machine at once one goes on, and nothing of the other stays', async () => {
  const { root, copy } = newMachine('twice');
  await scene.agent('busy');
  const both = await Promise.all([restore('busy', root), restore('busy', root)]);
  const statuses = both.map(({ status }) => status).sort();
  assert.ok(statuses.includes(3), both.map(({ stdout }) => stdout.slice(-300)).join('\n'));
  assert.equal(text(root, 'home/ann/docs/thesis.txt'), 'all of it');
  assert.match(text(root, 'etc/passwd'), /^ann:/m);
  await undoAll('busy');
  assert.deepEqual(compareTrees(copy, root).differences, [], statuses.join());
  assert.deepEqual(restoresIn('busy'), []);
});
