import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { AreasTransaction } from '../../../src/state/areas/transaction/transaction.ts';
import { putFile } from '../../areas/support/machine.ts';
import { EXAMPLE_DOCUMENTS, EXAMPLE_FILES } from '../../areas/transaction/support/example.ts';
import { writeDocuments } from '../../areas/transaction/support/fake-areas.ts';
import { differingPaths, treeOf } from '../../areas/transaction/support/tree.ts';
import { crash } from '../power-cut/crash.ts';
import { cutAgainAndAgain, inMemory, type Left, lastOf } from '../power-cut/cuts.ts';
import { AREAS, placesIn, wishFor } from '../power-cut/machines/areas-machine.ts';
import { materialise } from '../power-cut/materialise.ts';
import { record } from '../power-cut/record.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';

const MACHINE = new URL('../power-cut/machines/areas.ts', import.meta.url);
const COUNTS = { states: 150, thorough: 15, profiles: ['journaled', 'xfs', 'ext4'] as const };
type Lines = ReadonlyMap<string, string>;

const run = (run: Run): Promise<Tally> =>
  inMemory(run, ['root', 'home'], run.random.integer(2) === 0, async (dir, roots) => {
    makeMachine(dir);
    const before = treeOf(join(dir, 'root'));
    const { recording, status, stderr } = await record(roots, MACHINE, [dir]);
    assert.equal(status, 0, stderr);
    const at = recording.operations.findIndex((one) => one.type === 'said' && one.text.includes('"applied"'));
    materialise(crash(recording, { profile: 'posix', at, names: 100, data: 100 }, run.random), roots);
    const after = untimed(treeOf(join(dir, 'root')));
    return await cutAgainAndAgain(run, recording, roots, COUNTS, (left) => check(dir, before, after, left));
  });

function makeMachine(dir: string): void {
  const { root, documents } = placesIn(dir);
  mkdirSync(documents);
  for (const [path, file] of Object.entries(EXAMPLE_FILES)) putFile(root, path, file);
  writeDocuments(documents, EXAMPLE_DOCUMENTS);
  for (const [index, path] of ['etc/hosts', 'etc/gone', 'etc/mode', 'etc/folder', 'etc', '.'].entries()) {
    utimesSync(join(root, path), 1e9 + index, 1e9 + index);
  }
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(root, 'etc/hosts')]);
}

/** Times that nobody set are those of the test. */
const untimed = (lines: Lines): Lines =>
  new Map([...lines].map(([path, line]) => [path, line.replace(/^(\S+ \S+ \S+) \S+/, '$1')]));

/** Without the times of folders. */
const timeless = (lines: Lines): Lines =>
  new Map([...lines].map(([path, line]) => [path, line.replace(/^(4\d{4} \S+ \S+) \S+/, '$1')]));

const hasLeft = (undoDir: string): boolean => {
  const log = join(undoDir, 'areas', 'log');
  return existsSync(log) && readFileSync(log, 'utf8').includes('"did":"left"');
};

async function check(dir: string, before: Lines, after: Lines, { said, isThorough }: Left): Promise<Tally> {
  const { root, undoDir, documents } = placesIn(dir);
  const status = readAreasOutcome(undoDir)?.status;
  const isBefore = (what: string) => assert.deepEqual(differingPaths(before, treeOf(root)), [], what);
  // Its folders have the times of this disk, and not those of the log: they count as changed since.
  const isBeforeButTimes = (what: string) =>
    assert.deepEqual(differingPaths(timeless(before), timeless(treeOf(root))), [], what);
  if (lastOf(said, 'undone') !== undefined) isBeforeButTimes('it was undone');
  else if (lastOf(said, 'undoing') !== undefined) {
    takeBackLocked(AREAS, undoDir, PHASES);
    isBeforeButTimes('undone once more');
  } else if (lastOf(said, 'applied') !== undefined || status === 'applied') {
    assert.equal(status, 'applied');
    assert.deepEqual(differingPaths(after, untimed(treeOf(root))), [], 'it was applied');
    takeBackLocked(AREAS, undoDir, PHASES);
    isBeforeButTimes('taken back');
  } else {
    if (status !== undefined) takeBackLocked(AREAS, undoDir, 'unfinished');
    if (hasLeft(undoDir)) isBeforeButTimes('cut short at its end, and rolled back');
    else isBefore('cut short, and rolled back');
    if (isThorough) await anew(root, documents, undoDir, after);
  }
  return { [`status ${status ?? 'none'}`]: 1 };
}

/** Then it may begin again. */
async function anew(root: string, documents: string, undoDir: string, after: Lines): Promise<void> {
  const transaction = new AreasTransaction(AREAS, documents, wishFor(root));
  transaction.begin(undoDir);
  transaction.applyBefore();
  await transaction.applyAfter();
  transaction.close();
  assert.deepEqual(differingPaths(after, untimed(treeOf(root))), [], 'begun again');
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'power-areas',
    about: 'Settings that a power cut caught half restored are put back whole',
    gateRuns: 1,
    run,
  },
];
