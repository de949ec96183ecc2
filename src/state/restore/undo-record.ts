import { closeSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs';
import { syncFolder } from '../../common/durable-folders.ts';
import { failpoint } from '../../common/failpoint.ts';
import { type StateId, stateId } from '../../common/ids.ts';
import { damaged } from '../format/damaged.ts';
import { fromSummedJson, toSummedJson } from '../format/summed-json.ts';
import { codeOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';
import { hasPlan } from './decision-log.ts';
import { undoFile } from './places.ts';
import { isRestoreId } from './target.ts';

/** `restore.json` in a restore's own folder: what it was, for people and for `undo`. */
export interface UndoRecord {
  readonly format: 1;
  readonly restore: string;
  readonly state: StateId;
  readonly snapshot: number;
  /** The target's real path. */
  readonly target: string;
  /** It was not there before. */
  readonly isNewTarget: boolean;
  /** The target's time before, or when the restore began where it is new: nanoseconds, decimal. */
  readonly targetTimeNs: string;
  /** The name of the journal in the target. */
  readonly journal: string;
  /** The name of the machine that was captured. */
  readonly machine: string;
  /** ISO 8601; restores of earlier versions did not keep it. */
  readonly capturedAt?: string;
  /** When it began, ISO 8601. */
  readonly restoredAt: string;
  /** `running` until its last step, also where it was cut short. */
  readonly status: 'running' | 'done' | 'undone';
  /** The folder of what was replaced; null where nothing was. */
  readonly preImages: string | null;
  /** Of one that is undone: how many items stayed. Undos of earlier versions did not note it. */
  readonly kept?: number;
}

/** Throws `damaged`; undefined where there is none. */
export function readUndoRecord(undoDir: string): UndoRecord | undefined {
  let text: string;
  try {
    text = readFileSync(undoFile(undoDir, 'restore.json'), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const record = fromSummedJson(text) as UndoRecord;
    const isWhole =
      record.format === 1 &&
      isRestoreId(record.restore) &&
      typeof record.target === 'string' &&
      record.target.startsWith('/') === (process.platform !== 'win32') &&
      /^-?\d{1,20}$/.test(record.targetTimeNs) &&
      /^\.resettle-restore-[0-9a-f]{32}$/.test(record.journal) &&
      ['running', 'done', 'undone'].includes(record.status);
    if (!isWhole) throw new Error('it is not whole');
    return { ...record, state: stateId(record.state) };
  } catch (error) {
    throw damaged(`${undoFile(undoDir, 'restore.json')} cannot be read`, error);
  }
}

/** Whether it was cut short, or is at work, before anything was changed: its plan is sealed before that. */
export const hasBegunOnly = (undoDir: string, { status }: UndoRecord): boolean =>
  status === 'running' && !hasPlan(undoFile(undoDir, 'plan'));

/** Durable when it returns. */
export function writeUndoRecord(undoDir: string, record: UndoRecord): void {
  const path = undoFile(undoDir, 'restore.json');
  const fd = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeAll(fd, Buffer.from(`${toSummedJson(record)}\n`));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  failpoint('restore.record-written');
  renameSync(`${path}.new`, path);
  failpoint('restore.record-renamed');
  syncFolder(undoDir);
}
