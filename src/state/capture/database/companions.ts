/** Beside a database SQLite keeps its write-ahead log, its rollback journal, and the index of the log. */
const COMPANION_ENDINGS = ['-wal', '-shm', '-journal'];

/** The name of what lies beside a database. */
export function companionOf(name: Uint8Array, ending: string): Buffer {
  return Buffer.concat([name, Buffer.from(ending)]);
}

/**
 * Whether a name is that of a database with `-wal`, `-shm` or `-journal` behind it. `databases`: names of databases in
 * the same folder, as latin1 text.
 */
export function isCompanion(name: Uint8Array, databases: ReadonlySet<string>): boolean {
  if (databases.size === 0) return false;
  const text = Buffer.from(name).toString('latin1');
  return COMPANION_ENDINGS.some((ending) => text.endsWith(ending) && databases.has(text.slice(0, -ending.length)));
}
