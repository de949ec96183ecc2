import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolderDurably, syncFolder } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import type { FolderPath } from '../format/index.ts';
import { holdLock, pathOfFolder } from '../fs/calls.ts';
import { hasPlan } from './decision-log.ts';
import type { RestoreWorkerData } from './messages.ts';
import { undoFile } from './places.ts';
import {
  type FoundTarget,
  isRestoreId,
  type JournalRecord,
  journalNameOf,
  lock,
  Target,
  unfinishedRecord,
} from './target.ts';
import { hasBegunOnly, readUndoRecord, type UndoRecord, writeUndoRecord } from './undo-record.ts';

/** What a restore keeps in its folder for an undo. */
const UNDO_FILES = ['restore.json', 'plan', 'plan.new', 'plan.more', 'plan.became', 'replaced', 'lock'] as const;

const hexOf = (path: FolderPath): string[] => path.map((one) => Buffer.from(one).toString('hex'));

/** The options of a restore that decide how it is carried out, as one text. */
function optionsOf(data: RestoreWorkerData): string {
  const { strip, onConflict, allowPrivileged, mapUsers, only, root, owners, places, base } = data;
  const paths = only?.map(hexOf);
  const asked = [strip, onConflict, allowPrivileged === true, mapUsers ?? [], paths ?? null, root ?? '/'];
  if (!owners && !places && !base) return JSON.stringify(asked);
  const own = places?.map(({ path, name, personal, leftOut }) => [
    hexOf(path),
    name && Buffer.from(name).toString('hex'),
    personal,
    leftOut !== undefined,
  ]);
  return JSON.stringify([...asked, owners, own, ...(base ? [hexOf(base)] : [])]);
}

export interface UnfinishedRestore {
  readonly restoreId: string;
  /** Where on the target it brings what is somebody's own. */
  readonly personal: readonly string[];
}

/** The restore of that descriptor that was begun in a target and is unfinished there; undefined where there is none. */
export function unfinishedRestore(path: string, descriptorHash: string): UnfinishedRestore | undefined {
  const record = unfinishedRecord(path, descriptorHash);
  return record && { restoreId: record.restore, personal: personalOf(record.options) };
}

/** Of what `optionsOf` wrote. */
function personalOf(options: string): string[] {
  try {
    const places = (JSON.parse(options) as readonly unknown[])[7] as readonly [string[], string | null, unknown][];
    return places
      .filter(([, , personal]) => personal)
      .map(([path, name]) => (name ? [...path.slice(0, -1), name] : path))
      .map((names) => `/${names.map((one) => Buffer.from(one, 'hex').toString('utf8')).join('/')}`);
  } catch {
    return [];
  }
}

/** One run of a restore that changes something: the target with its journal, and the folder for its undo. */
export class Session {
  readonly target: Target;
  /** Of the run that began it. */
  readonly restoreId: string;
  readonly undoDir: string | undefined;
  readonly planFile: string;
  readonly #data: RestoreWorkerData;
  /** This run wrote down what the target was. */
  #hasBegun = false;
  #isLocked = false;

  /** Throws `usage`, `failed`, `refused`, `damaged`. */
  constructor(data: RestoreWorkerData) {
    this.#data = data;
    if (!isRestoreId(data.restoreId)) throw new Error('a restore id is letters, digits and -');
    if (data.undoDir !== undefined && basename(data.undoDir) !== data.restoreId) {
      throw new Error('undoDir is not named after its restore');
    }
    const record: JournalRecord = {
      format: 1,
      state: data.stateId,
      snapshot: data.snapshot,
      descriptor: data.descriptorHash,
      restore: data.restoreId,
      undo: data.undoDir !== undefined,
      options: optionsOf(data),
    };
    this.target = this.#openTarget(record);
    try {
      this.restoreId = this.target.record.restore;
      this.undoDir = data.undoDir === undefined ? undefined : this.#openUndo(data.undoDir);
      this.planFile = this.undoDir ? undoFile(this.undoDir, 'plan') : join(pathOfFolder(this.target.journal), 'plan');
    } catch (error) {
      this.target.close();
      throw error;
    }
  }

  /** Tells `undo` that the restore is whole. */
  finish(preImages: string | undefined): void {
    if (this.undoDir === undefined) return;
    writeUndoRecord(this.undoDir, {
      ...readUndoRecord(this.undoDir)!,
      status: 'done',
      preImages: preImages ?? null,
    });
  }

  /** Leaves no trace of a restore that changed nothing. */
  withdraw(): void {
    const former = this.formerTimeNs;
    // Not the folder itself: what areas keep there stands on its own.
    if (this.undoDir !== undefined) removeUndoFiles(this.undoDir);
    this.target.withdraw(this.#data.target, former);
  }

  /** What the target's own time was before, as far as it is known. */
  get formerTimeNs(): bigint | undefined {
    const text = this.undoDir === undefined ? undefined : readUndoRecord(this.undoDir)?.targetTimeNs;
    return text === undefined ? undefined : BigInt(text);
  }

  #openTarget(record: JournalRecord): Target {
    try {
      return new Target(this.#data.target, record, (found) => this.#begin(found));
    } catch (error) {
      const { undoDir, target } = this.#data;
      // Nothing could be made there.
      if (this.#hasBegun && !existsSync(join(target, journalNameOf(record.descriptor).toString()))) {
        removeUndoFiles(undoDir!);
      }
      throw error;
    }
  }

  /** Writes down what the target is, before it or anything in it is made. */
  #begin(found: FoundTarget): void {
    const { undoDir, restoreId, stateId, snapshot, sealed, startedAt } = this.#data;
    if (undoDir === undefined) return;
    makeFolderDurably(undoDir);
    // It may be there since a run that was killed.
    syncFolder(dirname(undoDir));
    // Before there is a record: an undo takes what nobody is at work in for one that was cut short.
    lock(undoFile(undoDir, 'lock'), undoDir);
    this.#isLocked = true;
    const known = readUndoRecord(undoDir);
    if (known && (known.status !== 'running' || hasPlan(undoFile(undoDir, 'plan')))) {
      throw new ResettleError('failed', `${undoDir} is of another restore`, { hint: 'give each restore its own id' });
    }
    // An earlier run was cut short here: what it saw was before it made anything.
    if (known) return;
    this.#hasBegun = true;
    const before = begunBefore(undoDir, found);
    writeUndoRecord(undoDir, {
      format: 1,
      restore: restoreId,
      state: stateId,
      snapshot,
      target: found.realPath,
      isNewTarget: before[0]?.record.isNewTarget ?? found.timeNs === undefined,
      targetTimeNs: before[0]?.record.targetTimeNs ?? `${found.timeNs ?? BigInt(Date.parse(startedAt)) * 1_000_000n}`,
      journal: found.journalName.toString(),
      machine: sealed.machineName,
      capturedAt: new Date(Number(sealed.capturedAtNs / 1_000_000n)).toISOString(),
      restoredAt: startedAt,
      status: 'running',
      preImages: null,
    });
    for (const { dir } of before) removeUndoFiles(dir);
  }

  /** The folder of the run that began this restore: it lies beside that of this run. */
  #openUndo(asked: string): string {
    const { target, restoreId } = this;
    const undoDir = join(dirname(asked), restoreId);
    if (target.resumed && restoreId !== this.#data.restoreId) removeIfEmpty(asked);
    if (readUndoRecord(undoDir) === undefined) {
      throw new ResettleError(
        'usage',
        `a restore into ${target.realPath} was begun from another home and is unfinished`,
        {
          hint: 'finish or undo it with the --home that it was begun with',
        },
      );
    }
    if (!this.#isLocked) lock(undoFile(undoDir, 'lock'), undoDir);
    return undoDir;
  }
}

/** Runs of the same restore that were killed before they changed anything, the first one first: it saw what was there. */
function begunBefore(undoDir: string, { realPath, journalName }: FoundTarget): { dir: string; record: UndoRecord }[] {
  const others = readdirSync(dirname(undoDir)).filter((name) => isRestoreId(name) && name !== basename(undoDir));
  return others.sort().flatMap((name) => {
    const dir = join(dirname(undoDir), name);
    const record = soundRecord(dir);
    const isOurs = record?.target === realPath && record.journal === journalName.toString();
    if (!record || !isOurs || !hasBegunOnly(dir, record)) return [];
    const file = undoFile(dir, 'lock');
    return existsSync(file) && !holdLock(file) ? [] : [{ dir, record }];
  });
}

/** What is damaged is no matter of this restore. */
function soundRecord(dir: string): UndoRecord | undefined {
  try {
    return readUndoRecord(dir);
  } catch {
    return undefined;
  }
}

function removeUndoFiles(undoDir: string): void {
  for (const name of UNDO_FILES) rmSync(join(undoDir, name), { recursive: true, force: true });
  removeIfEmpty(undoDir);
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It holds something, or there is none: both are right.
  }
}
