import { ResettleError } from '../../common/errors.ts';
import type { FolderPath } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';
import { pathOfNames } from '../plan/roots.ts';

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
}

/** Follows the folders of a manifest, depth first, and knows which belong to what was asked for. */
export class FolderWalk {
  readonly #stripped: FolderPath;
  readonly #only: readonly FolderPath[] | undefined;
  readonly #found = new Set<number>();
  readonly #stack: WalkedFolder[] = [];
  #count = 0;

  constructor(stripped: FolderPath | undefined, only: readonly FolderPath[] | undefined) {
    this.#stripped = stripped ?? [];
    this.#only = only;
  }

  /** The next folder; the top one has no parent. */
  enter(parent: number | undefined, name: Uint8Array): WalkedFolder {
    const number = this.#count++;
    if (parent === undefined) return this.#push(this.#top(number));
    const { isWithin, below, depth } = this.#at(parent);
    const here = below.filter((at) => Buffer.compare(this.#only![at]![depth]!, name) === 0);
    const isAskedFor = this.#markFound(here, depth + 1);
    return this.#push({
      number,
      isBase: number <= this.#stripped.length,
      isWithin: isWithin || isAskedFor,
      isSelected: isWithin || here.length > 0,
      depth: depth + 1,
      below: here.filter((at) => this.#only![at]!.length > depth + 1),
    });
  }

  /** Whether an item of the folder that was entered last was asked for. */
  selects(name: Uint8Array): boolean {
    const { isWithin, below, depth } = this.#stack.at(-1)!;
    const here = below.filter((at) => Buffer.compare(this.#only![at]![depth]!, name) === 0);
    return this.#markFound(here, depth + 1) || isWithin;
  }

  get current(): WalkedFolder {
    return this.#stack.at(-1)!;
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
    return { number, isBase: true, isWithin, isSelected: true, depth: 0, below: deeper };
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
