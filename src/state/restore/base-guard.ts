import { damaged } from '../format/damaged.ts';
import type { Entry, FolderPath } from '../format/index.ts';

/** Refuses what must not come to lie in the target's top folder. Throws `damaged`. */
export class BaseGuard {
  readonly #ownNames: readonly Buffer[];
  readonly #stripped: FolderPath;

  /** `ownNames`: what a restore itself makes there. `stripped`: the one root whose contents go straight into it. */
  constructor(ownNames: readonly Buffer[], stripped: FolderPath | undefined) {
    this.#ownNames = ownNames;
    this.#stripped = stripped ?? [];
  }

  check(folder: number, isBase: boolean, entry: Entry): void {
    if (!isBase) return;
    if (this.#ownNames.some((name) => name.equals(entry.name))) {
      throw damaged('the manifest holds the name of our own journal');
    }
    if (folder < this.#stripped.length) this.#checkWay(folder, entry);
  }

  /** Above the one root there is nothing but the way to it: else two folders would fall into one. */
  #checkWay(folder: number, entry: Entry): void {
    const isWay = Buffer.compare(entry.name, this.#stripped[folder]!) === 0;
    const isLast = folder === this.#stripped.length - 1;
    if (!isWay || (!isLast && entry.kind !== 'ancestor')) {
      throw damaged('the manifest holds items beside the one root that it names');
    }
  }
}
