import type { BigIntStats } from 'node:fs';

/** Finds the inodes that have several names; forgets one when all its names were seen. */
export class LinkGroups {
  readonly #groups = new Map<string, { group: number; left: bigint }>();
  readonly #numberOf: (dev: bigint, ino: bigint) => number;

  /** `numberOf` gives a group its number, the same one for an inode at every capture. */
  constructor(numberOf: (dev: bigint, ino: bigint) => number) {
    this.#numberOf = numberOf;
  }

  /** 0 for an inode with one name, else its group, and whether this is its first name. */
  of(stats: BigIntStats): { group: number; first: boolean } {
    if (stats.nlink <= 1n) return { group: 0, first: true };
    const key = `${stats.dev}:${stats.ino}`;
    const known = this.#groups.get(key);
    if (!known) {
      const group = this.#numberOf(stats.dev, stats.ino);
      this.#groups.set(key, { group, left: stats.nlink - 1n });
      return { group, first: true };
    }
    known.left -= 1n;
    if (known.left <= 0n) this.#groups.delete(key);
    return { group: known.group, first: false };
  }
}
