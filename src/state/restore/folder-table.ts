import type { GivenHead } from './apply-metadata.ts';

const FLAG_GIVEN = 1;
const FLAG_BASE = 2;
/** Nothing of it is restored: it was skipped, was not asked for, or could not be made. */
const FLAG_LOST = 4;

/** How a folder comes to be on the target. */
export type FolderOrigin = 'new' | 'there' | 'replaces' | 'lost';
const ORIGINS: readonly FolderOrigin[] = ['new', 'there', 'replaces', 'lost'];

export interface NewFolder {
  readonly parent: number;
  /** Its name on the target. */
  readonly name: Uint8Array;
  /** What it is given at the end; undefined where it keeps what it has. */
  readonly given: GivenHead | undefined;
  /** Where its extras wait, or 0. */
  readonly extrasAt: number;
  /** It is the target itself. */
  readonly isBase: boolean;
  readonly origin: FolderOrigin;
  /** The number of its decision in the plan. */
  readonly decision: number;
  /** The place that it is in, as `FolderWalk` numbers it; 0 for none. */
  readonly place: number;
}

/** Every folder of a restore by its number, parents first, in typed arrays: about 70 bytes a folder. */
export class FolderTable {
  count = 0;
  #capacity = 1024;
  #parents = new Uint32Array(1024);
  #modes = new Uint16Array(1024);
  #uids = new Uint32Array(1024);
  #gids = new Uint32Array(1024);
  #times = new BigInt64Array(1024);
  #flags = new Uint8Array(1024);
  #origins = new Uint8Array(1024);
  #extras = new Uint32Array(1024);
  #decisions = new Uint32Array(1024);
  #places = new Uint8Array(1024);
  #own = new Uint16Array(1024);
  #nameEnds = new Float64Array(1024);
  #names = Buffer.allocUnsafeSlow(16 * 1024);
  /** The few that got another name than was decided. */
  readonly #renamed = new Map<number, Buffer>();
  #lastNumber = -1;
  #lastPath: Uint8Array[] = [];

  add({ parent, name, given, extrasAt, isBase, origin, decision, place }: NewFolder): number {
    const number = this.count++;
    if (number === this.#capacity) this.#grow();
    const start = number === 0 ? 0 : this.#nameEnds[number - 1]!;
    const end = start + name.length;
    if (end > this.#names.length) {
      const larger = Buffer.allocUnsafeSlow(this.#names.length * 2);
      this.#names.copy(larger);
      this.#names = larger;
    }
    this.#names.set(name, start);
    this.#nameEnds[number] = end;
    this.#parents[number] = parent;
    this.#origins[number] = ORIGINS.indexOf(origin);
    const lost = origin === 'lost' || (!isBase && this.isLost(parent));
    this.#flags[number] = (given ? FLAG_GIVEN : 0) | (isBase ? FLAG_BASE : 0) | (lost ? FLAG_LOST : 0);
    this.#extras[number] = extrasAt;
    this.#decisions[number] = decision;
    this.#own[number] = place;
    if (given) {
      this.#modes[number] = given.mode;
      this.#uids[number] = given.uid;
      this.#gids[number] = given.gid;
      this.#times[number] = given.mtimeNs;
    }
    return number;
  }

  parent(number: number): number {
    return this.#parents[number]!;
  }

  isBase(number: number): boolean {
    return (this.#flags[number]! & FLAG_BASE) !== 0;
  }

  isLost(number: number): boolean {
    return (this.#flags[number]! & FLAG_LOST) !== 0;
  }

  /** To be told of parents first. */
  lose(number: number): void {
    this.#flags[number]! |= FLAG_LOST;
  }

  origin(number: number): FolderOrigin {
    return ORIGINS[this.#origins[number]!]!;
  }

  decision(number: number): number {
    return this.#decisions[number]!;
  }

  extrasAt(number: number): number {
    return this.#extras[number]!;
  }

  /** The place that it is in: see `NewFolder`. */
  ownPlace(number: number): number {
    return this.#own[number]!;
  }

  /** The index of the file system that it lies on. */
  place(number: number): number {
    return this.#places[number]!;
  }

  setPlace(number: number, place: number): void {
    this.#places[number] = place;
  }

  given(number: number): GivenHead | undefined {
    if ((this.#flags[number]! & FLAG_GIVEN) === 0) return undefined;
    return {
      mode: this.#modes[number]!,
      uid: this.#uids[number]!,
      gid: this.#gids[number]!,
      mtimeNs: this.#times[number]!,
    };
  }

  name(number: number): Buffer {
    const renamed = this.#renamed.get(number);
    return renamed ?? this.#names.subarray(number === 0 ? 0 : this.#nameEnds[number - 1]!, this.#nameEnds[number]!);
  }

  rename(number: number, name: Uint8Array): void {
    this.#renamed.set(number, Buffer.from(name));
    this.#lastNumber = -1;
  }

  /** The names from the target to that folder. */
  path(number: number): readonly Uint8Array[] {
    if (number === this.#lastNumber) return this.#lastPath;
    const path: Uint8Array[] = [];
    for (let at = number; !this.isBase(at); at = this.parent(at)) path.push(Buffer.from(this.name(at)));
    this.#lastNumber = number;
    this.#lastPath = path.reverse();
    return this.#lastPath;
  }

  #grow(): void {
    this.#capacity *= 2;
    const grown = <A extends Uint8Array | Uint16Array | Uint32Array | Float64Array | BigInt64Array>(
      larger: A,
      old: A,
    ): A => {
      (larger as { set(from: A): void }).set(old);
      return larger;
    };
    this.#parents = grown(new Uint32Array(this.#capacity), this.#parents);
    this.#modes = grown(new Uint16Array(this.#capacity), this.#modes);
    this.#uids = grown(new Uint32Array(this.#capacity), this.#uids);
    this.#gids = grown(new Uint32Array(this.#capacity), this.#gids);
    this.#times = grown(new BigInt64Array(this.#capacity), this.#times);
    this.#flags = grown(new Uint8Array(this.#capacity), this.#flags);
    this.#origins = grown(new Uint8Array(this.#capacity), this.#origins);
    this.#extras = grown(new Uint32Array(this.#capacity), this.#extras);
    this.#decisions = grown(new Uint32Array(this.#capacity), this.#decisions);
    this.#places = grown(new Uint8Array(this.#capacity), this.#places);
    this.#own = grown(new Uint16Array(this.#capacity), this.#own);
    this.#nameEnds = grown(new Float64Array(this.#capacity), this.#nameEnds);
  }
}
