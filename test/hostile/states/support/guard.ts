import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { linuxCalls } from '../../../../src/state/fs/linux.ts';

/** Long ago, so that whoever reads a file or a folder leaves a mark in its access time. */
const LONG_AGO = new Date('2001-02-03T04:05:06Z');

/** Where a state is restored, and what must not change beside it. */
export interface Scene {
  /** Holds everything. */
  readonly top: string;
  /** Canaries: files, folders, links. */
  readonly outside: string;
  /** Not there yet. */
  readonly target: string;
  /** What an undo needs; named as the restore is. */
  readonly undoDir: string;
}

/** Makes the canaries in a folder that is empty. Names are those that hostile entries aim at. */
export function makeScene(top: string): Scene {
  const outside = join(top, 'outside');
  mkdirSync(join(outside, 'folder'), { recursive: true, mode: 0o750 });
  writeFileSync(join(outside, 'secret'), 'secret\n', { mode: 0o600 });
  writeFileSync(join(outside, 'folder', 'x'), 'canary\n');
  writeFileSync(join(outside, 'folder', 'authorized_keys'), 'ssh-ed25519 AAAA own\n', { mode: 0o600 });
  linkSync(join(outside, 'secret'), join(outside, 'second-name'));
  symlinkSync('folder', join(outside, 'link'));
  writeFileSync(join(outside, 'program'), '#!/bin/sh\n');
  chmodSync(join(outside, 'program'), process.geteuid?.() === 0 ? 0o4755 : 0o755);
  writeFileSync(join(top, 'evil'), 'canary beside the target\n');
  return { top, outside, target: join(top, 'target'), undoDir: join(top, 'test') };
}

/** Everything around a target, as it is: content, metadata, times, inodes, attributes, and whether anybody looked. */
export class Guard {
  readonly #scene: Scene;
  #before: ReadonlyMap<string, string>;
  #paths: readonly string[] = [];

  readonly #shared: ReadonlySet<string>;

  /** `shared`: names beneath `outside` of files that the target has a name of too, whose count of names may change. */
  constructor(scene: Scene, shared: readonly string[] = []) {
    this.#scene = scene;
    this.#shared = new Set(shared.map((name) => join(scene.outside, name)));
    this.#before = this.#look(true);
  }

  /** Throws where anything outside of the target is other than before. */
  check(): void {
    assert.deepEqual([...this.#look(false)], [...this.#before], 'something outside of the target was touched');
    // This look was one too.
    this.#before = this.#look(true);
  }

  /** `isFirst`: access times are set afterwards, as the last of it, so that they tell of every look from then on. */
  #look(isFirst: boolean): Map<string, string> {
    const stats = this.#stats();
    // A file may have two names: what is read of one shows in the access time of the other.
    const contents = new Map([...stats].map(([path, one]) => [path, contentOf(path, one)]));
    if (isFirst) for (const [path, { mtimeMs }] of stats) lutimesSync(path, LONG_AGO, Number(mtimeMs) / 1000);
    const last = isFirst ? this.#stats(false) : stats;
    return new Map([...last].map(([path, one]) => [path, `${this.#shown(path, one)} ${contents.get(path)}`]));
  }

  #shown(path: string, { mode, uid, gid, size, mtimeNs, ctimeNs, atimeNs, ino, nlink, rdev }: BigIntStats): string {
    const always = [mode.toString(8), uid, gid, size, mtimeNs, ino, rdev];
    return [...always, ...(this.#shared.has(path) ? [] : [ctimeNs, atimeNs, nlink])].join(' ');
  }

  /** Of everything outside of the target. A folder's own comes before it is read. */
  #stats(reads = true): Map<string, BigIntStats> {
    const { top, target, undoDir } = this.#scene;
    if (!reads) return new Map(this.#paths.map((path) => [path, lstatSync(path, { bigint: true })]));
    const found = new Map<string, BigIntStats>();
    const visit = (path: string): void => {
      const stats = lstatSync(path, { bigint: true });
      if (path !== top) found.set(path, stats);
      const names = stats.isDirectory() ? readdirSync(path).sort() : [];
      for (const one of names.map((name) => join(path, name))) if (one !== target && one !== undoDir) visit(one);
    };
    visit(top);
    this.#paths = [...found.keys()];
    return found;
  }
}

function contentOf(path: string, stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return `${readlinkSync(path)}`;
  if (stats.isDirectory()) return `${xattrsOf(path)}`;
  if (!stats.isFile()) return '';
  return `${createHash('sha256').update(readFileSync(path)).digest('hex')} ${xattrsOf(path)}`;
}

function xattrsOf(path: string): string {
  const folder = linuxCalls.openFolderAt(Buffer.from(join(path, '..')));
  try {
    const xattrs = linuxCalls.xattrsOfItem(folder, Buffer.from(path.slice(path.lastIndexOf('/') + 1)));
    return xattrs.map(({ name, value }) => `${name.toString()}=${Buffer.from(value).toString('hex')}`).join();
  } finally {
    linuxCalls.close(folder);
  }
}
