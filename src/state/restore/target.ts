import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { makeFolders } from '../../common/make-folders.ts';
import { damaged } from '../format/damaged.ts';
import { fromSummedJson, toSummedJson } from '../format/summed-json.ts';
import {
  close,
  fileCallsKind,
  holdLock,
  makeFolder,
  namesIn,
  openFolder,
  openFolderAt,
  pathOfFolder,
  removeFile,
  removeFolder,
  rename,
  setTime,
  statOf,
  syncFolder,
} from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';

const JOURNAL_PREFIX = '.resettle-restore-';
const HASH_DIGITS = 32;
const RECORD = Buffer.from('journal.json');
const NEW_RECORD = Buffer.from('journal.new');
const SPOOL = Buffer.from('spool');

/** The name of the journal of a restore of that descriptor. */
export const journalNameOf = (descriptorHash: string) =>
  Buffer.from(`${JOURNAL_PREFIX}${descriptorHash.slice(0, HASH_DIGITS)}`);

/** What the journal says: which restore this is, and how it was asked for. */
export interface JournalRecord {
  readonly format: 1;
  readonly state: string;
  readonly snapshot: number;
  readonly descriptor: string;
  readonly restore: string;
  /** Its plan lies in a folder beside that of other restores, not here. */
  readonly undo: boolean;
  /** What decides how it is carried out, as one text; a run that goes on must have the same. */
  readonly options: string;
}

/** A target as a restore finds it, before anything is made. */
export interface FoundTarget {
  readonly realPath: string;
  readonly journalName: Buffer;
  /** Undefined where it is not there. */
  readonly timeNs: bigint | undefined;
}

/**
 * The folder that is restored into, and the journal folder in it. The journal's name holds 128 bits of the
 * descriptor's hash, which covers every captured name: so no captured item can have that name.
 */
export class Target {
  /** The target itself; everything is done beneath this descriptor. */
  readonly base: number;
  readonly journalName: Buffer;
  /** Whether this goes on with what an earlier run of the same restore left. */
  readonly resumed: boolean;
  /** The target was not there. */
  readonly isNew: boolean;
  /** The target held nothing but perhaps the journal. */
  readonly wasEmpty: boolean;
  readonly realPath: string;
  readonly journal: number;
  /** What the journal says: the earlier run's where there was one. */
  readonly record: JournalRecord;
  /** What lay in it when this run began, without the journal. */
  readonly #names: readonly Buffer[];

  /**
   * `beforeFirst` is called before the target or anything in it is made, unless an earlier run did. Throws `usage` when
   * an earlier run was asked for otherwise, `failed` while another one is at work here.
   */
  constructor(path: string, record: JournalRecord, beforeFirst: (found: FoundTarget) => void) {
    const journalName = journalNameOf(record.descriptor);
    this.journalName = journalName;
    this.isNew = !existsSync(path);
    this.realPath = this.isNew ? foreseenPath(path) : realpathSync(path);
    if (this.isNew) {
      beforeFirst({ realPath: this.realPath, journalName, timeNs: undefined });
      makeTarget(path);
    }
    const base = openTarget(path);
    this.base = base;
    failpoint('restore.target-opened');
    let journal: number | undefined;
    try {
      checkPath(path, this.realPath);
      const names = namesIn(base);
      const hasJournal = names.some((name) => name.equals(this.journalName));
      this.#names = names.filter((name) => !name.equals(this.journalName));
      this.wasEmpty = this.#names.length === 0;
      if (hasJournal) {
        journal = openFolder(base, this.journalName);
        lockJournal(journal, path);
      }
      // A journal without its record was cut short before anything was done, or after all was.
      const found = journal === undefined ? undefined : readRecord(path, journal, record);
      this.resumed = found !== undefined;
      this.record = found ?? record;
      if (!found && !this.isNew) beforeFirst({ realPath: this.realPath, journalName, timeNs: statOf(base).mtimeNs });
      if (journal === undefined) {
        makeJournal(base, this.journalName, path);
        failpoint('restore.journal-made');
        journal = openFolder(base, this.journalName);
        lockJournal(journal, path);
      }
      this.journal = journal;
      writeRecord(journal, this.record);
      rmSync(this.spool, { recursive: true, force: true });
      makeFolder(journal, SPOOL);
      checkOwner(path, journal);
      failpoint('restore.journal-written');
      syncFolder(journal);
      syncFolder(base);
    } catch (error) {
      if (journal !== undefined) close(journal);
      close(base);
      throw error;
    }
  }

  /** Path of a folder for scratch files, within the journal. */
  get spool(): string {
    return join(pathOfFolder(this.journal), 'spool');
  }

  /** Its absence says that the restore is whole: everything restored is on disk by then. */
  removeJournal(): void {
    removeJournal(this.base, this.journalName, this.journal);
  }

  /**
   * That a journal was made in it and removed does not show: its time is again as before, where its names are. Not in a
   * later run, which does not know the names before the first.
   */
  keepTime(formerNs: bigint | undefined): void {
    if (this.resumed) return;
    const names = namesIn(this.base);
    const isSame =
      names.length === this.#names.length && names.every((name) => this.#names.some((one) => one.equals(name)));
    if (formerNs !== undefined && isSame) setTime(this.base, formerNs);
  }

  /** Leaves no trace of a restore that changed nothing. */
  withdraw(path: string, formerTimeNs: bigint | undefined): void {
    removeJournal(this.base, this.journalName, this.journal);
    if (this.isNew) rmdirSync(path);
    else this.keepTime(formerTimeNs);
  }

  close(): void {
    close(this.journal);
    close(this.base);
  }
}

/** Removes a journal folder and what lies in it, its record last but one. */
export function removeJournal(base: number, name: Uint8Array, journal: number): void {
  const path = pathOfFolder(journal);
  for (const entry of namesIn(journal)) {
    if (!entry.equals(RECORD)) rmSync(join(path, entry.toString()), { recursive: true, force: true });
  }
  failpoint('restore.journal-emptied');
  for (const entry of namesIn(journal)) removeFile(journal, entry);
  failpoint('restore.journal-record-removed');
  removeFolder(base, name);
  failpoint('restore.journal-removed');
  syncFolder(base);
}

/** Throws `failed` while another process has the lock; it ends with this thread. */
export function lock(file: string, what: string): void {
  writeFileSync(file, '', { flag: 'a', mode: 0o600 });
  hold(file, what);
}

/**
 * The folder itself is locked: a file in it that is open could not be removed with it everywhere. Plain Node has no lock
 * for folders.
 */
export function lockJournal(journal: number, what: string): void {
  if (fileCallsKind() === 'linux') hold(pathOfFolder(journal), what);
}

function hold(path: string, what: string): void {
  if (holdLock(path)) return;
  throw new ResettleError('failed', `another restore or undo is at work in ${what}`, { hint: 'wait until it ended' });
}

function makeJournal(base: number, name: Buffer, path: string): void {
  try {
    makeFolder(base, name);
  } catch (error) {
    throw notInto(path, error);
  }
}

const notInto = (path: string, error: unknown): ResettleError =>
  new ResettleError('failed', `cannot restore into ${path}: ${reasonOf(error)}`, {
    hint: 'give a folder that you can write to',
    cause: error,
  });

function makeTarget(path: string): void {
  let isMade: boolean;
  try {
    isMade = makeFolders(path);
  } catch (error) {
    throw notInto(path, error);
  }
  if (!isMade) throw changed(path);
}

function openTarget(path: string): number {
  try {
    return openFolderAt(Buffer.from(path));
  } catch (error) {
    throw notInto(path, error);
  }
}

/** The real path that a folder will have once it is made. */
function foreseenPath(path: string): string {
  const above = dirname(resolve(path));
  try {
    return join(realpathSync(above), basename(resolve(path)));
  } catch (error) {
    if (dirname(above) === above) throw notInto(path, error);
  }
  return join(foreseenPath(above), basename(resolve(path)));
}

/** An undo finds the target by its path. */
function checkPath(path: string, noted: string): void {
  if (realpathSync(path) !== noted) throw changed(path);
}

const changed = (path: string): ResettleError =>
  new ResettleError('failed', `the way to ${path} changed while the restore began`, { hint: 'give the restore again' });

/** A journal that somebody else planted would say what is to be done: it must be like a folder that we make. */
function checkOwner(path: string, journal: number): void {
  const spool = openFolder(journal, SPOOL);
  try {
    const theirs = statOf(journal);
    const ours = statOf(spool);
    if (theirs.uid === ours.uid && (theirs.mode & 0o777n) === (ours.mode & 0o777n)) return;
  } finally {
    close(spool);
  }
  throw new ResettleError('refused', `somebody else made the journal of this restore in ${path}`, {
    hint: 'restore into another folder, or remove that one if you know where it comes from',
  });
}

/** Undefined where it was cut short before the record was written, or after it was removed. */
function readRecord(path: string, journal: number, wanted: JournalRecord): JournalRecord | undefined {
  let text: string;
  try {
    text = readFileSync(join(pathOfFolder(journal), 'journal.json'), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  let found: Partial<JournalRecord> | null;
  try {
    found = fromSummedJson(text) as Partial<JournalRecord> | null;
  } catch (error) {
    throw damaged(`the journal in ${path} cannot be read`, error);
  }
  if (found?.descriptor !== wanted.descriptor || typeof found.restore !== 'string' || !isRestoreId(found.restore)) {
    throw damaged(`the journal in ${path} is of another restore`);
  }
  if (found.undo !== wanted.undo || found.options !== wanted.options) {
    throw new ResettleError('usage', `a restore into ${path} was begun with other options and is unfinished`, {
      hint: 'finish it with the options that it was begun with, or undo it first',
    });
  }
  return { ...wanted, restore: found.restore };
}

/** Whose journal an open journal folder is; undefined where it has no record. Throws `damaged`. */
export function ownerOfJournal(journal: number): string | undefined {
  try {
    const { restore } = fromSummedJson(
      readFileSync(join(pathOfFolder(journal), 'journal.json'), 'utf8'),
    ) as JournalRecord;
    return restore;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw damaged('the journal of a restore cannot be read', error);
  }
}

/** What the journal says of a restore of that descriptor that is unfinished in a target; undefined where there is none. */
export function unfinishedRecord(
  path: string,
  descriptorHash: string,
): Pick<JournalRecord, 'restore' | 'options'> | undefined {
  try {
    const file = join(path, journalNameOf(descriptorHash).toString(), 'journal.json');
    const { restore, options } = fromSummedJson(readFileSync(file, 'utf8')) as Partial<JournalRecord>;
    return isRestoreId(`${restore}`) ? { restore: `${restore}`, options: `${options}` } : undefined;
  } catch {
    // What is wrong with it is told when it is opened.
    return undefined;
  }
}

/** Safe as the name of a folder. */
export const isRestoreId = (text: string) => /^[A-Za-z0-9-]{1,64}$/.test(text);

function writeRecord(journal: number, record: JournalRecord): void {
  const unfinished = join(pathOfFolder(journal), 'journal.new');
  rmSync(unfinished, { force: true });
  const fd = openSync(unfinished, 'wx', 0o600);
  try {
    writeAll(fd, Buffer.from(`${toSummedJson(record)}\n`));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  rename(journal, NEW_RECORD, journal, RECORD);
}
