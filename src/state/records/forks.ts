/**
 * A fork: one signer wrote two records with the same epoch and sequence. Both are kept and shown. What the signer wrote
 * from there on counts for nothing; admissions from before stand, or one copied virtual machine would empty a fleet.
 */
import type { PeerIdText } from '../../common/ids.ts';
import { alongChain, type ByHash } from './chain.ts';
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

interface Epoch {
  readonly epoch: string;
  readonly places: Map<number, KnownRecord>;
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
    let places = this.#placesOf(epoch);
    if (!places) {
      places = new Map();
      this.#epochs = this.#epochs.concat([{ epoch, places }]);
    }
    const first = places.get(sequence);
    if (!first) {
      places.set(sequence, record);
      return false;
    }
    const key = `${epoch}/${sequence}`;
    this.#contested ??= new Map();
    this.#contested.set(key, (this.#contested.get(key) ?? new Set([first])).add(record));
    return true;
  }

  #placesOf(epoch: string): Map<number, KnownRecord> | undefined {
    return this.#epochs.find((one) => one.epoch === epoch)?.places;
  }

  /** Returns whether the record stood in one place with another one. */
  remove(record: KnownRecord): boolean {
    const { epoch, sequence } = record.header;
    const key = `${epoch}/${sequence}`;
    const same = this.#contested?.get(key);
    const places = this.#placesOf(epoch);
    if (!same) {
      places?.delete(sequence);
      if (places?.size === 0) this.#epochs = this.#epochs.filter((one) => one.places !== places);
      return false;
    }
    same.delete(record);
    const [left] = same;
    if (left) places?.set(sequence, left);
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

function comparePlace(a: KnownRecord, b: KnownRecord): number {
  return compareText(a.header.epoch, b.header.epoch) || a.header.sequence - b.header.sequence;
}
