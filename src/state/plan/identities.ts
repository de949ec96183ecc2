import { type BigIntStats, statSync } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';

/** Items that are never captured, known by device and inode, so that no other name or link leads into them. */
export class Identities {
  readonly #devicesByInode = new Map<bigint, bigint[]>();

  /** Takes those of the paths that exist. */
  constructor(paths: readonly Uint8Array[]) {
    for (const path of paths) {
      const stats = statSync(asBuffer(path), { bigint: true, throwIfNoEntry: false });
      if (stats) this.#devicesByInode.set(stats.ino, [...(this.#devicesByInode.get(stats.ino) ?? []), stats.dev]);
    }
  }

  has(stats: BigIntStats): boolean {
    return this.#devicesByInode.get(stats.ino)?.includes(stats.dev) ?? false;
  }
}
