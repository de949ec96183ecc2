import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { AREA_PRE_IMAGE_MAX_BYTES } from '../../../common/limits.ts';
import {
  close,
  flagsOf,
  openFolder,
  openFolderAt,
  openToRead,
  readLink,
  statOf,
  statOfItem,
  xattrsOf,
  xattrsOfItem,
} from '../../fs/calls.ts';
import { codeOf } from '../../fs/errno.ts';
import type { Xattr } from '../../fs/xattr.ts';
import type { NodeExtras, Present } from './node.ts';

const piece = Buffer.allocUnsafeSlow(64 * 1024);

/** A machine's files by descriptors beneath its root. No link is followed in any part of a path, so none leads out of it. */
export class Beneath {
  readonly #root: number;

  constructor(root: string) {
    this.#root = openFolderAt(Buffer.from(root));
  }

  close(): void {
    close(this.#root);
  }

  /** Calls with the open folder that a path lies in, and its name there. Throws `ENOENT`, `ENOTDIR` for a link too. */
  within<T>(path: string, use: (folder: number, name: Buffer) => T): T {
    const names = namesOf(path);
    const name = Buffer.from(names.at(-1)!);
    return this.#enter(names.slice(0, -1), (folder) => use(folder, name));
  }

  /** Calls with a folder itself, open; `/` is the root. */
  folder<T>(path: string, use: (folder: number) => T): T {
    return this.#enter(namesOf(path), use);
  }

  /** What is there. Throws where a part of the path above it is no folder, a link too. */
  present(path: string): Present {
    try {
      return this.within(path, presentAt);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { kind: 'absent' };
      throw error;
    }
  }

  #enter<T>(names: readonly string[], use: (folder: number) => T): T {
    let folder = this.#root;
    try {
      for (const name of names) {
        const next = openFolder(folder, Buffer.from(name));
        if (folder !== this.#root) close(folder);
        folder = next;
      }
      return use(folder);
    } finally {
      if (folder !== this.#root) close(folder);
    }
  }
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

/** What has that name in an open folder. */
export function presentAt(folder: number, name: Uint8Array): Present {
  const stats = statIn(folder, name);
  if (!stats) return { kind: 'absent' };
  if (stats.isSymbolicLink()) {
    const extras = extrasOf(stats, xattrsOfItem(folder, name), 0);
    return { kind: 'link', target: readLink(folder, name).toString('base64'), extras };
  }
  if (!stats.isFile() && !stats.isDirectory()) return { kind: 'other' };
  const fd = stats.isFile() ? openToRead(folder, name) : openFolder(folder, name);
  try {
    return presentOf(fd);
  } finally {
    close(fd);
  }
}

function presentOf(fd: number): Present {
  const stats = statOf(fd);
  const owned = { mode: Number(stats.mode & 0o7777n), uid: Number(stats.uid), gid: Number(stats.gid) };
  const extras = extrasOf(stats, xattrsOf(fd), flagsOf(fd, stats.dev) ?? 0);
  if (stats.isDirectory()) return { kind: 'folder', ...owned, extras };
  if (!stats.isFile()) return { kind: 'other' };
  const isSmall = stats.size <= AREA_PRE_IMAGE_MAX_BYTES;
  return { kind: 'file', ...owned, sizeBytes: Number(stats.size), hash: isSmall ? hashOf(fd) : 'too large', extras };
}

export function statIn(folder: number, name: Uint8Array): ReturnType<typeof statOfItem> | undefined {
  try {
    return statOfItem(folder, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function extrasOf(stats: ReturnType<typeof statOfItem>, xattrs: readonly Xattr[], flags: number): NodeExtras {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return {
    mtimeNs: `${stats.mtimeNs}`,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    xattrs: xattrs.map(({ name, value }) => [base64(name), base64(value)] as const),
    flags,
  };
}

/** Of an open file, from its front. */
function hashOf(fd: number): string {
  const hash = createHash('sha256');
  for (let at = 0; ; ) {
    const got = readSync(fd, piece, 0, piece.length, at);
    if (got === 0) return hash.digest('hex');
    hash.update(piece.subarray(0, got));
    at += got;
  }
}

export const hashOfBytes = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Of a file of ours, by its path; undefined where it cannot be read. */
export function hashOfFile(path: string): string | undefined {
  try {
    const fd = openSync(path, 'r');
    try {
      return hashOf(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
