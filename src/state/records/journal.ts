/** The durable half of a log, and where its envelopes are read from: one SQLite file that one process holds at a time. */

import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { FleetId } from '../../common/ids.ts';
import { digest } from '../format/digest.ts';
import { orNoSpace } from '../fs/no-space.ts';
import type { RecordHash } from './types.ts';

const IN_MEMORY = ':memory:';
const VERSION = 1;
const SUM_BYTES = 8;
/** SQLITE_BUSY and SQLITE_LOCKED, without the extended part. */
const LOCKED_CODES = [5, 6];
/** PERM, NOMEM, READONLY, IOERR, FULL, CANTOPEN: what is wrong is the disk or the machine, and the log may be whole. */
const KEPT_OUT_CODES = [3, 7, 8, 10, 13, 14];

export interface JournalEntry {
  /** The record's place in the order; one that replaces another may have the place of that one. */
  readonly number: number;
  readonly hash: RecordHash;
  readonly envelope: Uint8Array;
}

export class Journal {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Throws `agent-already-running` where another process has the file, `damaged` where it is not a record log, `no-space`
   * or `failed` where its disk does not let it be opened.
   */
  constructor(path: string) {
    this.#path = path;
    if (path !== IN_MEMORY) createPrivate(path);
    this.#database = openDatabase(path);
    try {
      this.#prepare();
    } catch (error) {
      this.#database.close();
      throw asOurs(error, path);
    }
  }

  #prepare(): void {
    // Exclusive: the lock that BEGIN takes is held until the file is closed, or its process is gone.
    this.#database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    this.#database.exec('BEGIN EXCLUSIVE');
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS records (
        number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, envelope BLOB NOT NULL, sum BLOB) STRICT;
      INSERT OR IGNORE INTO facts VALUES ('version', '${VERSION}');
    `);
    // Logs of earlier versions have no sums.
    const columns = this.#database.prepare('PRAGMA table_info(records)').all();
    if (!columns.some(({ name }) => name === 'sum')) this.#database.exec('ALTER TABLE records ADD COLUMN sum BLOB');
    this.#database.exec('COMMIT');
    if (this.#fact('version') !== String(VERSION)) throw new Error('the record log is of another version');
  }

  fleetId(): FleetId | undefined {
    return this.#fact('fleet') as FleetId | undefined;
  }

  setFleetId(fleetId: FleetId): void {
    try {
      this.#database.prepare("INSERT INTO facts VALUES ('fleet', ?)").run(fleetId);
    } catch (error) {
      throw notWritten(error, this.#path);
    }
  }

  #fact(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name);
    return row === undefined ? undefined : String(row.value);
  }

  /** The next so many after a number, in the order in which others can take them. */
  after(number: number, limit: number): JournalEntry[] {
    const rows = this.#statement(
      'SELECT number, hash, envelope, sum FROM records WHERE number > ? ORDER BY number LIMIT ?',
    );
    return rows.all(number, limit).map((row) => this.#entryOf(row));
  }

  /** Throws `damaged` where it is not what was stored. */
  envelope(hash: RecordHash): Uint8Array | undefined {
    const row = this.#statement('SELECT number, hash, envelope, sum FROM records WHERE hash = ?').get(hash);
    return row && this.#entryOf(row).envelope;
  }

  /** What was verified before it was stored is not verified again: a bit that flipped since must show by its sum. */
  #entryOf(row: Record<string, unknown>): JournalEntry {
    const number = Number(row.number);
    const hash = String(row.hash) as RecordHash;
    const envelope = row.envelope as Uint8Array;
    if (row.sum !== null && !sumOf(number, hash, envelope).equals(row.sum as Uint8Array)) {
      throw damagedLog(this.#path, new Error(`record ${number} is not what was stored`));
    }
    return { number, hash, envelope };
  }

  /**
   * Durable when it returns: all of it or nothing. `fleetId`: of a fleet that begins with these records. Throws `no-space`
   * or `failed` where the disk does not take it.
   */
  change(added: readonly JournalEntry[], dropped: readonly RecordHash[], fleetId?: FleetId): void {
    if (added.length === 0 && dropped.length === 0) return;
    const insert = this.#statement('INSERT INTO records (number, hash, envelope, sum) VALUES (?, ?, ?, ?)');
    const remove = this.#statement('DELETE FROM records WHERE hash = ?');
    try {
      this.#database.exec('BEGIN');
      if (fleetId !== undefined) this.setFleetId(fleetId);
      for (const hash of dropped) remove.run(hash);
      for (const { number, hash, envelope } of added) insert.run(number, hash, envelope, sumOf(number, hash, envelope));
      failpoint('records.added');
      this.#database.exec('COMMIT');
    } catch (error) {
      // A full disk may have ended it already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw notWritten(error, this.#path);
    }
    failpoint('records.committed');
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#database.close();
  }
}

function sumOf(number: number, hash: RecordHash, envelope: Uint8Array): Buffer {
  return digest(Buffer.concat([Buffer.from(`${number} ${hash} `), envelope])).subarray(0, SUM_BYTES);
}

/**
 * Makes the file readable by its owner only; SQLite gives its other files the same mode. A file that is there is not
 * opened: to close it again would drop the lock that this process may have on it (POSIX advisory locks).
 */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw keptOut(error, path);
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw asOurs(error, path);
  }
}

/** What a log that could not be opened or read to its end means for a person. */
export function asOurs(error: unknown, path: string): unknown {
  if (error instanceof ResettleError && error.code !== 'damaged' && error.code !== 'refused') return error;
  const { errcode } = error as { errcode?: unknown };
  const code = typeof errcode === 'number' ? errcode & 0xff : 0;
  if (LOCKED_CODES.includes(code)) {
    return new ResettleError('agent-already-running', `another agent holds ${path}`, {
      hint: 'stop it, or give this one a folder of its own with --home',
      cause: error,
    });
  }
  return KEPT_OUT_CODES.includes(code) ? keptOut(error, path) : damagedLog(path, error);
}

/** Its disk does not let it be opened: nothing is wrong with the log for all that is known. */
function keptOut(error: unknown, path: string): unknown {
  const known = orNoSpace(error, dirname(path));
  if (known !== error) return known;
  return new ResettleError('failed', `the record log ${path} cannot be opened: ${messageOf(error)}`, {
    hint: 'see that its disk is there and can be written by this user; the log itself may be whole',
    cause: error,
  });
}

function notWritten(error: unknown, path: string): unknown {
  const known = orNoSpace(error, dirname(path));
  if (known !== error) return known;
  return new ResettleError('failed', `the record log ${path} cannot be written: ${messageOf(error)}`, {
    hint: 'see to its disk, and start the agent again',
    cause: error,
  });
}

function damagedLog(path: string, cause: unknown): ResettleError {
  return new ResettleError('damaged', `the record log ${path} cannot be read`, {
    hint: 'move it away and start again: the fleet has its records, but this machine must join anew',
    cause,
  });
}
