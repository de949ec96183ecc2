import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { syncFolder } from '../../common/durable-folders.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { Report } from '../../common/ports.ts';
import { close, openFolder, openFolderAt, setTime, statOf, syncFileSystem, useFileCalls } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { ReportBuilder } from '../fs/report.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { runWorker } from '../threads/run-worker.ts';
import { Amendments } from './amendments.ts';
import { Became } from './became.ts';
import { ExtrasSpool } from './extras-spool.ts';
import type { FromUndoWorker } from './messages.ts';
import { hiddenNameOf, undoFile } from './places.ts';
import { lock, lockJournal, ownerOfJournal, removeJournal } from './target.ts';
import { Tree } from './tree.ts';
import type { UndoOptions, UndoResult } from './types.ts';
import { Undo } from './undo.ts';
import { UndoPlaces } from './undo-places.ts';
import { hasBegunOnly, readUndoRecord, type UndoRecord, writeUndoRecord } from './undo-record.ts';

const port = parentPort!;
const { undoDir, fileCalls } = workerData as UndoOptions;
const tell = (message: FromUndoWorker) => port.postMessage(message);
const teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));

/** The label of what cannot have its name back. */
const labelOf = ({ restoredAt }: UndoRecord) => `before ${restoredAt.slice(0, 10)}`;

function undoIn(base: number, record: UndoRecord): Omit<UndoResult, 'restoreId' | 'state' | 'snapshot' | 'target'> {
  const journalName = Buffer.from(record.journal);
  const journal = openIfThere(base, journalName);
  const scratch = join(undoDir, 'spool');
  const planFile = undoFile(undoDir, 'plan');
  const tree = new Tree({ base, resumed: true });
  const places = new UndoPlaces({ journal: journalName, hidden: hiddenNameOf(record.restore) }, undoDir);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o700 });
  const extras = new ExtrasSpool(join(scratch, 'extras'));
  const amendments = new Amendments(planFile);
  const became = new Became(planFile);
  const isCutShort = record.status === 'running';
  const undo = new Undo({ tree, places, amendments, became, extras, planFile, isCutShort, label: labelOf(record) });
  const kept = new ReportBuilder();
  try {
    if (journal !== undefined) lockJournal(journal, record.target);
    let count = 0;
    const onStep = () =>
      teller.count(() => ({ phase: 'undo', bytes: 0, totalBytes: 0, files: ++count, totalFiles: 0 }));
    undo.findFolders();
    undo.undoItems(onStep);
    undo.undoFolders(onStep);
    tree.close();
    const left = places.clear(0);
    if (left !== undefined) kept.add(left, 'holds what could not be put back');
    if (journal !== undefined && isOwn(journal, record)) removeJournal(base, journalName, journal);
    undo.undoTarget();
    setTime(base, BigInt(record.targetTimeNs));
    failpoint('undo.target-given-back');
    syncFileSystem(base);
    failpoint('undo.synced');
    places.clearHome();
  } finally {
    tree.close();
    amendments.close();
    extras.close();
    places.close();
    if (journal !== undefined) close(journal);
    rmSync(scratch, { recursive: true, force: true });
  }
  const found = undo.kept.report();
  const { items, count } = kept.report();
  return {
    removed: undo.removed,
    putBack: undo.putBack,
    kept: { items: [...found.items, ...items], count: found.count + count },
  };
}

/** The same snapshot may have been restored there again since, and be unfinished: its journal is not ours to remove. */
const isOwn = (journal: number, { restore }: UndoRecord): boolean => (ownerOfJournal(journal) ?? restore) === restore;

/**
 * Of a restore that changed nothing: its journal goes, and a target that was made for it. Returns what stays; its record
 * stays for whoever forgets it.
 */
function withdraw(record: UndoRecord): Report {
  const kept = new ReportBuilder();
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      kept.add(record.target, `may hold ${record.journal} still, in which nothing is: ${messageOf(error)}`);
      return undefined;
    }
  };
  const base = attempt(() => openTarget(record));
  if (base === undefined) return kept.report();
  const name = Buffer.from(record.journal);
  let journal: number | undefined;
  try {
    journal = attempt(() => openIfThere(base, name));
    if (journal !== undefined) {
      lockJournal(journal, record.target);
      attempt(() => removeOwnJournal(base, name, journal!, record));
    }
  } finally {
    if (journal !== undefined) close(journal);
    close(base);
  }
  if (record.isNewTarget) attempt(() => removeIfEmpty(record.target));
  return kept.report();
}

function removeOwnJournal(base: number, name: Buffer, journal: number, record: UndoRecord): void {
  if (!isOwn(journal, record)) return;
  // Made in it, so what changed the target since is later.
  const isUntouched = statOf(base).mtimeNs <= statOf(journal).mtimeNs;
  removeJournal(base, name, journal);
  if (isUntouched) setTime(base, BigInt(record.targetTimeNs));
}

function openIfThere(base: number, name: Buffer): number | undefined {
  try {
    return openFolder(base, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined where an earlier undo removed the target, which the restore had made. */
function openTarget(record: UndoRecord): number | undefined {
  try {
    return openFolderAt(Buffer.from(record.target));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && record.isNewTarget) return undefined;
    throw new ResettleError('failed', `cannot undo the restore into ${record.target}: ${reasonOf(error)}`, {
      hint: 'if it lies on a disk that is not mounted, mount it and try again',
      cause: error,
    });
  }
}

async function run(): Promise<void> {
  if (fileCalls) useFileCalls(fileCalls);
  const record = readUndoRecord(undoDir);
  if (!record) throw new ResettleError('not-found', `there is no restore to undo in ${undoDir}`);
  lock(undoFile(undoDir, 'lock'), record.target);
  let done = { removed: 0, putBack: 0, kept: { items: [], count: 0 } } as ReturnType<typeof undoIn>;
  if (hasBegunOnly(undoDir, record)) done = { ...done, kept: withdraw(record) };
  else if (record.status !== 'undone') {
    const base = openTarget(record);
    if (base !== undefined) {
      try {
        done = undoIn(base, record);
      } finally {
        close(base);
      }
      if (record.isNewTarget) removeIfEmpty(record.target);
    }
    failpoint('undo.target-left');
    writeUndoRecord(undoDir, { ...record, status: 'undone', kept: done.kept.count });
    failpoint('undo.noted');
  } else done = { ...done, kept: { items: [], count: record.kept ?? 0 } };
  for (const name of ['plan', 'plan.more', 'plan.became', 'plan.new']) rmSync(join(undoDir, name), { force: true });
  const { restore: restoreId, state, snapshot, target } = record;
  tell({ type: 'done', result: { restoreId, state, snapshot, target, ...done } });
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
    syncFolder(dirname(folder));
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST' && codeOf(error) !== 'EBUSY') throw error;
  }
}

runWorker(port, run);
