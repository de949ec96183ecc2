import { DatabaseSync } from 'node:sqlite';

/**
 * A program that writes an SQLite database; it says "ready" when the file is as its second argument says:
 *
 * - `commits`: it commits on and on. Each transaction adds a row to each of two tables and removes one from each, so
 *   that both hold the same numbers, whenever one looks.
 * - `committed`: it has committed, and waits. With a log nothing of it was moved into the database.
 * - `open`: it is within a transaction that has written more than its cache holds, and waits.
 *
 * Arguments: path, what, journal mode, milliseconds between two commits.
 */
const [path, what, mode, pauseMs] = process.argv.slice(2) as [string, string, string, string];
const ROWS_KEPT = 300;
const pause = new Int32Array(new SharedArrayBuffer(4));

const database = new DatabaseSync(path);
database.exec(`
  PRAGMA journal_mode = ${mode};
  CREATE TABLE one (number INTEGER PRIMARY KEY, filling BLOB);
  CREATE TABLE two (number INTEGER PRIMARY KEY, filling BLOB);
  CREATE INDEX by_filling ON two (filling);
`);
if (what === 'committed') database.exec('PRAGMA wal_autocheckpoint = 0');
if (what === 'open') database.exec('PRAGMA cache_size = 5');

const statements = ['one', 'two'].map((table) => ({
  add: database.prepare(`INSERT INTO ${table} VALUES (?, randomblob(500))`),
  remove: database.prepare(`DELETE FROM ${table} WHERE number = ?`),
}));
let number = 0;

function commit(): void {
  number += 1;
  database.exec('BEGIN');
  for (const { add, remove } of statements) {
    add.run(number);
    remove.run(number - ROWS_KEPT);
  }
  database.exec('COMMIT');
}

while (number < ROWS_KEPT) commit();
if (what === 'open') {
  database.exec('BEGIN; UPDATE one SET filling = zeroblob(500); DELETE FROM two WHERE number % 2 = 0');
  for (let more = 1; more <= ROWS_KEPT; more++) statements[0]?.add.run(number + more);
}
process.stdout.write('ready\n');
for (;;) {
  Atomics.wait(pause, 0, 0, what === 'commits' ? Number(pauseMs) : undefined);
  if (what === 'commits') commit();
}
