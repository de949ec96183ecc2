import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { holdLock } from '../fs/calls.ts';
import { makeFolderDurably, writeDurably } from './durable.ts';
import type { Layout } from './layout.ts';

const FORMAT = 1;

/** A store that is open. */
export interface OpenedStore {
  /** The store's own id, 64 hexadecimal digits. */
  readonly id: string;
  /** The file system that it lies on: a folder at the same path may be another one's once the disk is gone. */
  readonly device: bigint;
}

/**
 * Opens a store for its owner: makes it where asked, checks its version, locks it, empties its `tmp`. The lock is held
 * until the thread that opened it ends. To read only, nothing is written or locked: the medium may not allow it, or the
 * owner may be at work. Throws `failed` where another process has the store open.
 */
export function openStore(layout: Layout, how: 'create' | 'own' | 'read'): OpenedStore {
  if (!existsSync(layout.marker)) {
    if (how !== 'create') {
      throw new ResettleError('not-found', `no store in ${layout.dir}`, { hint: 'check the path of the store' });
    }
    makeStore(layout);
  }
  const id = readMarker(layout);
  if (how !== 'read') {
    lockStore(layout);
    mkdirSync(layout.tmp, { recursive: true, mode: 0o700 });
    mkdirSync(layout.states, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(layout.tmp)) rmSync(join(layout.tmp, name), { recursive: true, force: true });
  }
  return { id, device: deviceOf(layout) };
}

/** Of the marker. Throws the system's error where it is gone. */
export function deviceOf(layout: Layout): bigint {
  return statSync(layout.marker, { bigint: true }).dev;
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
  if (holdLock(layout.marker)) return;
  throw new ResettleError('failed', `the store in ${layout.dir} is in use by another agent or command`, {
    hint: 'wait for it or end it, or give another folder',
  });
}

/** Checks the version; returns the store's id. */
function readMarker(layout: Layout): string {
  let marker: { format?: unknown; store?: unknown } | null;
  try {
    if (!statSync(layout.marker).isFile()) throw new Error('it is not a file');
    marker = JSON.parse(readFileSync(layout.marker, 'utf8')) as typeof marker;
  } catch (error) {
    throw new ResettleError('damaged', `${layout.marker} cannot be read`, {
      hint: 'check the disk, or restore this file from a copy',
      cause: error,
    });
  }
  if (marker?.format !== FORMAT || typeof marker.store !== 'string' || !/^[0-9a-f]{64}$/.test(marker.store)) {
    throw new ResettleError('damaged', `the store in ${layout.dir} has format ${JSON.stringify(marker?.format)}`, {
      hint: 'use the version of resettle that wrote it, or a newer one',
    });
  }
  return marker.store;
}
