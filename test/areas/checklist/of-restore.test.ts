import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readDocuments } from '../../../src/state/areas/base/documents.ts';
import { type Checklist, checkRestore, exitStatusOf } from '../../../src/state/areas/checklist/index.ts';
import { survey } from '../../../src/state/areas/survey/survey.ts';
import { DOCUMENTS_NAME } from '../../../src/state/plan/source-tree.ts';
import { captureTree, on, restoreTree, temporaryFolder } from '../../state/support/source-machine.ts';
import { ABOUT, machineWith } from '../support/machine.ts';
import { allItems } from './support/fake.ts';
import { parts } from './support/parts.ts';

interface Machine {
  /** The root of the restored machine. */
  readonly root: string;
  /** What the restore kept of areas. */
  readonly areasDir: string;
  look(): Promise<Checklist>;
}

/** A machine that was captured and restored, files and areas, as the product does: ann is anna now. */
async function restoredMachine(t: TestContext): Promise<Machine> {
  const old = machineWith(t, {
    '/etc/hostname': 'old-desk\n',
    '/etc/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    '/etc/environment': 'EDITOR=vi\nWHO=ann\n',
    '/home/ann/letter': 'dear',
    '/home/ann/sub/deep': 'x',
    '/usr/local/bin/tool': '#!/bin/sh',
  });
  const temporary = temporaryFolder(t);
  survey({ system: old, areas: parts.areas, about: { nowMs: ABOUT.nowMs }, folder: temporary });
  const documents = join(temporary, DOCUMENTS_NAME);
  const machine = JSON.parse(readFileSync(join(documents, 'machine.json'), 'utf8'));
  machine.roots = [
    { path: '/home/ann', area: 'homes', isPersonal: true },
    { path: '/usr/local', area: 'usr-local', isPersonal: false },
  ];
  writeFileSync(join(documents, 'machine.json'), JSON.stringify(machine));

  const root = join(temporary, 'new');
  const undoDir = join(temporary, 'restores', 'one');
  chmodSync(join(old.root, 'home/ann'), 0o700);
  const captured = await captureTree(temporary, [join(old.root, 'home'), join(old.root, 'usr/local')]);
  await restoreTree(captured, root, { strip: false, restoreId: 'one', undoDir });
  // The engine puts what was captured below its path: make it the root of a machine.
  const areasDir = join(undoDir, 'areas');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/environment'), 'EDITOR=vi\nWHO=anna\n');
  writeFileSync(join(root, 'etc/hostname'), 'new-desk\n');
  cpSync(documents, join(areasDir, 'documents'), { recursive: true });
  const wish = {
    root,
    areas: ['environment'],
    asked: [],
    identity: 'new',
    allowPrivileged: false,
    mapUsers: [],
    nowMs: 0,
  };
  writeOutcome(areasDir, { format: 1, wish, owners: 'anna', items: [], status: 'applied' });
  const partsModule = new URL('./support/parts.ts', import.meta.url).href;
  return { root, areasDir, look: () => checkRestore({ undoDir, nowMs: Date.UTC(2026, 1, 1), partsModule }, on()) };
}

function writeOutcome(areasDir: string, outcome: Record<string, unknown>): void {
  writeFileSync(join(areasDir, 'outcome.json'), JSON.stringify(outcome));
}

const verdictsOf = (checklist: Checklist, area: string): string[] =>
  allItems(checklist)
    .filter((item) => item.area === area)
    .map(({ id, verdict }) => `${id} ${verdict}`);

test('the checklist of a machine: its areas by their own look, its files by the plan, owners as they are now', async (t) => {
  const { root, look } = await restoredMachine(t);
  const checklist = await look();
  assert.deepEqual(verdictsOf(checklist, 'environment'), ['variable:EDITOR same', 'variable:WHO same']);
  assert.equal(checklist.source.os, 'Debian GNU/Linux 12 (bookworm)');
  assert.equal(checklist.machine.name, 'new-desk');
  assert.equal(checklist.restore, 'one');
  assert.equal(checklist.into, root);
  assert.equal(checklist.capturedAt, '2023-11-14T22:13:20.123Z');
  assert.equal(checklist.madeAt, '2026-02-01T00:00:00.000Z');
  assert.equal(exitStatusOf(checklist.counts), 0);
});

test('what is broken on the machine after the restore is red in its checklist', async (t) => {
  const { root, look } = await restoredMachine(t);
  writeFileSync(join(root, 'etc/environment'), 'EDITOR=emacs\nWHO=anna\n');
  const checklist = await look();
  assert.deepEqual(verdictsOf(checklist, 'environment'), ['variable:EDITOR failed', 'variable:WHO same']);
  assert.equal(exitStatusOf(checklist.counts), 1);
});

test('a document that lost an item, or cannot be read, is noticed', async (t) => {
  const { areasDir, look } = await restoredMachine(t);
  const file = join(areasDir, 'documents', 'environment.json');
  const document = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...document, content: { lines: ['WHO=ann'] } }));
  const lost = await look();
  assert.deepEqual(verdictsOf(lost, 'environment'), ['variable:WHO same', 'variable:EDITOR failed']);
  assert.match(allItems(lost).find(({ id }) => id === 'variable:EDITOR')!.observed, /nobody looked/);
  writeFileSync(file, JSON.stringify({ ...document, content: { lines: 3 } }));
  assert.deepEqual(verdictsOf(await look(), 'environment'), ['area:environment person']);
  unlinkSync(join(areasDir, 'documents', 'checklist.json'));
  assert.deepEqual(
    verdictsOf(await look(), 'snapshot').filter((one) => one.startsWith('snapshot:')),
    ['snapshot:the checklist of the capture person'],
  );
});

test('what the restore wrote down of its areas decides: withheld, taken back, or not readable', async (t) => {
  const { root, areasDir, look } = await restoredMachine(t);
  const outcome = JSON.parse(readFileSync(join(areasDir, 'outcome.json'), 'utf8'));
  writeFileSync(join(root, 'etc/environment'), 'WHO=anna\n');
  const withheld = {
    ...{ area: 'environment', id: 'variable:EDITOR', title: 'EDITOR', action: 'withhold' },
    detail: 'no',
  };
  writeOutcome(areasDir, { ...outcome, items: [{ ...withheld, effect: 'environment' }] });
  assert.deepEqual(verdictsOf(await look(), 'environment'), ['variable:EDITOR skipped', 'variable:WHO same']);
  assert.equal(exitStatusOf((await look()).counts), 3);
  writeOutcome(areasDir, { ...outcome, status: 'rolled-back' });
  assert.ok(verdictsOf(await look(), 'snapshot').includes('restore:areas failed'));
  writeFileSync(join(areasDir, 'outcome.json'), '{"format":1');
  await assert.rejects(look(), { code: 'damaged' });
});

test('what a survey expects is read again with the area that judges it', (t) => {
  const temporary = temporaryFolder(t);
  const machine = machineWith(t, { '/etc/environment': 'EDITOR=vi\n' });
  survey({ system: machine, areas: parts.areas, about: { nowMs: 0 }, folder: temporary });
  const { checklist, problems } = readDocuments(join(temporary, DOCUMENTS_NAME), parts.areas);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    checklist.map(({ area, id, verdict }) => [area, id, verdict]),
    [['environment', 'variable:EDITOR', 'same']],
  );
});
