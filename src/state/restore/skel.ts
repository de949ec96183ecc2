import { isUtf8 } from 'node:buffer';
import { type BigIntStats, closeSync, constants, type Dirent, fstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SKEL_FILE_MAX_BYTES, SKEL_FILES_MAX } from '../../common/limits.ts';
import type { FolderPath } from '../format/index.ts';
import { digestOfSmallFile } from './present.ts';

const DEPTH_MAX = 8;

interface SkelFile {
  readonly sizeBytes: number;
  readonly hash: Buffer;
}

/** The files that new users of the target begin with, by their path: what is still the same was never touched. */
export class Skel {
  readonly #files = new Map<string, SkelFile>();
  readonly #sizes = new Set<bigint>();
  #depth = 0;

  /** `root`: the folder that is the machine's root. */
  constructor(root: string) {
    this.#read(join(root, 'etc/skel'), '', 1);
  }

  /** Whether one of them has that size. */
  mayKnow(size: bigint): boolean {
    return this.#sizes.has(size);
  }

  /** Whether an open file has the content of the one at the same place in a home folder. */
  isUnmodified(folder: FolderPath, name: Uint8Array, fd: number, stats: BigIntStats): boolean {
    const names = [...folder.slice(-this.#depth), name].map((bytes) => Buffer.from(bytes).toString('latin1'));
    for (let depth = 1; depth <= Math.min(this.#depth, names.length); depth++) {
      const file = this.#files.get(names.slice(-depth).join('/'));
      if (!file || BigInt(file.sizeBytes) !== stats.size) continue;
      if (digestOfSmallFile(fd, file.sizeBytes)?.equals(file.hash)) return true;
    }
    return false;
  }

  #read(folder: string, prefix: string, depth: number): void {
    let entries: Dirent<NonSharedBuffer>[];
    try {
      entries = readdirSync(folder, { withFileTypes: true, encoding: 'buffer' });
    } catch {
      return;
    }
    for (const entry of entries) {
      if (!isUtf8(entry.name)) continue;
      const name = entry.name.toString('latin1');
      const path = join(folder, entry.name.toString());
      if (entry.isDirectory() && depth < DEPTH_MAX) this.#read(path, `${prefix}${name}/`, depth + 1);
      else if (entry.isFile() && this.#files.size < SKEL_FILES_MAX) this.#add(path, `${prefix}${name}`, depth);
    }
  }

  #add(path: string, key: string, depth: number): void {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
    } catch {
      return;
    }
    try {
      const { size } = fstatSync(fd);
      const hash = size <= SKEL_FILE_MAX_BYTES ? digestOfSmallFile(fd, size) : undefined;
      if (!hash) return;
      this.#files.set(key, { sizeBytes: size, hash });
      this.#depth = Math.max(this.#depth, depth);
      this.#sizes.add(BigInt(size));
    } finally {
      closeSync(fd);
    }
  }
}
