import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolderDurably } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { stateId } from '../../common/ids.ts';
import { holdLock } from '../fs/calls.ts';
import { writeDurably } from './durable.ts';
import { isStateName, type Layout } from './layout.ts';
import { namesIn } from './names-in.ts';

const FORMAT = 1;
const MARKER_MAX_BYTES = 4096;

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
    refuseLinks(layout);
    mkdirSync(layout.tmp, { recursive: true, mode: 0o700 });
    makeFolderDurably(layout.states);
    for (const name of readdirSync(layout.tmp)) rmSync(join(layout.tmp, name), { recursive: true, force: true });
    failpoint('store.tmp-emptied');
  }
  return { id, device: deviceOf(layout) };
}

/**
 * A link among the folders of a store would lead to what the owner removes and writes: on a disk from somebody else, to
 * anything of his. Throws `damaged`.
 */
function refuseLinks(layout: Layout): void {
  for (const path of foldersOf(layout)) {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    throw new ResettleError('damaged', `${path} is a link: a store is one folder with all that is in it`, {
      hint: 'put the folder that it leads to in its place, or use another store',
    });
  }
}

function* foldersOf(layout: Layout): Generator<string, void> {
  yield layout.tmp;
  yield layout.states;
  for (const name of namesIn(layout.states).filter(isStateName)) {
    const id = stateId(name);
    for (const path of [
      layout.state(id),
      layout.keys(id),
      layout.snapshots(id),
      layout.packs(id),
      layout.damaged(id),
    ]) {
      yield path;
    }
    for (const prefix of namesIn(layout.packs(id))) yield join(layout.packs(id), prefix);
  }
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
  refuseLinks(layout);
  mkdirSync(layout.tmp, { recursive: true, mode: 0o700 });
  mkdirSync(layout.states, { recursive: true, mode: 0o700 });
  failpoint('store.folders-made');
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
    const stats = statSync(layout.marker);
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > MARKER_MAX_BYTES) throw new Error('it is larger than it can be');
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
