import { APPLICATION_MATCHES_MAX } from '../../../common/limits.ts';
import { fits, type Pattern, type PatternName, parsePattern } from '../../catalogue/pattern.ts';
import type { System } from '../base/system.ts';

/** Looks up what patterns name on a machine. Each folder is read once, however many patterns lead into it. */
export class Lookup {
  readonly #system: System;
  readonly #names = new Map<string, ReadonlySet<string>>();
  readonly #patterns = new Map<string, Pattern>();

  constructor(system: System) {
    this.#system = system;
  }

  /** Names in a folder. */
  names(folder: string): ReadonlySet<string> {
    const known = this.#names.get(folder);
    if (known) return known;
    const names = new Set(this.#system.list(folder === '' ? '/' : folder));
    this.#names.set(folder, names);
    return names;
  }

  /** Paths that a pattern names, `home` being its `~`: none for a pattern of homes without one, or for one with `**`. */
  places(pattern: string, home?: string): string[] {
    const { isOfHomes, names } = this.#parsed(pattern);
    if (names.includes('deep') || isOfHomes !== (home !== undefined)) return [];
    return this.#beneath(home ?? '', names).slice(0, APPLICATION_MATCHES_MAX);
  }

  isThere(pattern: string, home?: string): boolean {
    return this.places(pattern, home).length > 0;
  }

  #parsed(text: string): Pattern {
    const pattern = this.#patterns.get(text) ?? parsePattern(text);
    this.#patterns.set(text, pattern);
    return pattern;
  }

  #beneath(folder: string, [first, ...rest]: readonly PatternName[]): string[] {
    if (first === undefined || first === 'deep') return folder === '' ? [] : [folder];
    const { pieces } = first;
    const names = this.names(folder);
    if (pieces.length === 1) {
      const name = textOf(pieces[0]!);
      return names.has(name) ? this.#beneath(`${folder}/${name}`, rest) : [];
    }
    return [...names]
      .filter((name) => fits(pieces, Buffer.from(name, 'utf8').toString('latin1')))
      .flatMap((name) => this.#beneath(`${folder}/${name}`, rest));
  }
}

const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
