import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { syncFolder } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';

/**
 * Writes a new file (0600), which has its name only when `write` has settled and all is on disk. Throws `not-empty`
 * where the name is taken, `failed` where it cannot be written.
 */
export async function writeNewFile(path: string, write: (out: Writable) => Promise<void>): Promise<void> {
  refuseTaken(path);
  const unfinished = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(unfinished, 'wx', 0o600);
    await write(file.createWriteStream({ flush: true }));
    giveName(unfinished, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(unfinished, { force: true });
    if (codeOf(error) === undefined || error instanceof ResettleError) throw error;
    throw new ResettleError('failed', `cannot write ${path}: ${reasonOf(error)}`, {
      hint: 'name a file in a folder that can be written and has room',
      cause: error,
    });
  }
}

function refuseTaken(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) return;
  throw new ResettleError('not-empty', `${path} is there already`, { hint: 'name a new file' });
}

/** A hard link never replaces what is there; a file system without them is renamed on, after another look. */
function giveName(unfinished: string, path: string): void {
  try {
    linkSync(unfinished, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || existsSync(path)) refuseTaken(path);
    renameSync(unfinished, path);
    return;
  }
  rmSync(unfinished);
}
