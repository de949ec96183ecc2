import { ResettleError } from '../../common/errors.ts';
import type { FolderPath } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';
import { pathOfNames } from '../plan/roots.ts';
import type { RestorePlace } from './types.ts';

/** A folder on the way from the top to where a walk is. */
export interface WalkedFolder {
  readonly number: number;
  /** It is the target itself. */
  readonly isBase: boolean;
  /** It, or a folder above it, was asked for. */
  readonly isWithin: boolean;
  /** It was asked for, or it leads to what was. */
  readonly isSelected: boolean;
  readonly depth: number;
  /** Of the paths that were asked for, those that go on beneath it. */
  readonly below: readonly number[];
  /** Its name on the target. */
  readonly name: Uint8Array;
  /** The number of the place that it is in, counted from 1; 0 for none. */
  readonly place: number;
  /** Why it is left out, where it is one of the places that are. */
  readonly leftOut: string | undefined;
  /** Of the places, those that go on beneath it. */
  readonly placesBelow: readonly number[];
}

/** What an item is called on the target, and the number of the place that it is in. */
export type Placed = Pick<WalkedFolder, 'name' | 'place' | 'leftOut'>;

function isNameOf({ path, isBeginning }: RestorePlace, depth: number, name: Uint8Array): boolean {
  const wanted = path[depth]!;
  const isLast = path.length === depth + 1;
  return Buffer.compare(wanted, isLast && isBeginning ? name.subarray(0, wanted.length) : name) === 0;
}

/** Follows the folders of a manifest, depth first, and knows which belong to what was asked for. */
export class FolderWalk {
  readonly #stripped: FolderPath;
  readonly #only: readonly FolderPath[] | undefined;
  readonly #places: readonly RestorePlace[];
  readonly #found = new Set<number>();
  readonly #stack: WalkedFolder[] = [];
  #count = 0;

  constructor(
    stripped: FolderPath | undefined,
    only: readonly FolderPath[] | undefined,
    places: readonly RestorePlace[] = [],
  ) {
    this.#stripped = stripped ?? [];
    this.#only = only;
    this.#places = places;
  }

  /** The next folder; the top one has no parent. */
  enter(parent: number | undefined, name: Uint8Array): WalkedFolder {
    const number = this.#count++;
    if (parent === undefined) return this.#push(this.#top(number));
    const above = this.#at(parent);
    const { isWithin, below, depth } = above;
    const here = below.filter((at) => Buffer.compare(this.#only![at]![depth]!, name) === 0);
    const isAskedFor = this.#markFound(here, depth + 1);
    const { placesBelow } = above;
    const placed = this.#placed(above, name, true);
    const isLeftOut = placed.leftOut !== undefined;
    // Beneath it nobody looks for what was asked for.
    if (isLeftOut) for (const at of here) this.#found.add(at);
    return this.#push({
      ...placed,
      placesBelow: placesBelow.filter(
        (at) => this.#places[at]!.path.length > depth + 1 && isNameOf(this.#places[at]!, depth, name),
      ),
      number,
      isBase: this.#isBase(above, name),
      isWithin: (isWithin || isAskedFor) && !isLeftOut,
      isSelected: (isWithin || here.length > 0) && !isLeftOut,
      depth: depth + 1,
      below: isLeftOut ? [] : here.filter((at) => this.#only![at]!.length > depth + 1),
    });
  }

  /** Whether an item of the folder that was entered last was asked for, and may come. */
  selects(name: Uint8Array, isFolder = false): boolean {
    const { isWithin, below, depth } = this.#stack.at(-1)!;
    const here = below.filter((at) => Buffer.compare(this.#only![at]![depth]!, name) === 0);
    const isAskedFor = this.#markFound(here, depth + 1) || isWithin;
    return isAskedFor && this.placeOf(name, isFolder).leftOut === undefined;
  }

  get current(): WalkedFolder {
    return this.#stack.at(-1)!;
  }

  /** The same of an item of the folder that was entered last. */
  placeOf(name: Uint8Array, isFolder = false): Placed {
    return this.#placed(this.current, name, isFolder);
  }

  /** Throws `not-found` when a path that was asked for did not come. */
  end(): void {
    const missing = this.#only?.find((_, at) => !this.#found.has(at));
    if (!missing) return;
    throw new ResettleError('not-found', `this snapshot does not hold ${showPath(pathOfNames(missing))}`, {
      hint: 'give the path as it was when it was captured',
    });
  }

  #top(number: number): WalkedFolder {
    const below = (this.#only ?? []).map((_, at) => at);
    const isWithin = this.#only === undefined || this.#markFound(below, 0);
    const deeper = below.filter((at) => this.#only![at]!.length > 0);
    const name = new Uint8Array(0);
    const placesBelow = this.#places.map((_, at) => at).filter((at) => this.#places[at]!.path.length > 0);
    const placed = { name, place: 0, leftOut: undefined };
    return { number, isBase: true, isWithin, isSelected: true, depth: 0, below: deeper, ...placed, placesBelow };
  }

  /** On the way to the folder that the target stands for, or that folder itself. */
  #isBase({ isBase, depth }: WalkedFolder, name: Uint8Array): boolean {
    return isBase && depth < this.#stripped.length && Buffer.compare(this.#stripped[depth]!, name) === 0;
  }

  #placed({ placesBelow, place, depth }: WalkedFolder, name: Uint8Array, isFolder: boolean): Placed {
    let placed: Placed = { name, place, leftOut: undefined };
    for (const at of placesBelow) {
      const one = this.#places[at]!;
      if (one.path.length !== depth + 1 || !isNameOf(one, depth, name)) continue;
      placed = {
        name: one.name ?? placed.name,
        place: one.personal ? at + 1 : placed.place,
        leftOut: (isFolder && one.mayBeFolder ? undefined : one.leftOut) ?? placed.leftOut,
      };
    }
    return placed;
  }

  #at(number: number): WalkedFolder {
    while (this.#stack.at(-1)!.number !== number) this.#stack.pop();
    return this.#stack.at(-1)!;
  }

  #push(folder: WalkedFolder): WalkedFolder {
    this.#stack.push(folder);
    return folder;
  }

  /** Whether one of these paths ends at that depth. */
  #markFound(paths: readonly number[], depth: number): boolean {
    const ended = paths.filter((at) => this.#only![at]!.length === depth);
    for (const at of ended) this.#found.add(at);
    return ended.length > 0;
  }
}
