/** When guesses at pairing codes were counted, in HOME: for all processes of this HOME, and past their end. */
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ResettleError } from '../../common/errors.ts';
import { PAIRING_COUNTED_PER_HOUR_MAX } from '../../common/limits.ts';
import type { GuessTimes } from '../../protocols/pair/hourly-cap.ts';
import { orNoSpace } from '../../state/fs/no-space.ts';
import type { Home } from '../home/home.ts';

const FILE = 'pairing.db';
/** SQLITE_BUSY and SQLITE_LOCKED, without the extended part. */
const LOCKED_CODES = [5, 6];
/** Another process holds the file for one small write: it is asked again this often. */
const LOCKED_RETRY_MS = 20;
const LOCKED_TRIES = 100;

/**
 * A file of a few numbers. `agent`, `send` and `receive` may have it open at once. Throws `damaged` where the file is not
 * one of ours, `failed` where it cannot be written: then no guess may be made.
 */
export class GuessFile implements GuessTimes {
  readonly #path: string;
  readonly #database: DatabaseSync;

  constructor(home: Home) {
    this.#path = home.path(FILE);
    createPrivate(this.#path);
    this.#database = new DatabaseSync(this.#path, { timeout: 0 });
  }

  async update(change: (times: readonly number[]) => readonly number[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.#updateNow(change);
        return;
      } catch (error) {
        if (!isLocked(error) || tries === LOCKED_TRIES) throw asOurs(error, this.#path);
      }
      await new Promise((done) => setTimeout(done, LOCKED_RETRY_MS));
    }
  }

  #updateNow(change: (times: readonly number[]) => readonly number[]): void {
    // EXTRA: without it a power cut may bring the journal back, and with it the count as it was before.
    this.#database.exec('PRAGMA synchronous = EXTRA; BEGIN IMMEDIATE');
    try {
      this.#database.exec('CREATE TABLE IF NOT EXISTS guesses (ms INTEGER NOT NULL) STRICT');
      const read = this.#database.prepare('SELECT ms FROM guesses ORDER BY ms DESC LIMIT ?');
      const times = read.all(PAIRING_COUNTED_PER_HOUR_MAX).map((row) => Number(row.ms));
      const changed = change(times.reverse());
      this.#database.exec('DELETE FROM guesses');
      const write = this.#database.prepare('INSERT INTO guesses VALUES (?)');
      for (const time of changed) write.run(time);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * SQLite would make it readable by others. A file that is there is not opened: to close it again would drop the lock that
 * this process may have on it (POSIX advisory locks).
 */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function codeOf(error: unknown): number {
  return Number((error as { errcode?: unknown } | undefined)?.errcode ?? 0) & 0xff;
}

function isLocked(error: unknown): boolean {
  return LOCKED_CODES.includes(codeOf(error));
}

function asOurs(error: unknown, path: string): Error {
  if (isLocked(error)) {
    return new ResettleError('failed', `${path} is held by another process`, {
      hint: 'end other pairings on this machine, then try again',
      cause: error,
    });
  }
  const full = orNoSpace(error, dirname(path));
  if (full instanceof ResettleError) return full;
  const isOfSqlite = codeOf(error) !== 0;
  if (!isOfSqlite) return error instanceof Error ? error : new Error(String(error));
  return new ResettleError('damaged', `${path}, the count of attempts to pair, cannot be read or written`, {
    hint: 'see whether its disk is full or broken; if not, remove the file: only the count of the last hour is lost',
    cause: error,
  });
}
