import { readSync } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';
import { SEGMENT_DATA_BYTES } from '../../common/limits.ts';
import { digest } from '../format/digest.ts';
import type { Extent } from '../format/index.ts';
import { close, openToRead, rename, statOf } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import type { LinkInodes } from './link-inodes.ts';
import type { CheckedFile } from './manifest-checker.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import { tmpName } from './tmp-name.ts';
import type { Tree } from './tree.ts';

/** What an earlier run of the same restore left, verified by content, never by size alone. */
export class PresentFiles {
  readonly #tree: Tree;
  readonly #owners: OwnerPolicy;
  readonly #inodes: LinkInodes;
  readonly #buffer = Buffer.allocUnsafeSlow(SEGMENT_DATA_BYTES);

  constructor(tree: Tree, owners: OwnerPolicy, inodes: LinkInodes) {
    this.#tree = tree;
    this.#owners = owners;
    this.#inodes = inodes;
  }

  /** Whether a file with at most one extent is in place as it should be. */
  isInPlace({ folder, entry }: CheckedFile): boolean {
    const fd = this.#open(folder, entry.name);
    if (fd === undefined) return false;
    try {
      const stats = statOf(fd);
      const extent = entry.extents[0];
      const right =
        stats.isFile() &&
        stats.size === BigInt(entry.sizeBytes) &&
        Number(stats.mode & 0o7777n) === this.#owners.fileMode(entry.mode) &&
        stats.mtimeNs === entry.mtimeNs &&
        this.#owners.matches(stats, entry) &&
        (!extent || this.holds(fd, 0, extent));
      if (right && entry.group > 0) {
        this.#inodes.set(entry.group, { folder, name: entry.name, dev: stats.dev, ino: stats.ino });
      }
      return right;
    } finally {
      close(fd);
    }
  }

  /** A large file that an earlier run began or finished, as an unfinished one again; undefined when there is none. */
  openPartial({ folder, entry, number }: CheckedFile): number | undefined {
    const { tmp } = this.#tree.target;
    const name = tmpName(number);
    const begun = this.#openIn(tmp, name);
    if (begun !== undefined) return begun;
    const inPlace = this.#open(folder, entry.name);
    if (inPlace === undefined) return undefined;
    const stats = statOf(inPlace);
    if (!stats.isFile() || stats.size !== BigInt(entry.sizeBytes)) {
      close(inPlace);
      return undefined;
    }
    rename(this.#tree.open(folder), entry.name, tmp, name);
    return inPlace;
  }

  /** Whether a file has these bytes there, by their hash. */
  holds(fd: number, fileOffset: number, extent: Extent): boolean {
    const into = this.#buffer.subarray(0, extent.length);
    let read = 0;
    while (read < into.length) {
      const got = readSync(fd, into, read, into.length - read, fileOffset + read);
      if (got === 0) return false;
      read += got;
    }
    return digest(into).equals(asBuffer(extent.hash));
  }

  #open(folder: number, name: Uint8Array): number | undefined {
    try {
      return this.#openIn(this.#tree.open(folder), name);
    } catch (error) {
      return absent(error);
    }
  }

  #openIn(folder: number, name: Uint8Array): number | undefined {
    try {
      return openToRead(folder, name);
    } catch (error) {
      return absent(error);
    }
  }
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO']);

function absent(error: unknown): undefined {
  if (!ABSENT.has(codeOf(error) ?? '')) throw error;
  return undefined;
}
