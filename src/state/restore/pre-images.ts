import type { BigIntStats } from 'node:fs';
import { failpoint } from '../../common/failpoint.ts';
import { linkItem, renameNew } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import type { Place, Places } from './places.ts';
import { statIfThere } from './present.ts';
import type { Tree } from './tree.ts';

/** The name of a decision's pre-image. */
export const preImageName = (decision: number) => Buffer.from(`${decision}`);

export const isSameInode = (a: BigIntStats, b: BigIntStats) => a.dev === b.dev && a.ino === b.ino;

/**
 * What `take` found. `linked`: the item has its own name still, and is to be renamed over. `moved`: its place is free.
 * `before`: an earlier run took it. `nothing`: there was nothing to take.
 */
export type Taken = 'linked' | 'moved' | 'before' | 'nothing';

/** Keeps what a restore replaces, each under the number of its decision. */
export class PreImages {
  readonly #places: Places;
  readonly #tree: Tree;

  constructor(places: Places, tree: Tree) {
    this.#places = places;
    this.#tree = tree;
  }

  /**
   * Takes what has that name in a folder, by a second name, so that there is no moment without it; what cannot have two
   * names (a folder, a file where there are no hard links) is moved.
   */
  take(decision: number, folder: number, name: Uint8Array): Taken {
    const keep = this.#folder(folder);
    const kept = preImageName(decision);
    if (statIfThere(keep, kept)) return 'before';
    const from = this.#tree.open(folder);
    const there = statIfThere(from, name);
    if (!there) return 'nothing';
    if (!there.isDirectory() && getsSecondName(from, name, keep, kept)) {
      failpoint('restore.pre-image-linked');
      return 'linked';
    }
    renameNew(from, name, keep, kept);
    failpoint('restore.pre-image-moved');
    return 'moved';
  }

  /** The stat of a decision's pre-image, where it was taken. */
  find(decision: number, folder: number): BigIntStats | undefined {
    return statIfThere(this.#folder(folder), preImageName(decision));
  }

  #folder(folder: number): number {
    const place: Place = this.#places.at(this.#tree.folders.place(folder));
    return this.#places.preImagesOf(place);
  }
}

/** False where there are no hard links. */
function getsSecondName(from: number, name: Uint8Array, keep: number, kept: Uint8Array): boolean {
  try {
    linkItem(from, name, keep, kept);
    return true;
  } catch (error) {
    if (codeOf(error) === undefined || codeOf(error) === 'ENOSPC') throw error;
    return false;
  }
}
