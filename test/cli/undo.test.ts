import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { longTest } from '../support/long.ts';
import { Scene } from '../support/scene.ts';
import { makeHome } from '../support/trees.ts';

const scene = new Scene();
const home = scene.path('home');
const store = scene.path('store');
const restore = (into: string, ...more: string[]) =>
  scene.run('laptop', ['restore', '--store', store, '--into', into, '--strip', ...more]);

before(async () => {
  writeFileSync(scene.path('pass'), `${scene.secret('correct horse battery staple')}\n`);
  makeHome(home);
  writeFileSync(join(home, 'report.txt'), 'captured');
  await scene.done('laptop', ['capture', home, '--store', store, '--passphrase-file', scene.path('pass')]);
});
after(() => scene.end());

/** A folder that has some of what was captured, but other, and a copy of it as it was. */
function makeTarget(name: string): { dir: string; copy: string } {
  const dir = scene.path(name);
  mkdirSync(join(dir, 'Documents'), { recursive: true });
  writeFileSync(join(dir, 'report.txt'), 'mine');
  writeFileSync(join(dir, 'Documents', 'nothing'), 'something', { mode: 0o640 });
  writeFileSync(join(dir, 'Documents', 'mine'), 'not captured');
  const copy = scene.path(`${name}-copy`);
  execFileSync('cp', ['-a', dir, copy]);
  return { dir, copy };
}

async function restoredId(into: string): Promise<string> {
  const { status, last, stdout } = await restore(into, '--on-conflict', 'replace');
  assert.equal(status, 0, stdout);
  return String(last.restore);
}

/** What differs, but for the times of folders that had items added and removed. */
const differences = (a: string, b: string): string[] =>
  compareTrees(a, b).differences.filter((one) => !/^\.(\/Documents)? has mtime /.test(one));

test('where nothing was restored, there is nothing to undo', async () => {
  const { hint } = await scene.fails('laptop', ['undo'], 6, 'not-found');
  assert.match(hint, /restores/);
  assert.equal((await restore(scene.path('dry'), '--dry-run')).status, 0);
  await scene.fails('laptop', ['undo'], 6, 'not-found');
  for (const id of ['20260131-235959123-0a1b2c3d', '../states', '.']) {
    await scene.fails('laptop', ['undo', id], 6, 'not-found');
  }
});

test('undo puts back what was replaced and removes what was added, the newest restore first', async () => {
  const first = makeTarget('first');
  const second = makeTarget('second');
  const restored = [];
  for (const { dir } of [first, second]) {
    const { status, last, stdout } = await restore(dir, '--on-conflict', 'replace');
    assert.equal(status, 0, stdout);
    assert.equal(readFileSync(join(dir, 'report.txt'), 'utf8'), 'captured');
    restored.push(last.restore);
  }
  assert.ok(String(restored[0]) < String(restored[1]));
  const last = await scene.done('laptop', ['undo']);
  assert.equal(last.restore, restored[1]);
  assert.equal(last.into, second.dir);
  for (const id of ['state', 'snapshot']) assert.ok(last[id] !== undefined, id);
  assert.deepEqual(differences(second.copy, second.dir), []);
  assert.notDeepEqual(differences(first.copy, first.dir), []);
  const named = await scene.done('laptop', ['undo', String(restored[0])]);
  assert.equal(named.restore, restored[0]);
  assert.deepEqual(differences(first.copy, first.dir), []);
});

test('an undo whose answer was lost, given again, says that it was done and leaves the restore before alone', async () => {
  const older = makeTarget('again-older');
  const newer = makeTarget('again-newer');
  const [first, second] = [await restoredId(older.dir), await restoredId(newer.dir)];
  const done = await scene.done('laptop', ['undo']);
  assert.deepEqual([done.restore, done.wasUndone, done.earlier], [second, false, first]);
  for (const again of [await scene.done('laptop', ['undo']), await scene.done('laptop', ['undo', second])]) {
    const { removed, putBack, skipped, wasUndone, restore: id, into, earlier, state, snapshot } = again;
    assert.deepEqual([id, into, earlier], [second, newer.dir, first]);
    assert.deepEqual([removed, putBack, skipped, wasUndone], [0, 0, 0, true]);
    assert.deepEqual([state, snapshot], [done.state, done.snapshot]);
    assert.equal(again.undoneAt, done.undoneAt);
  }
  const { status, stderr } = await scene.command(['undo', '--home', scene.path('laptop')]).ended;
  assert.equal(status, 0);
  assert.match(stderr, new RegExp(`${second} into ${newer.dir} was undone already, at .* nothing was changed`));
  assert.match(stderr, new RegExp(`"resettle undo ${first}" would undo .* into ${older.dir}`));
  assert.equal(readFileSync(join(older.dir, 'report.txt'), 'utf8'), 'captured');
  assert.equal((await scene.done('laptop', ['undo', first])).earlier, null);
  assert.deepEqual(differences(older.copy, older.dir), []);
  assert.equal((await scene.done('laptop', ['undo'])).restore, second, 'the newest is the newest still');
  const third = await restoredId(newer.dir);
  assert.ok(third > second);
  assert.equal((await scene.done('laptop', ['undo'])).restore, third);
});

test('what was put beside something, and a whole new folder, go again', async () => {
  const { dir, copy } = makeTarget('beside');
  assert.equal((await restore(dir)).status, 3);
  await scene.done('laptop', ['undo']);
  assert.deepEqual(differences(copy, dir), []);
  const fresh = scene.path('fresh');
  assert.equal((await restore(fresh)).status, 0);
  await scene.done('laptop', ['undo']);
  assert.deepEqual(existsSync(fresh) ? compareTrees(fresh, fresh).compared.files : 0, 0);
});

test('what was changed since stays and is listed', async () => {
  const older = makeTarget('older');
  assert.equal((await restore(older.dir, '--on-conflict', 'replace')).status, 0);
  const { dir, copy } = makeTarget('changed');
  assert.equal((await restore(dir, '--on-conflict', 'replace')).status, 0);
  appendFileSync(join(dir, 'report.txt'), ' and gone on with');
  writeFileSync(join(dir, 'Documents', 'new'), 'since');
  const { status, last, events } = await scene.run('laptop', ['undo']);
  assert.equal(status, 3);
  assert.ok(Number(last.skipped) >= 1);
  const kept = events.filter(({ event }) => event === 'skipped').map(({ path }) => String(path));
  assert.ok(
    kept.some((path) => path.endsWith('report.txt')),
    kept.join(', '),
  );
  assert.equal(readFileSync(join(dir, 'report.txt'), 'utf8'), 'captured and gone on with');
  assert.equal(readFileSync(join(dir, 'Documents', 'new'), 'utf8'), 'since');
  assert.equal(readFileSync(join(dir, 'Documents', 'nothing'), 'utf8'), 'something', 'the rest is as it was');
  const [before, ...others] = readdirSync(dir).filter((name) => /^report \(before .+\)\.txt$/.test(name));
  assert.equal(readFileSync(join(dir, before!), 'utf8'), 'mine', 'what had been replaced stands beside it');
  assert.deepEqual(others, []);
  rmSync(join(dir, 'Documents', 'new'));
  renameSync(join(dir, before!), join(dir, 'report.txt'));
  assert.deepEqual(differences(copy, dir), []);
  for (const args of [['undo'], ['undo', String(last.restore)]]) {
    const again = await scene.run('laptop', args);
    assert.equal(again.status, 3, 'what stays is told of again');
    assert.deepEqual(
      [again.last.restore, again.last.wasUndone, again.last.skipped],
      [last.restore, true, last.skipped],
    );
    assert.deepEqual(differences(copy, dir), []);
  }
  assert.equal(readFileSync(join(older.dir, 'report.txt'), 'utf8'), 'captured', 'the one before is left alone');
});

longTest(
  'an undo that is killed when all is put back is ended by the same command, which leaves the restore before alone',
  async () => {
    for (const point of ['undo.noted', 'undo.noted-whole', 'undo.done']) {
      const older = makeTarget(`${point}-older`);
      const newer = makeTarget(`${point}-newer`);
      for (const { dir } of [older, newer]) {
        assert.equal((await restore(dir, '--on-conflict', 'replace')).status, 0);
      }
      const killed = await scene.run('laptop', ['undo'], { env: { RESETTLE_FAILPOINT: point } });
      assert.equal(killed.signal, 'SIGKILL');
      assert.equal((await scene.done('laptop', ['undo'])).into, newer.dir);
      assert.deepEqual(differences(newer.copy, newer.dir), []);
      assert.equal(readFileSync(join(older.dir, 'report.txt'), 'utf8'), 'captured');
      const { restore: id, earlier } = await scene.done('laptop', ['undo']);
      assert.deepEqual(
        readdirSync(scene.path('laptop', 'restores', String(id))),
        ['undone.json'],
        'no more of it stays',
      );
      assert.equal((await scene.done('laptop', ['undo', String(earlier)])).into, older.dir);
    }
  },
);

test('a running agent undoes what was restored without it', async () => {
  const { dir, copy } = makeTarget('agent');
  const { last } = await restore(dir, '--on-conflict', 'replace');
  await scene.agent('laptop');
  const done = await scene.done('laptop', ['undo']);
  assert.equal(done.restore, last.restore);
  assert.deepEqual(differences(copy, dir), []);
});
