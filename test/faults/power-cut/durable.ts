import type { Before, Inode, Operation } from './operations.ts';

/** What was synced, as the number of operations that a sync covers. */
export class Durable {
  readonly #inodes = new Map<Inode, number>();
  readonly #data = new Map<Inode, number>();
  readonly #volumes = new Map<number, number>();
  readonly #any = new Map<number, number>();
  readonly #volumeOf = new Map<Inode, number>();

  constructor(before: Before, done: readonly Operation[]) {
    for (const [inode, { made }] of before.items) this.#volumeOf.set(inode, made.volume);
    for (const [at, operation] of done.entries()) {
      if (operation.type === 'make') this.#volumeOf.set(operation.inode, operation.made.volume);
      if (operation.type === 'sync-volume') {
        this.#volumes.set(operation.volume, at);
        this.#any.set(operation.volume, at);
      }
      if (operation.type !== 'sync') continue;
      this.#data.set(operation.inode, at);
      if (operation.dataOnly) continue;
      this.#inodes.set(operation.inode, at);
      this.#any.set(this.volumeOf(operation.inode), at);
    }
  }

  volumeOf(inode: Inode): number {
    return this.#volumeOf.get(inode)!;
  }

  /** Operations before this one on an item itself, or on the names in a folder, are durable. */
  of(inode: Inode): number {
    return Math.max(this.#inodes.get(inode) ?? 0, this.#volumes.get(this.volumeOf(inode)) ?? 0);
  }

  /** The same of a file's data. */
  ofData(inode: Inode): number {
    return Math.max(this.#data.get(inode) ?? 0, this.of(inode));
  }

  /** Where a file system has one order: all before this. */
  anyOf(volume: number): number {
    return this.#any.get(volume) ?? 0;
  }
}
