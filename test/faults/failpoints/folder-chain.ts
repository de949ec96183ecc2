/** A store in a folder, from the fleet's founding to the undo of a restore: killed at every point on the way. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { resettle } from '../../support/agents.ts';
import { assertSame } from '../support/folder-world.ts';
import { checkStore } from '../support/store-invariants.ts';
import { copyTree, makeTarget, makeTree } from '../support/tree.ts';
import type { Ledger } from './ledger.ts';

const CAPTURE: readonly Failpoint[] = [
  'store.folders-made',
  'store.tmp-emptied',
  'home.file-written',
  'home.file-renamed',
  'cache.filled',
  'folder.begun',
  'store.state-folder-made',
  'store.file-written',
  'store.file-renamed',
  'store.pack-stored',
  'folder.sealed',
  'folder.keys-written',
  'folder.committed',
  'folder.snapshot-noted',
  'cache.committed',
];
const PRUNE: readonly Failpoint[] = ['store.snapshot-dropped', 'prune.snapshots-dropped', 'store.pack-dropped'];
/** Before anything is put in its place. */
const RESTORE_BEGINS: readonly Failpoint[] = [
  'restore.record-written',
  'restore.record-renamed',
  'restore.target-opened',
  'restore.journal-made',
  'restore.journal-written',
  'restore.plan-written',
  'restore.plan-sealed',
];
const RESTORE: readonly Failpoint[] = [
  'restore.other-name-noted',
  'restore.folder-made',
  'restore.part-written',
  'restore.file-whole',
  'restore.pre-image-linked',
  'restore.item-placed',
  'restore.pre-image-moved',
  'restore.node-made',
  'restore.file-locked',
  'restore.places-cleared',
  'restore.folder-finished',
  'restore.synced',
  'restore.journal-emptied',
];
/** All was done: the same command begins a restore of its own. */
const RESTORE_ENDS: readonly Failpoint[] = [
  'restore.journal-record-removed',
  'restore.journal-removed',
  'restore.target-finished',
  'restore.done',
];
const UNDO: readonly Failpoint[] = [
  'undo.item-removed',
  'undo.item-put-back',
  'undo.item-cleared',
  'undo.folder-removed',
  'undo.folder-given-back',
  'undo.target-given-back',
  'undo.synced',
  'undo.target-left',
  'undo.noted',
  'undo.noted-whole',
  'undo.done',
];
const FOUND: readonly Failpoint[] = ['records.added', 'records.committed'];

export const FOLDER_POINTS = [FOUND, CAPTURE, PRUNE, RESTORE_BEGINS, RESTORE, RESTORE_ENDS, UNDO].flat();

export async function folderChain(ledger: Ledger): Promise<void> {
  const { dir, random } = ledger.run;
  const home = ['--home', join(dir, 'home')];
  const store = join(dir, 'store');
  const tree = makeTree(join(dir, 'tree'), random);
  try {
    execFileSync('chattr', ['+i', join(tree, 'folder 1', '1', 'file-3')]);
    const self = await found(ledger, home);
    const look = async (): Promise<void> => void (await checkStore(store));
    const captured = await ledger.chain(['capture', tree, '--store', store, '--for', self, ...home], CAPTURE, look);
    assert.equal(captured.status, 0, captured.stdout);
    const pruned = await ledger.chain(['store', 'prune', store, '--keep-last', '1', ...home], PRUNE, look);
    assert.equal(pruned.status, 0, pruned.stdout);
    assert.equal((await resettle(['store', 'verify', store, ...home])).unreferencedPacks, 0);
    await restoreAndUndo(ledger, tree, ['restore', '--store', store, ...home], home);
  } finally {
    spawnSync('chattr', ['-R', '-f', '-i', dir]);
  }
}

/** A founding that was cut short is done by the same command; one that was done says so. Returns who this machine is. */
async function found(ledger: Ledger, home: readonly string[]): Promise<string> {
  const args = ['fleet', 'init', '--name', 'faults', ...home];
  const again = await ledger.chain(args, ['records.added']);
  assert.equal(again.status, 0, again.stdout);
  const second = [...args.slice(0, -1), `${home[1]}-2`];
  const told = await ledger.chain(second, ['records.committed']);
  assert.ok(told.status === 0 || told.last.code === 'refused', told.stdout);
  return String(again.last.peerId);
}

async function restoreAndUndo(
  ledger: Ledger,
  tree: string,
  restore: readonly string[],
  home: readonly string[],
): Promise<void> {
  const { dir, random } = ledger.run;
  const into = makeTarget(join(dir, 'into'), tree, random);
  const before = copyTree(into, join(dir, 'before'));
  const late = join(into, 'folder 1', '9');
  const args = [...restore, '--into', into, '--strip', '--on-conflict', 'replace', '--allow-privileged', '--yes'];
  const done = await ledger.chain(args, [...RESTORE_BEGINS, ...RESTORE, ...RESTORE_ENDS], (point) => {
    // What was not there when it was planned.
    if (point === 'restore.plan-sealed') writeFileSync(late, 'came in between');
  });
  assert.ok(done.status === 0 || done.status === 3, done.stdout);
  await ledger.undoAll(home, UNDO);
  execFileSync('rm', [late]);
  execFileSync('touch', ['-r', join(before, 'folder 1'), join(into, 'folder 1')]);
  assertSame(before, into, 'undone');
}
