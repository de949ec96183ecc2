/** The durable half of a log, and where its envelopes are read from: one SQLite file that one process holds at a time. */

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { FleetId } from '../../common/ids.ts';
import type { RecordHash } from './types.ts';

const IN_MEMORY = ':memory:';
const VERSION = 1;
/** SQLITE_BUSY and SQLITE_LOCKED, without the extended part. */
const LOCKED_CODES = [5, 6];

export interface JournalEntry {
  /** The record's place in the order; one that replaces another may have the place of that one. */
  readonly number: number;
  readonly hash: RecordHash;
  readonly envelope: Uint8Array;
}

export class Journal {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws `agent-already-running` where another process has the file, `damaged` where it is not a record log. */
  constructor(path: string) {
    if (path !== IN_MEMORY) createPrivate(path);
    this.#database = new DatabaseSync(path, { timeout: 0 });
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
        number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, envelope BLOB NOT NULL) STRICT;
      INSERT OR IGNORE INTO facts VALUES ('version', '${VERSION}');
    `);
    this.#database.exec('COMMIT');
    if (this.#fact('version') !== String(VERSION)) throw new Error('the record log is of another version');
  }

  fleetId(): FleetId | undefined {
    return this.#fact('fleet') as FleetId | undefined;
  }

  setFleetId(fleetId: FleetId): void {
    this.#database.prepare("INSERT INTO facts VALUES ('fleet', ?)").run(fleetId);
  }

  #fact(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name);
    return row === undefined ? undefined : String(row.value);
  }

  /** The next so many after a number, in the order in which others can take them. */
  after(number: number, limit: number): JournalEntry[] {
    const rows = this.#statement('SELECT number, hash, envelope FROM records WHERE number > ? ORDER BY number LIMIT ?');
    return rows.all(number, limit).map((row) => ({
      number: Number(row.number),
      hash: String(row.hash) as RecordHash,
      envelope: row.envelope as Uint8Array,
    }));
  }

  envelope(hash: RecordHash): Uint8Array | undefined {
    const row = this.#statement('SELECT envelope FROM records WHERE hash = ?').get(hash);
    return row?.envelope as Uint8Array | undefined;
  }

  /** Durable when it returns: all of it or nothing. `fleetId`: of a fleet that begins with these records. */
  change(added: readonly JournalEntry[], dropped: readonly RecordHash[], fleetId?: FleetId): void {
    if (added.length === 0 && dropped.length === 0) return;
    const insert = this.#statement('INSERT INTO records (number, hash, envelope) VALUES (?, ?, ?)');
    const remove = this.#statement('DELETE FROM records WHERE hash = ?');
    this.#database.exec('BEGIN');
    try {
      if (fleetId !== undefined) this.setFleetId(fleetId);
      for (const hash of dropped) remove.run(hash);
      for (const { number, hash, envelope } of added) insert.run(number, hash, envelope);
      failpoint('records.added');
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
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

/**
 * Makes the file readable by its owner only; SQLite gives its other files the same mode. A file that is there is not
 * opened: to close it again would drop the lock that this process may have on it (POSIX advisory locks).
 */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function asOurs(error: unknown, path: string): ResettleError {
  const code = (error as { errcode?: unknown }).errcode;
  if (typeof code === 'number' && LOCKED_CODES.includes(code & 0xff)) {
    return new ResettleError('agent-already-running', `another agent holds ${path}`, {
      hint: 'stop it, or give this one a folder of its own with --home',
      cause: error,
    });
  }
  return damagedLog(path, error);
}

/** The error for a log that cannot be read. */
export function damagedLog(path: string, cause: unknown): ResettleError {
  return new ResettleError('damaged', `the record log ${path} cannot be read`, {
    hint: 'move it away and start again: the fleet has its records, but this machine must join anew',
    cause,
  });
}
