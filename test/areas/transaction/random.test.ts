import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { makeChanges, putFile } from '../support/machine.ts';
import { changeOf, type FakeChange, type FakeDocuments, items } from './support/fake-areas.ts';
import { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

const PATHS = ['/a', '/b', '/d', '/d/a', '/d/b', '/d/e', '/d/e/a', '/n', '/n/m/a'];
const path = fc.constantFrom(...PATHS);
const text = fc.constantFrom('', 'one\n', 'two\n', 'x'.repeat(70_000));
const mode = fc.constantFrom(0o600, 0o644, 0o755, 0o4755, 0o750);
const uid = fc.constantFrom(0, 1, 1000);

const change: fc.Arbitrary<FakeChange> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('file' as const), path, text, mode, uid }) },
  fc.record({ kind: fc.constant('link' as const), path, target: fc.constantFrom('a', '/d', '../x') }),
  fc.record({ kind: fc.constant('folder' as const), path, mode: fc.constantFrom(0o700, 0o755), uid }),
  fc.record({ kind: fc.constant('remove' as const), path }),
  fc.record({ kind: fc.constant('metadata' as const), path, mode, uid }),
);
const changes = fc.array(change, { maxLength: 6 });
const documents: fc.Arbitrary<FakeDocuments> = fc
  .record({ network: changes, environment: changes, services: changes, hostname: changes })
  .map((by) => Object.fromEntries(Object.entries(by).map(([name, all]) => [name, items(...all)])));

/** What the machine has before: at each of some paths a file, a link or a folder, as far as that fits. */
const start = fc.array(
  fc.record({ path, what: fc.constantFrom('file', 'link', 'folder'), text, mode, uid, time: fc.nat(2 ** 31) }),
  { maxLength: 8 },
);

function makeStart(root: string, wanted: typeof start extends fc.Arbitrary<infer T> ? T : never): void {
  for (const one of wanted) {
    try {
      if (one.what === 'link') putFile(root, one.path, { link: 'somewhere' });
      else if (one.what === 'folder') putFile(root, `${one.path}/`, '');
      else putFile(root, one.path, one.text);
      if (one.what === 'link') continue;
      chownSync(join(root, one.path), one.uid, one.uid);
      // What is made in a folder with setgid inherits it, where it is made by the other means.
      chmodSync(join(root, one.path), one.what === 'folder' ? one.mode & 0o777 : one.mode);
    } catch {
      // Something else is there already.
    }
  }
  for (const { path: at, time } of wanted.toReversed()) {
    if (isNoLink(join(root, at))) utimesSync(join(root, at), time, time);
  }
}

function isNoLink(at: string): boolean {
  try {
    return !lstatSync(at).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Kind, mode, owner, content of every path; no times. */
const withoutTimes = (tree: ReadonlyMap<string, string>) =>
  new Map([...tree].map(([at, line]) => [at, line.split(' ').toSpliced(3, 1).join(' ')]));

/** The same machine, changed by other means: item by item, by Node's own calls. */
function changedOtherwise(scene: Scene, ids: ReadonlySet<string>, wanted: FakeDocuments): Map<string, string> {
  const other = join(scene.top, 'other');
  execFileSync('cp', ['-a', scene.root, other]);
  let at = 0;
  for (const name of ['network', 'environment', 'services', 'hostname'] as const) {
    for (const item of wanted[name]!) {
      if (!ids.has(`${at++}`)) continue;
      for (const one of item.changes.map(changeOf)) {
        if (one.kind === 'link') mkdirSync(dirname(join(other, one.path)), { recursive: true });
        if (one.kind !== 'metadata') makeChanges(other, [one]);
        else {
          chownSync(join(other, one.path), one.uid, one.gid);
          chmodSync(join(other, one.path), one.mode);
        }
      }
    }
  }
  const tree = treeOf(other);
  rmSync(other, { recursive: true });
  return tree;
}

async function tryOut(t: TestContext, has: Parameters<typeof makeStart>[1], wanted: FakeDocuments, cut: number) {
  const scene = new Scene(t, { documents: wanted });
  makeStart(scene.root, has);
  utimesSync(scene.root, 1e9, 1e9);
  const before = treeOf(scene.root);
  const planning = scene.plan();
  planning.close();
  const { plan } = planning;
  const done = new Set(plan.items.flatMap(({ action }, at) => (action === 'replace' ? [`${at}`] : [])));
  const expected = changedOtherwise(scene, done, wanted);
  const points: string[] = [];
  assert.deepEqual((await scene.restore({ onPoint: (point) => points.push(point) })).failed, []);
  const after = treeOf(scene.root);
  assert.deepEqual(differingPaths(withoutTimes(expected), withoutTimes(after)), []);
  const unplanned = differingPaths(withoutTimes(before), withoutTimes(after)).filter((at) => !plan.paths.includes(at));
  assert.deepEqual(unplanned, []);
  assert.equal(takeBackLocked(scene.parts, scene.undoDir, PHASES).kept.count, 0);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  rmSync(scene.undoDir, { recursive: true });
  let at = 0;
  const onPoint = () => {
    if (at++ === cut % points.length) throw new Error('an error of the test');
  };
  await assert.rejects(scene.restore({ onPoint }), /an error of the test/);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), [], points[cut % points.length]);
  assert.notEqual(readAreasOutcome(scene.undoDir)?.status, 'applying');
  rmSync(scene.top, { recursive: true });
}

test('whatever is planned is done, and nothing else; an undo, or an error amid it, brings everything back', async (t) => {
  await fc.assert(
    fc.asyncProperty(start, documents, fc.nat(1000), (has, wanted, cut) => tryOut(t, has, wanted, cut)),
    { numRuns: 40 },
  );
});
