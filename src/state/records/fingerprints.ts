/**
 * Whether two logs have the same records, and where they differ, without naming them all: fingerprints over the hashes
 * that begin alike. They follow from the hashes alone, in order, so nobody can make different sets look the same.
 */
import { blake3, compareText } from './hash.ts';
import type { Kept } from './known.ts';
import type { RecordHash } from './types.ts';

/** Two sets with one fingerprint cannot be made, and would take 2^64 tries. */
const FINGERPRINT_BYTES = 16;
const BUCKETS = 256;

export interface Summary {
  readonly count: number;
  readonly fingerprint: Uint8Array;
}

export class Fingerprints {
  readonly #isIn: (record: Kept) => boolean;
  readonly #buckets: Kept[][] = Array.from({ length: BUCKETS }, () => []);
  readonly #known: (Summary | undefined)[] = Array.from({ length: BUCKETS });
  #root: Summary | undefined;

  /** `isIn` tells the records that are counted; `touch` those for which its answer has changed. */
  constructor(isIn: (record: Kept) => boolean) {
    this.#isIn = isIn;
  }

  add(record: Kept): void {
    this.#buckets[bucketOf(record.hash)]!.push(record);
    this.touch(record.hash);
  }

  remove(record: Kept): void {
    const bucket = this.#buckets[bucketOf(record.hash)]!;
    const index = bucket.indexOf(record);
    if (index >= 0) bucket.splice(index, 1);
    this.touch(record.hash);
  }

  touch(hash: RecordHash): void {
    this.#known[bucketOf(hash)] = undefined;
    this.#root = undefined;
  }

  /**
   * Of the records whose hash begins with this prefix, in hex. With one: over the hashes in order, 32 bytes each. Without:
   * over the 256 fingerprints of the prefixes of one byte.
   */
  summary(prefix: string): Summary {
    if (prefix === '') {
      this.#root ??= this.#sum();
      return this.#root;
    }
    if (prefix.length > 2) return summaryOf(this.entries(prefix));
    const index = bucketOf(prefix);
    const summary = this.#known[index] ?? summaryOf(this.entries(prefix));
    this.#known[index] = summary;
    return summary;
  }

  #sum(): Summary {
    const summaries = this.#buckets.map((_, index) => this.summary(index.toString(16).padStart(2, '0')));
    const prints = summaries.map(({ fingerprint }) => fingerprint);
    return { count: summaries.reduce((sum, { count }) => sum + count, 0), fingerprint: fingerprintOf(prints) };
  }

  /** The records themselves, in the order of their hashes. */
  entries(prefix: string): Kept[] {
    const buckets = prefix === '' ? this.#buckets.flat() : this.#buckets[bucketOf(prefix)]!;
    const within = buckets.filter((record) => record.hash.startsWith(prefix) && this.#isIn(record));
    return within.sort((a, b) => compareText(a.hash, b.hash));
  }

  /** The first record whose hash begins so, counted or not. */
  find(start: string): Kept | undefined {
    return this.#buckets[bucketOf(start)]?.find(({ hash }) => hash.startsWith(start));
  }
}

function summaryOf(records: readonly Kept[]): Summary {
  const hashes = Buffer.from(records.map(({ hash }) => hash).join(''), 'hex');
  return { count: records.length, fingerprint: fingerprintOf([hashes]) };
}

function fingerprintOf(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(blake3(...parts).subarray(0, FINGERPRINT_BYTES));
}

function bucketOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 2), 16);
}
