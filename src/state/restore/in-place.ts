import type { BigIntStats } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { namesIn, removeFile, rename, renameNew } from '../fs/calls.ts';
import { codeOf, SystemCallError } from '../fs/errno.ts';
import { showPath } from '../fs/show-path.ts';
import type { Amendments } from './amendments.ts';
import { freeConflictName } from './conflict-name.ts';
import type { ConflictReport } from './conflict-report.ts';
import type { Action } from './decision-log.ts';
import { isSameInode, type PreImages } from './pre-images.ts';
import { statIfThere } from './present.ts';
import type { Tree } from './tree.ts';

/** Something that was decided and is ready in a temporary folder, or about to be made. */
export interface Placing {
  readonly folder: number;
  /** Its name as decided. */
  readonly name: Uint8Array;
  readonly action: Action;
  /** The number of its decision. */
  readonly decision: number;
  /** Whether something with these stats may be what an earlier run put there: it has the very time, and the type. */
  looksOurs(stats: BigIntStats): boolean;
}

/** Puts items into their places, and never over something that nobody decided about. */
export class InPlace {
  readonly #tree: Tree;
  readonly #preImages: PreImages;
  readonly #amendments: Amendments;
  readonly #conflicts: ConflictReport;
  readonly #label: string;

  constructor(
    tree: Tree,
    preImages: PreImages,
    amendments: Amendments,
    conflicts: ConflictReport,
    /** Of other names: see `conflictName`. */
    label: string,
  ) {
    this.#tree = tree;
    this.#preImages = preImages;
    this.#amendments = amendments;
    this.#conflicts = conflicts;
    this.#label = label;
  }

  /** The name that an item gets: the decided one, unless it turned out to be taken. */
  nameOf({ decision, name }: Pick<Placing, 'decision' | 'name'>): Uint8Array {
    return this.#amendments.nameOf(decision) ?? name;
  }

  /** Whether what an earlier run put there may be in the place: not what it was to replace. */
  mayHoldOurs(item: Pick<Placing, 'folder' | 'name' | 'action' | 'decision'>): boolean {
    if (!this.#tree.target.resumed) return false;
    if (item.action !== 'replace' || this.#amendments.nameOf(item.decision)) return true;
    const kept = this.#preImages.find(item.decision, item.folder);
    if (!kept) return false;
    const there = statIfThere(this.#tree.open(item.folder), item.name);
    return there !== undefined && !isSameInode(there, kept);
  }

  /** Moves an item from a temporary folder to its place. Returns the name that it got. */
  put(tmp: number, tmpName: Uint8Array, item: Placing): Uint8Array {
    try {
      return this.make(item, {
        fresh: (folder, name) => renameNew(tmp, tmpName, folder, name),
        over: (folder, name) => rename(tmp, tmpName, folder, name),
      });
    } catch (error) {
      if (codeOf(error) === 'EXDEV') throw this.#otherFileSystem(item, error);
      // So some file systems refuse a name.
      if (codeOf(error) === 'ENOENT' && statIfThere(tmp, tmpName)) throw new SystemCallError('rename', 'EINVAL');
      throw error;
    }
  }

  /** Brings an item into its place: `fresh` throws `EEXIST` where something is there, `over` takes a file's place. */
  make(
    item: Placing,
    how: { fresh(folder: number, name: Uint8Array): void; over(folder: number, name: Uint8Array): void },
  ): Uint8Array {
    const name = this.nameOf(item);
    const decided = name === item.name;
    const taken =
      item.action === 'replace' && decided ? this.#preImages.take(item.decision, item.folder, name) : 'nothing';
    const folder = this.#tree.open(item.folder);
    try {
      if (taken === 'linked') how.over(folder, name);
      else how.fresh(folder, name);
      failpoint('restore.item-placed');
      return name;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const there = statIfThere(folder, name);
    const isOurs =
      there && !there.isDirectory() && this.#tree.target.resumed && item.looksOurs(there) && isNamed(folder, name);
    const isKept = there && taken === 'before' && isSameInode(there, this.#preImages.find(item.decision, item.folder)!);
    if (isOurs || isKept) {
      how.over(this.#tree.open(item.folder), name);
      return name;
    }
    return this.#elsewhere(item, how.fresh);
  }

  /** Something is there after all: it keeps the name, and the item gets another one. */
  #elsewhere(item: Placing, make: (folder: number, name: Uint8Array) => void): Uint8Array {
    for (;;) {
      const other = this.otherName(item, false);
      try {
        make(this.#tree.open(item.folder), other);
        return other;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** Settles on another name for an item, durably. */
  otherName(item: Pick<Placing, 'folder' | 'name' | 'decision'>, isFolder: boolean): Uint8Array {
    const folder = this.#tree.open(item.folder);
    const isTaken = (name: Buffer) => statIfThere(folder, name) !== undefined;
    const other = freeConflictName(item.name, this.#label, isFolder, isTaken);
    this.#amendments.add(item.decision, other);
    this.#conflicts.keptBoth(this.#tree.show(item.folder, item.name), showPath(other));
    return other;
  }

  /** Moves what a folder is to replace to the pre-images. */
  clear(decision: number, folder: number, name: Uint8Array): void {
    const taken = this.#preImages.take(decision, folder, name);
    if (taken === 'moved' || taken === 'nothing') return;
    const above = this.#tree.open(folder);
    const there = statIfThere(above, name);
    const kept = this.#preImages.find(decision, folder);
    if (there && kept && !there.isDirectory() && isSameInode(there, kept)) removeFile(above, name);
  }

  #otherFileSystem(item: Placing, cause: unknown): ResettleError {
    const shown = this.#tree.show(item.folder, item.name);
    return new ResettleError('failed', `${shown} lies on another file system than its surroundings, which moves`, {
      hint: 'a folder above it is mounted a second time (a bind mount): restore into that one by itself',
      cause,
    });
  }
}

/** Whether a folder holds that very name: a file system may take one in other letters for it. */
function isNamed(folder: number, name: Uint8Array): boolean {
  return namesIn(folder).some((found) => found.equals(name));
}
