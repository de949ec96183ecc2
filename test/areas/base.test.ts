import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseBy } from '../../src/common/parse-by.ts';
import { isPlainPath } from '../../src/state/areas/base/change.ts';
import { readDocuments } from '../../src/state/areas/base/documents.ts';
import { ItemPlanner } from '../../src/state/areas/base/item-planner.ts';
import { matchesPath } from '../../src/state/areas/base/path-patterns.ts';
import { PlannedSystem } from '../../src/state/areas/base/planned-system.ts';
import { AREAS } from '../../src/state/areas/registry.ts';
import { machineWith } from './support/machine.ts';

const file = (path: string, text: string) =>
  ({ kind: 'file', path, content: Buffer.from(text), mode: 0o644, uid: 0, gid: 0 }) as const;

test('links of a machine lead where they would lead there, never out of its root', (t) => {
  const machine = machineWith(t, {
    '/etc/real': 'inside',
    '/etc/absolute': { link: '/etc/real' },
    '/etc/above': { link: '../../../../../../etc/real' },
    '/etc/passwd-of-here': { link: '/etc/passwd' },
  });
  assert.equal(machine.text('/etc/absolute'), 'inside');
  assert.equal(machine.text('/etc/above'), 'inside');
  assert.equal(machine.text('/../../etc/real'), 'inside');
  assert.equal(machine.text('/etc/passwd-of-here'), undefined);
  mkdirSync(join(machine.root, 'round'));
  symlinkSync('b', join(machine.root, 'round/a'));
  symlinkSync('a', join(machine.root, 'round/b'));
  assert.equal(machine.text('/round/a'), undefined);
  assert.equal(machine.facts('/round/a')?.kind, 'link');
});

test('a plan shows the machine as it will be, and what is withheld is not in it', (t) => {
  const machine = machineWith(t, { '/etc/a': 'one', '/etc/b': 'two' });
  const planned = new PlannedSystem(machine);
  const planner = new ItemPlanner({ name: 'environment', writes: ['/etc/*'] }, planned, false);
  const wanted = { title: 'a', action: 'replace', detail: 'is changed' } as const;
  assert.equal(planner.want({ ...wanted, id: 'x:a', changes: [file('/etc/a', 'three')] }), true);
  assert.equal(planner.want({ ...wanted, id: 'x:b', effect: 'sudoers', changes: [file('/etc/b', 'four')] }), false);
  assert.equal(planner.want({ ...wanted, id: 'x:c', changes: [file('/etc/deep/c', 'x')] }), false);
  assert.equal(planner.want({ ...wanted, id: 'x:d', changes: [file('/etc/../d', 'x')] }), false);
  assert.equal(planner.want({ ...wanted, id: 'x:e', changes: [file('/etc/b', 'two')] }), true);
  assert.deepEqual(
    planner.items.map(({ id, action }) => `${id} ${action}`),
    ['x:a replace', 'x:b withhold', 'x:c withhold', 'x:d withhold', 'x:e same'],
  );
  assert.equal(planned.text('/etc/a'), 'three');
  assert.equal(planned.text('/etc/b'), 'two');
  writeFileSync(join(machine.root, 'etc/c'), '');
  planned.plan({ kind: 'remove', path: '/etc/c' });
  assert.deepEqual(planned.list('/etc'), ['a', 'b']);
});

test('patterns and paths of changes are taken by the letter', () => {
  assert.equal(matchesPath('/etc/cups/ppd/*.ppd', '/etc/cups/ppd/lab.ppd'), true);
  assert.equal(matchesPath('/etc/cups/ppd/*.ppd', '/etc/cups/ppd/a/lab.ppd'), false);
  assert.equal(matchesPath('/etc/cups/**', '/etc/cups/ppd/a/lab.ppd'), true);
  assert.equal(matchesPath('/etc/cups/**', '/etc/cups'), false);
  assert.equal(matchesPath('/etc/a.b', '/etc/axb'), false);
  for (const path of ['etc', '/', '/a//b', '/a/../b', '/a/.', '/a\0', `/${'a'.repeat(256)}`]) {
    assert.equal(isPlainPath(path), false, path);
  }
  assert.equal(isPlainPath('/etc/ä b'), true);
});

test('a document whose list is an object with a length of its own is wrong, as any other', (t) => {
  const folder = machineWith(t, {}).root;
  const length = { length: { toString: null } };
  for (const wrong of [length, { areas: length }]) {
    writeFileSync(join(folder, 'machine.json'), JSON.stringify(wrong));
    assert.throws(() => readDocuments(folder, AREAS), { code: 'damaged' });
  }
  for (const area of AREAS) {
    assert.equal(parseBy(area.schema, length).success, false, area.name);
    assert.equal(parseBy(area.schema, { [area.name]: length }).success, false, area.name);
  }
});
