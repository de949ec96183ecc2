import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { damaged } from '../format/damaged.ts';
import {
  close,
  makeFolder,
  namesIn,
  openFolder,
  openFolderAt,
  removeFile,
  removeFolder,
  rename,
  setMode,
  syncFileSystem,
} from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';

const JOURNAL_PREFIX = '.resettle-restore-';
const HASH_DIGITS = 32;
const RECORD = Buffer.from('journal.json');
const NEW_RECORD = Buffer.from('journal.new');
const TMP = Buffer.from('tmp');
const SPOOL = Buffer.from('spool');

/** What the journal says: which restore this is. */
export interface JournalRecord {
  readonly format: 1;
  readonly state: string;
  readonly snapshot: number;
  readonly descriptor: string;
  readonly restore: string;
}

/**
 * The folder that is restored into, and the journal folder in it. The journal's name holds 128 bits of the
 * descriptor's hash, which covers every captured name: so no captured item can have that name.
 */
export class Target {
  /** The target itself; everything is done beneath this descriptor. */
  readonly base: number;
  readonly journalName: Buffer;
  readonly resumed: boolean;
  readonly #journal: number;
  /** Unfinished files. */
  readonly tmp: number;

  /** Throws `not-empty` when the folder holds anything but this same restore; then nothing was touched. */
  constructor(path: string, record: JournalRecord) {
    this.journalName = Buffer.from(`${JOURNAL_PREFIX}${record.descriptor.slice(0, HASH_DIGITS)}`);
    this.base = openTarget(path);
    const names = namesIn(this.base);
    this.resumed = names.some((name) => name.equals(this.journalName));
    if (names.length > 0 && !this.resumed) {
      close(this.base);
      throw new ResettleError('not-empty', `${path} is not empty`, {
        hint: 'restore into an empty folder, or one that does not exist',
      });
    }
    if (!this.resumed) makeFolder(this.base, this.journalName);
    this.#journal = openFolder(this.base, this.journalName);
    if (this.resumed) checkRecord(path, this.#journal, record);
    writeRecord(this.#journal, record);
    this.tmp = openOwn(this.#journal, TMP);
    rmSync(this.spool, { recursive: true, force: true });
    makeFolder(this.#journal, SPOOL);
    fsyncSync(this.#journal);
    fsyncSync(this.base);
  }

  /** Path of a folder for scratch files, within the journal. */
  get spool(): string {
    return `/proc/self/fd/${this.#journal}/spool`;
  }

  /** Everything restored is on disk, then the journal goes: its absence says that the restore is whole. */
  removeJournal(): void {
    syncFileSystem(this.base);
    rmSync(this.spool, { recursive: true, force: true });
    for (const name of namesIn(this.tmp)) removeFile(this.tmp, name);
    removeFolder(this.#journal, TMP);
    removeFile(this.#journal, RECORD);
    for (const name of namesIn(this.#journal)) removeFile(this.#journal, name);
    removeFolder(this.base, this.journalName);
    fsyncSync(this.base);
  }

  close(): void {
    for (const fd of [this.tmp, this.#journal, this.base]) close(fd);
  }
}

function openTarget(path: string): number {
  try {
    mkdirSync(path, { recursive: true });
    return openFolderAt(Buffer.from(path));
  } catch (error) {
    throw new ResettleError(
      codeOf(error) === 'ENOTDIR' || codeOf(error) === 'EEXIST' ? 'not-empty' : 'failed',
      `cannot restore into ${path}: ${reasonOf(error)}`,
      { hint: 'give a folder that you can write to', cause: error },
    );
  }
}

function openOwn(folder: number, name: Buffer): number {
  try {
    makeFolder(folder, name);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const fd = openFolder(folder, name);
  // A setgid bit inherited from the target would hand its group to new files.
  setMode(fd, 0o700);
  return fd;
}

function checkRecord(path: string, journal: number, record: JournalRecord): void {
  let text: string;
  try {
    text = readFileSync(`/proc/self/fd/${journal}/journal.json`, 'utf8');
  } catch (error) {
    // Cut short before it was written, or after it was removed: the folder's name says whose it is.
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  let found: Partial<JournalRecord> | undefined;
  try {
    found = JSON.parse(text) as Partial<JournalRecord>;
  } catch (error) {
    throw damaged(`the journal in ${path} cannot be read`, error);
  }
  if (found.state !== record.state || found.snapshot !== record.snapshot || found.descriptor !== record.descriptor) {
    throw new ResettleError('not-empty', `${path} holds another unfinished restore`, {
      hint: 'finish that one, or restore into an empty folder',
    });
  }
}

function writeRecord(journal: number, record: JournalRecord): void {
  const folder = `/proc/self/fd/${journal}`;
  const unfinished = `${folder}/journal.new`;
  rmSync(unfinished, { force: true });
  const fd = openSync(unfinished, 'wx', 0o600);
  try {
    writeAll(fd, Buffer.from(`${JSON.stringify(record)}\n`));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  rename(journal, NEW_RECORD, journal, RECORD);
}
