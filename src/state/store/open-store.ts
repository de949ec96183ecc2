import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { lockFile } from '../fs/lock.ts';
import { makeFolderDurably, writeDurably } from './durable.ts';
import type { Layout } from './layout.ts';

const FORMAT = 1;

/**
 * Opens a store for its owner: makes it where asked, checks its version, locks it, empties its `tmp`. The lock is held
 * until the thread that opened it ends. Throws `failed` where another process has the store open.
 */
export function openStore(layout: Layout, create: boolean): void {
  if (!existsSync(layout.marker)) {
    if (!create) {
      throw new ResettleError('not-found', `no store in ${layout.dir}`, { hint: 'check the path of the store' });
    }
    makeStore(layout);
  }
  checkVersion(layout);
  lockStore(layout);
  mkdirSync(layout.tmp, { recursive: true, mode: 0o700 });
  mkdirSync(layout.states, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(layout.tmp)) rmSync(join(layout.tmp, name), { recursive: true, force: true });
}

function makeStore(layout: Layout): void {
  makeFolderDurably(layout.dir);
  // A start that was cut short leaves only these behind.
  const others = readdirSync(layout.dir).filter((name) => name !== 'tmp' && name !== 'states');
  if (others.length > 0) {
    throw new ResettleError('not-empty', `${layout.dir} holds other files, so no store is made there`, {
      hint: 'give an empty folder, or one that does not exist',
    });
  }
  mkdirSync(layout.tmp, { recursive: true, mode: 0o700 });
  mkdirSync(layout.states, { recursive: true, mode: 0o700 });
  const marker = { format: FORMAT, store: randomBytes(32).toString('hex') };
  writeDurably(layout.tmp, layout.marker, Buffer.from(`${JSON.stringify(marker)}\n`));
}

/** One deleter: a second owner would empty the `tmp` that the first one writes to. */
function lockStore(layout: Layout): void {
  const fd = openSync(layout.marker, 'r');
  if (lockFile(fd)) return;
  closeSync(fd);
  throw new ResettleError('failed', `the store in ${layout.dir} is in use by another agent`, {
    hint: 'end that agent, or give this one another folder',
  });
}

function checkVersion(layout: Layout): void {
  let format: unknown;
  try {
    format = (JSON.parse(readFileSync(layout.marker, 'utf8')) as { format?: unknown }).format;
  } catch (error) {
    throw new ResettleError('damaged', `${layout.marker} cannot be read`, {
      hint: 'check the disk, or restore this file from a copy',
      cause: error,
    });
  }
  if (format !== FORMAT) {
    throw new ResettleError('damaged', `the store in ${layout.dir} has format ${JSON.stringify(format)}`, {
      hint: 'use the version of resettle that wrote it, or a newer one',
    });
  }
}
