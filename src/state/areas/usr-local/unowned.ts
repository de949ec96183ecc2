import { UNOWNED_LOOKS_MAX, UNOWNED_NAMES_MAX } from '../../../common/limits.ts';
import { type Dpkg, dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';

/** What is made anew by itself, or no file of anybody. */
const IGNORED = /^(?:lost\+found|__pycache__|node_modules|\.cache|\.Trash-\d+|.*\.pyc)$/u;

/** What the area security carries, and the file engine never. */
const OF_SECURITY = '/usr/local/share/ca-certificates';

/**
 * Finds places beneath a folder that no package owns and that hold a file or a link: whole folders where they can be
 * whole, single files between a package's own. A package owns the folders that lead to its files.
 */
export class UnownedPlaces {
  readonly #system: System;
  readonly #dpkg: Dpkg;
  readonly #looksMax: number;
  #looks = 0;

  constructor(system: System, looksMax = UNOWNED_LOOKS_MAX) {
    this.#system = system;
    this.#dpkg = dpkgOf(system);
    this.#looksMax = looksMax;
  }

  /** More names than are looked at were there: something may be missing. */
  get isCutShort(): boolean {
    return this.#looks > this.#looksMax;
  }

  beneath(path: string): readonly string[] {
    const kind = this.#system.facts(path)?.kind;
    if (kind === undefined || kind === 'other' || ++this.#looks > this.#looksMax) return [];
    const isOwned = this.#dpkg.isOwned(path);
    if (kind !== 'folder') return isOwned ? [] : [path];
    if (!isOwned) return this.#holdsSomething(path) ? [path] : [];
    return namesIn(this.#system, path).flatMap((name) => this.beneath(`${path}/${name}`));
  }

  #holdsSomething(folder: string): boolean {
    return namesIn(this.#system, folder).some((name) => {
      // A folder that has so many is not empty.
      if (++this.#looks > this.#looksMax) return true;
      const path = `${folder}/${name}`;
      const kind = this.#system.facts(path)?.kind;
      return kind === 'file' || kind === 'link' || (kind === 'folder' && this.#holdsSomething(path));
    });
  }
}

/** Names two deep in a place, folders before what is in them. */
export function namesBeneath(system: System, root: string): readonly string[] {
  const names = namesIn(system, root).flatMap((name) => [
    name,
    ...(system.facts(`${root}/${name}`)?.kind === 'folder'
      ? namesIn(system, `${root}/${name}`).map((inner) => `${name}/${inner}`)
      : []),
  ]);
  return names.slice(0, UNOWNED_NAMES_MAX);
}

function namesIn(system: System, folder: string): readonly string[] {
  if (system.facts(folder)?.kind !== 'folder') return [];
  return system.list(folder).filter((name) => !IGNORED.test(name) && `${folder}/${name}` !== OF_SECURITY);
}
