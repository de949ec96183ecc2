import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { journalDirOf, readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { exampleScene } from './support/example.ts';
import type { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

/** Machine and journal as a crash at some point leaves them. */
class Moments {
  readonly #scene: Scene;
  readonly points: string[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  readonly keep = (point: string): void => {
    const to = join(this.#scene.top, `moment-${this.points.length}`);
    execFileSync('sh', ['-c', 'mkdir "$2" && cp -a "$1/root" "$1/home" "$2/"', 'sh', this.#scene.top, to]);
    this.points.push(point);
  };

  goTo(index: number): void {
    const { top } = this.#scene;
    for (const name of ['root', 'home']) {
      rmSync(join(top, name), { recursive: true, force: true });
      execFileSync('cp', ['-a', join(top, `moment-${index}`, name), join(top, name)]);
    }
  }
}

test('whatever point a crash comes at, the next run puts the machine back whole, or it was whole', async (t) => {
  const scene = exampleScene(t);
  const moments = new Moments(scene);
  const before = treeOf(scene.root);
  await scene.restore({ onPoint: moments.keep });
  const after = treeOf(scene.root);
  assert.ok(moments.points.length > 30, moments.points.join(', '));
  for (const [index, point] of moments.points.entries()) {
    moments.goTo(index);
    const status = readAreasOutcome(scene.undoDir)?.status;
    if (status !== undefined) takeBackLocked(scene.parts, scene.undoDir, 'unfinished');
    const wanted = status === 'applied' ? after : before;
    assert.deepEqual(differingPaths(wanted, treeOf(scene.root)), [], `after a crash at: ${point}`);
    assert.equal(status === 'applied', point === 'committed', point);
    // Then it may begin again.
    if (status !== 'applied' && index % 7 === 0) assert.deepEqual((await scene.restore()).failed, [], point);
  }
});

test('a line of the log that was cut short is not gone on with: the journal can be read however often it is needed', async (t) => {
  const scene = exampleScene(t);
  const moments = new Moments(scene);
  const before = treeOf(scene.root);
  await scene.restore({ onPoint: moments.keep });
  for (const point of ['before: intent', 'after: done']) {
    moments.goTo(moments.points.indexOf(point));
    const log = join(journalDirOf(scene.undoDir), 'log');
    appendFileSync(log, '{"did":"st');
    takeBackLocked(scene.parts, scene.undoDir, 'unfinished');
    appendFileSync(log, '{"did":"un');
    takeBackLocked(scene.parts, scene.undoDir, 'unfinished');
    takeBackLocked(scene.parts, scene.undoDir, 'unfinished');
    assert.deepEqual(differingPaths(before, treeOf(scene.root)), [], point);
  }
});

test('whatever point of an undo a crash comes at, the next undo ends the same', async (t) => {
  const scene = exampleScene(t);
  const moments = new Moments(scene);
  const before = treeOf(scene.root);
  await scene.restore();
  takeBackLocked({ ...scene.parts, onPoint: moments.keep }, scene.undoDir, PHASES);
  assert.ok(moments.points.length > 14, moments.points.join(', '));
  for (const [index, point] of moments.points.entries()) {
    moments.goTo(index);
    takeBackLocked(scene.parts, scene.undoDir, PHASES);
    assert.deepEqual(differingPaths(before, treeOf(scene.root)), [], `after a crash at: ${point}`);
    assert.equal(readAreasOutcome(scene.undoDir)?.status, 'undone');
  }
});

test('whatever point an error comes at, the run puts the machine back by itself', async (t) => {
  const counting = exampleScene(t);
  const points: string[] = [];
  await counting.restore({ onPoint: (point) => points.push(point) });
  for (const [index, point] of points.entries()) {
    const scene = exampleScene(t);
    const before = treeOf(scene.root);
    let at = 0;
    const onPoint = () => {
      if (at++ === index) throw new Error('an error of the test');
    };
    await assert.rejects(scene.restore({ onPoint }), /an error of the test/, point);
    assert.deepEqual(differingPaths(before, treeOf(scene.root)), [], `after an error at: ${point}`);
    const status = readAreasOutcome(scene.undoDir)?.status;
    if (status !== undefined && status !== 'staged') assert.equal(status, 'rolled-back', point);
  }
});
