/** The durable half of a log: one SQLite file that one process holds at a time. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ResettleError } from '../../common/errors.ts';
import type { FleetId } from '../../common/ids.ts';
import type { RecordHash, StoredRecord } from './types.ts';

const IN_MEMORY = ':memory:';
const VERSION = 1;
/** SQLITE_BUSY and SQLITE_LOCKED, without the extended part. */
const LOCKED_CODES = [5, 6];

export class Journal {
  readonly #database: DatabaseSync;

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

  /** All envelopes in the order in which they were stored. */
  envelopes(): Uint8Array[] {
    const rows = this.#database.prepare('SELECT envelope FROM records ORDER BY number').all();
    return rows.map((row) => row.envelope as Uint8Array);
  }

  /** Durable when it returns: all of it or nothing. */
  change(added: readonly StoredRecord[], dropped: readonly RecordHash[]): void {
    if (added.length === 0 && dropped.length === 0) return;
    const insert = this.#database.prepare('INSERT INTO records (hash, envelope) VALUES (?, ?)');
    const remove = this.#database.prepare('DELETE FROM records WHERE hash = ?');
    this.#database.exec('BEGIN');
    try {
      for (const record of added) insert.run(record.hash, record.envelope);
      for (const hash of dropped) remove.run(hash);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
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
