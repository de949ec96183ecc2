import { DatabaseSync } from 'node:sqlite';
import { ResettleError } from '../../common/errors.ts';
import type { Home } from '../home/home.ts';

const BUSY = 5;

/** Holds one kept pairing for this process: it ends with the process, however that ends. Throws `failed` where another has it. */
export function lockFolder(home: Home, folder: readonly string[]): { release(): void } {
  const path = home.path(...folder, 'lock');
  // Made first, so that SQLite does not make it readable by others; nothing is ever written to it.
  if (home.read(...folder, 'lock') === undefined) home.write('', ...folder, 'lock');
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== BUSY) throw error;
    throw new ResettleError(
      'failed',
      `another process of this machine goes on with the pairing in ${home.path(...folder)}`,
      {
        hint: 'look for it in another terminal, or wait until it has ended',
      },
    );
  }
  return { release: () => database.close() };
}
