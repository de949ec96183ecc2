import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  canUndoAreas,
  openAreas,
  readAreasOutcome,
  rollBackAreas,
  undoAreas,
} from '../../../src/state/areas/transaction/index.ts';
import { EXAMPLE_DOCUMENTS, exampleScene } from './support/example.ts';
import { items } from './support/fake-areas.ts';
import type { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

const partsModule = new URL('./support/worker-parts.ts', import.meta.url).href;
const ROLL_BACK = fileURLToPath(new URL('../../../src/state/areas/transaction/roll-back-main.ts', import.meta.url));
const CHILD = fileURLToPath(new URL('./support/restore-child.ts', import.meta.url));

const open = ({ documents, wish }: Scene) => openAreas({ documents, wish, partsModule });

const run = (file: string, args: readonly string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });

const killedAt = (scene: Scene, point: string) =>
  run(CHILD, [scene.documents, JSON.stringify(scene.wish), scene.undoDir], { TEST_KILL_AT: point });

test('a restore and its undo, each in a worker', async (t) => {
  const scene = exampleScene(t, {
    documents: { ...EXAMPLE_DOCUMENTS, printers: items({ kind: 'file', path: '/etc/cups', text: 'garbage\n' }) },
  });
  const before = treeOf(scene.root);
  const areas = await open(scene);
  assert.equal(areas.plan.machine.source.hostname, 'old');
  assert.equal(areas.plan.items.length, 13);
  await areas.begin(scene.undoDir);
  await areas.applyBefore();
  const result = await areas.applyAfter();
  await areas.close();
  assert.deepEqual(result.applied, ['network', 'environment', 'services']);
  assert.deepEqual(result.failed[0]!.problems, [{ what: '/etc/cups', why: 'line 1: garbage is not known' }]);
  assert.equal(canUndoAreas(scene.undoDir), true);
  assert.equal(await rollBackAreas({ undoDir: scene.undoDir, partsModule }), undefined);
  const undone = await undoAreas({ undoDir: scene.undoDir, partsModule });
  assert.equal(undone.kept.count, 0);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  assert.equal(canUndoAreas(scene.undoDir), false);
});

test('a run that is closed before its end, or rolled back, leaves the machine as it was', async (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  for (const end of ['close', 'roll back'] as const) {
    const areas = await open(scene);
    await areas.begin(scene.undoDir);
    await areas.applyBefore();
    assert.notDeepEqual(differingPaths(before, treeOf(scene.root)), []);
    if (end === 'roll back') assert.equal((await areas.rollBack()).count, 0);
    await areas.close();
    assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
    assert.equal(readAreasOutcome(scene.undoDir)?.status, 'rolled-back');
  }
});

test('an error of one call is thrown by it, and the run can be closed', async (t) => {
  const scene = exampleScene(t);
  const areas = await open(scene);
  writeFileSync(join(scene.root, 'etc/hosts'), 'somebody\n');
  await assert.rejects(areas.begin(scene.undoDir), { code: 'failed', hint: 'plan again' });
  await areas.close();
  assert.equal(readFileSync(join(scene.root, 'etc/hosts'), 'utf8'), 'somebody\n');
  await assert.rejects(undoAreas({ undoDir: scene.undoDir, partsModule }), { code: 'not-found' });
});

test('a process that is killed amid its changes: the next run puts the machine back, then restores', async (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  const killed = killedAt(scene, 'after: step 7');
  assert.equal(killed.signal, 'SIGKILL', killed.stderr);
  assert.notDeepEqual(differingPaths(before, treeOf(scene.root)), []);
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'applying');
  const again = await open(scene);
  await assert.rejects(again.begin(scene.undoDir), { hint: 'undo that one first' });
  await again.close();
  assert.ok(await rollBackAreas({ undoDir: scene.undoDir, partsModule }));
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  const whole = killedAt(scene, 'never');
  assert.equal(whole.status, 0, whole.stderr);
  assert.equal(readAreasOutcome(scene.undoDir)?.status, 'applied');
});

test('the program that takes back what was not confirmed does that, and nothing to what was', (t) => {
  const scene = exampleScene(t);
  const before = treeOf(scene.root);
  assert.equal(killedAt(scene, 'commit').signal, 'SIGKILL');
  const back = run(ROLL_BACK, [scene.undoDir, partsModule]);
  assert.equal(back.status, 0, back.stderr);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  assert.equal(killedAt(scene, 'committed').signal, 'SIGKILL');
  const after = treeOf(scene.root);
  assert.equal(run(ROLL_BACK, [scene.undoDir, partsModule]).status, 0);
  assert.deepEqual(differingPaths(after, treeOf(scene.root)), []);
  assert.equal(run(ROLL_BACK, [join(scene.top, 'none'), partsModule]).status, 0);
  assert.equal(run(ROLL_BACK, []).status, 2);
});
