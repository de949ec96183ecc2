import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { items, refuses } from './support/fake-areas.ts';
import { Scene } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

test('an area that the machine is not right with is taken back alone, in the words of its program', async (t) => {
  const scene = new Scene(t, {
    files: { '/etc/sudoers': 'good\n', '/etc/deep/a': 'a' },
    documents: {
      accounts: items({ kind: 'file', path: '/etc/passwd', text: 'fine\n' }),
      services: items({ kind: 'file', path: '/etc/units/x', text: 'fine\n' }),
      printers: items(
        { kind: 'file', path: '/etc/sudoers', text: 'garbage\n' },
        { kind: 'file', path: '/etc/deep/b', text: 'b' },
      ),
    },
    behaviours: { printers: { validate: refuses('/etc/sudoers', 'garbage') } },
  });
  const before = treeOf(scene.root);
  const result = await scene.restore();
  assert.deepEqual(result.applied, ['accounts', 'services']);
  assert.deepEqual(result.failed, [
    { area: 'printers', problems: [{ what: '/etc/sudoers', why: 'line 1: garbage is not known' }] },
  ]);
  const changed = differingPaths(before, treeOf(scene.root));
  assert.deepEqual(changed, ['/etc', '/etc/passwd', '/etc/units', '/etc/units/x']);
  assert.deepEqual(readAreasOutcome(scene.undoDir)?.result?.failed, result.failed);
  takeBackLocked(scene.parts, scene.undoDir, PHASES);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
});

test('an earlier area that fails takes those with it that built upon its files, and no others', async (t) => {
  const scene = new Scene(t, {
    files: { '/etc/hosts': 'old\n' },
    documents: {
      network: items({ kind: 'file', path: '/etc/hosts', text: 'bad\n' }),
      environment: items({ kind: 'file', path: '/etc/locale', text: 'de\n' }),
      hostname: items(
        { kind: 'file', path: '/etc/hosts', text: 'bad and more\n' },
        { kind: 'file', path: '/etc/hostname', text: 'new\n' },
      ),
    },
    // It is found only when everything is there.
    behaviours: {
      network: {
        validate: (system) => (system.text('/etc/hostname') ? [{ what: '/etc/hosts', why: 'is bad' }] : []),
      },
    },
  });
  const before = treeOf(scene.root);
  const { applied, failed } = await scene.restore();
  assert.deepEqual(applied, ['environment']);
  assert.deepEqual(
    failed.map(({ area, problems }) => `${area}: ${problems[0]!.why}`),
    ['network: is bad', 'hostname: it was taken back with network'],
  );
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), ['/etc', '/etc/locale']);
});

test('a later area that fails leaves what an earlier one made of the same file', async (t) => {
  for (const later of ['environment', 'hostname'] as const) {
    const scene = new Scene(t, {
      files: { '/etc/hosts': 'old\n' },
      documents: {
        network: items({ kind: 'file', path: '/etc/hosts', text: 'of network\n', mode: 0o640 }),
        [later]: items({ kind: 'file', path: '/etc/hosts', text: 'wrong\n' }),
      },
      behaviours: { [later]: { validate: refuses('/etc/hosts', 'wrong') } },
    });
    const before = treeOf(scene.root);
    const { applied, failed } = await scene.restore();
    assert.deepEqual([applied, failed.map(({ area }) => area)], [['network'], [later]]);
    assert.equal(readFileSync(join(scene.root, 'etc/hosts'), 'utf8'), 'of network\n');
    takeBackLocked(scene.parts, scene.undoDir, PHASES);
    assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  }
});

test('an area before files that fails is taken back before files, and a later one that built upon it is not begun', async (t) => {
  const scene = new Scene(t, {
    files: { '/etc/hosts': 'old\n' },
    documents: {
      network: items({ kind: 'file', path: '/etc/hosts', text: 'wrong\n' }),
      hostname: items({ kind: 'file', path: '/etc/hosts', text: 'wrong and more\n' }),
    },
    behaviours: { network: { validate: refuses('/etc/hosts', 'wrong') } },
  });
  const before = treeOf(scene.root);
  const transaction = scene.plan();
  transaction.begin(scene.undoDir);
  transaction.applyBefore();
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
  const { applied, failed } = await transaction.applyAfter();
  transaction.close();
  assert.deepEqual([applied, failed.map(({ area }) => area)], [[], ['network', 'hostname']]);
  assert.deepEqual(differingPaths(before, treeOf(scene.root)), []);
});

test('what was wrong before is told, and is no reason to take something back; a check that fails itself is one', async (t) => {
  let asked = 0;
  const scene = new Scene(t, {
    documents: {
      accounts: items({ kind: 'file', path: '/etc/passwd', text: 'fine\n' }),
      services: items({ kind: 'file', path: '/etc/units/x', text: 'fine\n' }),
    },
    behaviours: {
      accounts: { validate: () => [{ what: 'user games', why: 'has no home' }] },
      services: {
        validate: () => {
          if (asked++ > 0) throw new Error('the program crashed');
          return [];
        },
      },
    },
  });
  const { applied, failed, wasWrong } = await scene.restore();
  assert.deepEqual(applied, ['accounts']);
  assert.deepEqual(wasWrong, [{ area: 'accounts', problems: [{ what: 'user games', why: 'has no home' }] }]);
  assert.deepEqual(failed, [{ area: 'services', problems: [{ what: 'its own check', why: 'the program crashed' }] }]);
});
