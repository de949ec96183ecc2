import { createHash } from 'node:crypto';
import type { Inserted, RecordStore, RefusedRecord } from '../../src/protocols/records/store.ts';

/** A record is its hash here. `place` says whether one may be taken, given what is here. */
export class PlainStore implements RecordStore {
  readonly #hashes: string[] = [];
  readonly #known = new Set<string>();
  readonly #place: (hash: string, has: (other: string) => boolean) => boolean;

  constructor(
    hashes: readonly string[] = [],
    place: (hash: string, has: (other: string) => boolean) => boolean = () => true,
  ) {
    this.#place = place;
    for (const hash of hashes) this.#add(hash);
  }

  #add(hash: string): void {
    if (this.#known.has(hash)) return;
    this.#known.add(hash);
    this.#hashes.push(hash);
  }

  sorted(): string[] {
    return [...this.#hashes].sort();
  }

  inOrder(): readonly string[] {
    return this.#hashes;
  }

  #of(prefix: string): string[] {
    return this.#hashes.filter((hash) => hash.startsWith(prefix));
  }

  summary(prefix: string): { count: number; fingerprint: Uint8Array } {
    const hashes = this.#of(prefix).sort();
    const digest = createHash('sha256').update(hashes.join('')).digest();
    return { count: hashes.length, fingerprint: Uint8Array.from(digest.subarray(0, 16)) };
  }

  entries(prefix: string): { hash: string; number: number }[] {
    return this.#of(prefix).map((hash) => ({ hash, number: this.#hashes.indexOf(hash) }));
  }

  hasStart(start: string): boolean {
    return this.#hashes.some((hash) => hash.startsWith(start));
  }

  envelopes(starts: readonly string[], max: { readonly records: number }): { envelopes: Uint8Array[]; served: number } {
    const some = starts.slice(0, max.records);
    const found = some.map((start) => this.#hashes.find((hash) => hash.startsWith(start)));
    const envelopes = found
      .filter((hash) => hash !== undefined)
      .map((hash) => Uint8Array.from(Buffer.from(hash, 'hex')));
    return { envelopes, served: some.length };
  }

  async insert(envelopes: readonly Uint8Array[]): Promise<Inserted> {
    const refused: RefusedRecord[] = [];
    const before = this.#hashes.length;
    const stored: string[] = [];
    for (const [index, envelope] of envelopes.entries()) {
      const hash = Buffer.from(envelope).toString('hex');
      if (envelope.length !== 32) refused.push({ index, reason: 'it is no record', kind: 'never' });
      else if (!this.#place(hash, (other) => this.#known.has(other))) {
        refused.push({ index, reason: 'it has no place', kind: 'later' });
      } else {
        this.#add(hash);
        stored.push(hash);
      }
    }
    return { added: this.#hashes.length - before, stored, refused };
  }
}
