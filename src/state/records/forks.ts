/**
 * A fork: one signer wrote two records with the same epoch and sequence. Both are kept and shown. What the signer wrote
 * from there on counts for nothing; admissions from before stand, or one copied virtual machine would empty a fleet.
 */
import type { PeerIdText } from '../../common/ids.ts';
import { alongChain, type ByHash } from './chain.ts';
import { appended } from './dossiers.ts';
import { compareText } from './hash.ts';
import type { KnownRecord } from './known.ts';
import { isLasting } from './record.ts';
import type { Fork, RecordHash } from './types.ts';

export interface Forks {
  readonly list: readonly Fork[];
  readonly signers: ReadonlySet<PeerIdText>;
  /** True for a record at or after a fork of its signer. */
  tainted(record: KnownRecord): boolean;
}

/** What follows from the places in which two records or more stand. */
export function forksOf(contested: Iterable<readonly KnownRecord[]>, records: ByHash): Forks {
  const list = [...contested].filter((same) => same.length > 1).map(forkOf);
  list.sort((a, b) => compareText(a.signer, b.signer) || compareText(a.epoch, b.epoch) || a.sequence - b.sequence);
  const starts = new Map<string, number>();
  for (const fork of list) {
    const epoch = `${fork.signer}/${fork.epoch}`;
    starts.set(epoch, Math.min(fork.sequence, starts.get(epoch) ?? fork.sequence));
  }
  const tainted = alongChain(records, ({ header }) => {
    const start = starts.get(`${header.signer}/${header.epoch}`);
    return start !== undefined && header.sequence >= start;
  });
  return { list, signers: new Set(list.map((fork) => fork.signer)), tainted: starts.size > 0 ? tainted : () => false };
}

function forkOf(same: readonly KnownRecord[]): Fork {
  const { signer, epoch, sequence } = same[0]!.header;
  const hashes: RecordHash[] = same.map((record) => record.hash).sort(compareText);
  return { signer, epoch, sequence, hashes };
}

/** By sequence; an array takes a third of a map's memory, and almost all records come in order. */
interface Epoch {
  readonly epoch: string;
  places: readonly KnownRecord[];
}

const NO_EPOCHS: readonly Epoch[] = Object.freeze([]);

/** One signer's records by where he put them, so that a second one in a place is seen when it comes. */
export class Places {
  /** Most signers have records of one epoch or two. */
  #epochs: readonly Epoch[] = NO_EPOCHS;
  /** The places with more than one record. */
  #contested: Map<string, Set<KnownRecord>> | undefined;

  /** Returns whether the signer has put another record there already. */
  add(record: KnownRecord): boolean {
    const { epoch, sequence } = record.header;
    let one = this.#epoch(epoch);
    if (!one) {
      one = { epoch, places: [] };
      this.#epochs = this.#epochs.concat([one]);
    }
    const index = indexOf(one.places, sequence);
    const first = one.places[index];
    if (first?.header.sequence !== sequence) {
      one.places = first ? one.places.toSpliced(index, 0, record) : appended(one.places, record);
      return false;
    }
    const key = `${epoch}/${sequence}`;
    this.#contested ??= new Map();
    this.#contested.set(key, (this.#contested.get(key) ?? new Set([first])).add(record));
    return true;
  }

  #epoch(epoch: string): Epoch | undefined {
    return this.#epochs.find((one) => one.epoch === epoch);
  }

  /** Returns whether the record stood in one place with another one. */
  remove(record: KnownRecord): boolean {
    const { epoch, sequence } = record.header;
    const key = `${epoch}/${sequence}`;
    const same = this.#contested?.get(key);
    const one = this.#epoch(epoch);
    const index = one ? indexOf(one.places, sequence) : -1;
    if (!same) {
      if (one?.places[index] === record) one.places = one.places.toSpliced(index, 1);
      if (one?.places.length === 0) this.#epochs = this.#epochs.filter((other) => other !== one);
      return false;
    }
    same.delete(record);
    const [left] = same;
    if (left && one) one.places = one.places.with(index, left);
    if (same.size < 2) this.#contested?.delete(key);
    return true;
  }

  /** The records in the place of this one, if there are several. */
  at({ header: { epoch, sequence } }: KnownRecord): Iterable<KnownRecord> {
    return this.#contested?.get(`${epoch}/${sequence}`) ?? [];
  }

  get isContested(): boolean {
    return (this.#contested?.size ?? 0) > 0;
  }

  contested(): Iterable<ReadonlySet<KnownRecord>> {
    return this.#contested?.values() ?? [];
  }

  /**
   * Of the records that newer ones would replace, those that are kept because they prove a fork. One fork proves enough:
   * the lowest place in which such records stand, and there two of all, lasting ones first, then the lowest hashes.
   */
  evidence(): ReadonlySet<KnownRecord> {
    const places = [...this.contested()]
      .map((same) => [...same])
      .filter((same) => same.some((record) => !isLasting(record)));
    const lowest = places.sort(([a], [b]) => comparePlace(a!, b!))[0] ?? [];
    const rank = (record: KnownRecord): number => (isLasting(record) ? 0 : 1);
    return new Set(lowest.sort((a, b) => rank(a) - rank(b) || compareText(a.hash, b.hash)).slice(0, 2));
  }
}

/** Where a record with this sequence stands, or would stand. */
function indexOf(places: readonly KnownRecord[], sequence: number): number {
  const last = places.at(-1);
  if (!last || last.header.sequence < sequence) return places.length;
  let low = 0;
  let high = places.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]!.header.sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function comparePlace(a: KnownRecord, b: KnownRecord): number {
  return compareText(a.header.epoch, b.header.epoch) || a.header.sequence - b.header.sequence;
}
