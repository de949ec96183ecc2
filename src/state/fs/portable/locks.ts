import type { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/** Kept, so that they stay open until the thread ends. */
const held: DatabaseSync[] = [];

/**
 * Node has no lock for files, but SQLite has one on every platform: an empty database beside the file, whose exclusive
 * lock ends with the thread or process.
 */
export function holdLock(path: string): boolean {
  // Only here: Node warns where SQLite is loaded.
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite');
  const database = new Database(`${path}.lock`);
  try {
    // No journal: nothing is ever written.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
  held.push(database);
  return true;
}
