import { type BigIntStats, closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { close, openToRead, statOf, statOfItem } from '../../fs/calls.ts';
import { codeOf, reasonOf } from '../../fs/errno.ts';
import { companionOf } from './companions.ts';
import { bytesAt, copyBytes, sameBytes } from './pieces.ts';
import { JOURNAL_HEADER_BYTES, JOURNAL_TAIL_BYTES, kindOfJournal } from './rollback-journal.ts';
import { UnfitDatabase } from './unfit.ts';

/** The copy's name in its scratch folder, whatever bytes the database's own name has. */
export const COPY_NAME = 'db';
/** The log's header: its salts are new whenever the log begins anew. */
const LOG_HEADER_BYTES = 32;

/** One of the files that were copied; both descriptors are open. */
interface Copied {
  readonly name: Uint8Array;
  readonly fd: number;
  readonly copyFd: number;
  readonly stats: BigIntStats;
}

/** The database's stat when it was copied, or why another attempt may do better. */
export type Together = { readonly stats: BigIntStats } | { readonly again: string };

/**
 * Copies a database with its log and hot journal into an empty scratch folder, as they were together at one moment.
 *
 * Everything is copied, then read once more and compared: what is the same both times stood so at the moment in between.
 * Times alone are no proof, since the clock of a file system may tick more slowly than a database is written. Journal and
 * log are opened after the database was copied, so one that is not there then was not needed for what was copied. All
 * bytes of database and journal are compared. Of the log only the header is: until a new header begins it anew, frames
 * are added behind the others, each under a running sum, so SQLite takes from any copy the transactions that are whole.
 *
 * Throws `UnfitDatabase`, or what a system call threw.
 */
export function copyTogether(folder: number, name: Uint8Array, scratch: string, onPiece: () => void): Together {
  const open: Copied[] = [];
  const copy = (ending: '' | '-journal' | '-wal'): Copied | undefined => {
    const file = openCopy(folder, name, ending, scratch);
    if (!file) return undefined;
    open.push(file);
    copyBytes(file.fd, file.copyFd, Number(file.stats.size), onPiece);
    return file;
  };
  try {
    const database = copy('');
    if (!database) throw new UnfitDatabase('it is gone, or empty');
    const journal = copy('-journal');
    copy('-wal');
    const stands = () => same(database.stats, statOf(database.fd));
    const isTheSame = (file: Copied) => {
      const isLog = file !== database && file !== journal;
      const bytes = isLog ? Math.min(LOG_HEADER_BYTES, Number(file.stats.size)) : Number(file.stats.size);
      return sameBytes(file.fd, file.copyFd, bytes, onPiece) && hasItsName(folder, file);
    };
    if (!stands() || !open.every(isTheSame) || !stands()) return { again: 'it kept changing while it was read' };
    const kind = journal && kindOf(journal);
    if (kind === 'shared') return { again: 'its journal is part of a transaction over several databases' };
    if (kind === 'cold') rmSync(join(scratch, `${COPY_NAME}-journal`));
    return { stats: database.stats };
  } finally {
    for (const { fd, copyFd } of open) {
      close(fd);
      closeSync(copyFd);
    }
  }
}

/** Undefined where nothing of that name is there, or it is empty. */
function openCopy(folder: number, database: Uint8Array, ending: string, scratch: string): Copied | undefined {
  const name = companionOf(database, ending);
  let fd: number;
  try {
    fd = openToRead(folder, name);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new UnfitDatabase(ending === '' ? reasonOf(error) : `its ${ending}: ${reasonOf(error)}`, { cause: error });
  }
  let copyFd: number | undefined;
  try {
    const stats = statOf(fd);
    if (!stats.isFile())
      throw new UnfitDatabase(ending === '' ? 'it is not a file any more' : `its ${ending} is no file`);
    if (stats.size === 0n) return undefined;
    copyFd = openSync(join(scratch, `${COPY_NAME}${ending}`), 'wx+', 0o600);
    return { name, fd, copyFd, stats };
  } finally {
    if (copyFd === undefined) close(fd);
  }
}

/** Nothing has that name, or nothing could. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENAMETOOLONG';
}

function same(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function hasItsName(folder: number, { name, stats }: Copied): boolean {
  try {
    const now = statOfItem(folder, name);
    return now.dev === stats.dev && now.ino === stats.ino;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function kindOf({ copyFd, stats }: Copied): ReturnType<typeof kindOfJournal> {
  const tailAt = Math.max(0, Number(stats.size) - JOURNAL_TAIL_BYTES);
  const head = bytesAt(copyFd, 0, Buffer.alloc(JOURNAL_HEADER_BYTES));
  return kindOfJournal(head, bytesAt(copyFd, tailAt, Buffer.alloc(JOURNAL_TAIL_BYTES)));
}
