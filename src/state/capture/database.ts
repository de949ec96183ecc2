import { type BigIntStats, closeSync, fstatSync, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import {
  DATABASE_ATTEMPTS,
  DATABASE_SETTLE_MS,
  DATABASE_WAIT_MS,
  SCRATCH_KEEP_FREE_BYTES,
} from '../../common/limits.ts';
import { statOfItem } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { checkpointCopy } from './database/checkpoint.ts';
import { companionOf } from './database/companions.ts';
import { COPY_NAME, copyTogether, isAbsent } from './database/copy-together.ts';
import { UnfitDatabase } from './database/unfit.ts';

export { isCompanion } from './database/companions.ts';

const MAGIC = Buffer.from('SQLite format 3\0');

export interface CopyDatabaseOptions {
  /** How often it is copied until its files stood still meanwhile. */
  readonly attempts?: number | undefined;
  /** A database that changed this shortly ago is copied, though nothing lies beside it: it may be between two commits. */
  readonly settleMs?: number | undefined;
  /** Called before each attempt and each piece; a `ResettleError` of it ends the copying. */
  readonly throwIfStopped?: (() => void) | undefined;
}

/** A database as one file that holds all that was committed at one moment. */
export interface CopiedDatabase {
  readonly kind: 'copied';
  readonly path: string;
  /** Open to read. */
  readonly fd: number;
  readonly sizeBytes: number;
  /** Of the original at that moment: what to capture with the copy's content. */
  readonly stats: BigIntStats;
  /** False where SQLite could not check the copy without what the application alone has. */
  readonly checked: boolean;
  /** Closes the copy and removes it. */
  close(): void;
}

/**
 * `idle`: a plain file, for nobody is writing it. `copied`: take the copy's content, and nothing of what lies beside the
 * original (`isCompanion`). `inconsistent`: take it and what lies beside it as plain files, and list it.
 */
export type DatabaseCopy =
  | CopiedDatabase
  | { readonly kind: 'idle' }
  | { readonly kind: 'inconsistent'; readonly reason: string };

/** Whether a file that begins so is an SQLite database, or one that only looks like it. */
export function isDatabase(head: Uint8Array): boolean {
  return head.length >= MAGIC.length && MAGIC.equals(head.subarray(0, MAGIC.length));
}

/**
 * Copies a live SQLite database beneath `scratchDir`. Of the original's folder files are only read: SQLite itself, which
 * leaves files beside what it opens, sees the copy alone, and no lock of an application is waited for or taken.
 *
 * Blocks the thread, between two attempts too: 1.3 seconds in all. Throws only what `throwIfStopped` throws.
 */
export function copyDatabase(
  folder: number,
  name: Uint8Array,
  scratchDir: string,
  options: CopyDatabaseOptions = {},
): DatabaseCopy {
  const { attempts = DATABASE_ATTEMPTS, settleMs = DATABASE_SETTLE_MS, throwIfStopped = () => {} } = options;
  try {
    if (isIdle(folder, name, settleMs)) return { kind: 'idle' };
    let reason = '';
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) wait(DATABASE_WAIT_MS * 2 ** (attempt - 1));
      throwIfStopped();
      checkRoom(folder, name, scratchDir);
      const copy = attemptIn(mkdtempSync(join(scratchDir, 'database-')), folder, name, throwIfStopped);
      if ('kind' in copy) return copy;
      reason = copy.again;
    }
    return { kind: 'inconsistent', reason };
  } catch (error) {
    if (error instanceof UnfitDatabase) return { kind: 'inconsistent', reason: error.message };
    if (error instanceof ResettleError || codeOf(error) === undefined) throw error;
    return { kind: 'inconsistent', reason: reasonOf(error) };
  }
}

function attemptIn(
  scratch: string,
  folder: number,
  name: Uint8Array,
  throwIfStopped: () => void,
): CopiedDatabase | { again: string } {
  const path = join(scratch, COPY_NAME);
  let fd: number | undefined;
  try {
    const together = copyTogether(folder, name, scratch, throwIfStopped);
    if ('again' in together) return together;
    throwIfStopped();
    const checked = checkpointCopy(path);
    fd = openSync(path, 'r');
    return copied({ scratch, path, fd, checked, stats: together.stats });
  } finally {
    if (fd === undefined) rmSync(scratch, { recursive: true, force: true });
  }
}

function copied(made: {
  scratch: string;
  path: string;
  fd: number;
  checked: boolean;
  stats: BigIntStats;
}): CopiedDatabase {
  const { scratch, path, fd, checked, stats } = made;
  return {
    kind: 'copied',
    path,
    fd,
    sizeBytes: fstatSync(fd).size,
    stats,
    checked,
    close() {
      closeSync(fd);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function isIdle(folder: number, name: Uint8Array, settleMs: number): boolean {
  const settledBeforeNs = BigInt(Date.now() - settleMs) * 1_000_000n;
  return bytesBeside(folder, name) === 0 && statOfItem(folder, name).ctimeNs < settledBeforeNs;
}

/** What moves from log or journal into the copy is counted twice. */
function checkRoom(folder: number, name: Uint8Array, scratchDir: string): void {
  const needed = sizeIfThere(folder, name) + 2 * bytesBeside(folder, name);
  const { bavail, bsize } = statfsSync(scratchDir);
  if (needed > bavail * bsize - SCRATCH_KEEP_FREE_BYTES) {
    throw new UnfitDatabase('it changes, and the scratch folder has no room for a copy');
  }
}

function bytesBeside(folder: number, name: Uint8Array): number {
  return sizeIfThere(folder, companionOf(name, '-wal')) + sizeIfThere(folder, companionOf(name, '-journal'));
}

function sizeIfThere(folder: number, name: Uint8Array): number {
  try {
    return Number(statOfItem(folder, name).size);
  } catch (error) {
    if (isAbsent(error)) return 0;
    throw error;
  }
}

function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
