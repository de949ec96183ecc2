/** Walks along `previous`, without recursion: a chain may have as many records as a signer may store. */
import type { KnownRecord } from './known.ts';
import { isLasting } from './record.ts';
import type { RecordHash } from './types.ts';

export interface ByHash {
  get(hash: RecordHash): KnownRecord | undefined;
}

/** A test for a property that begins at some records and goes on to everything after them in the chain. */
export function alongChain(
  records: ByHash,
  beginsAt: (record: KnownRecord) => boolean,
): (record: KnownRecord) => boolean {
  const known = new Map<RecordHash, boolean>();
  return (record) => {
    const walked: KnownRecord[] = [];
    let current: KnownRecord | undefined = record;
    let has = false;
    while (current) {
      const answer = known.get(current.hash);
      if (answer !== undefined) {
        has = answer;
        break;
      }
      walked.push(current);
      if (beginsAt(current)) {
        has = true;
        break;
      }
      current = previousOf(records, current);
    }
    // A walk that ends at a beginning marks all that lies after it; so does one that ends at a known answer.
    for (const after of walked) known.set(after.hash, has);
    return has;
  };
}

/** A record and all before it in the chain; `complete` is false where one of them is not here. */
export function ancestors(records: ByHash, last: RecordHash | null): { hashes: Set<RecordHash>; complete: boolean } {
  const hashes = new Set<RecordHash>();
  let record = last === null ? undefined : records.get(last);
  let complete = last === null || record !== undefined;
  while (record) {
    hashes.add(record.hash);
    const before = previousOf(records, record);
    if (record.header.previous !== null && before === undefined) complete = false;
    record = before;
  }
  return { hashes, complete };
}

/** The signer's lasting record before this one, if it is here; a name of any other record counts as a gap. */
export function previousOf(records: ByHash, record: KnownRecord): KnownRecord | undefined {
  const before = record.header.previous === null ? undefined : records.get(record.header.previous);
  return before && before.header.signer === record.header.signer && isLasting(before) ? before : undefined;
}

/** The lasting records that have a gap somewhere before them, kept up to date record by record. */
export class Gaps {
  readonly #after = new Set<RecordHash>();
  readonly #waiting = new Map<RecordHash, KnownRecord[]>();
  /** Grows whenever the hashes change. */
  version = 0;

  /** For each lasting record, after it was put among the records. */
  add(record: KnownRecord, records: ByHash): void {
    const { previous } = record.header;
    if (previous !== null && !this.#isWhole(previousOf(records, record))) {
      this.#after.add(record.hash);
      this.version += 1;
      const same = this.#waiting.get(previous);
      if (same) same.push(record);
      else this.#waiting.set(previous, [record]);
      return;
    }
    const filled = [record];
    for (let whole = filled.pop(); whole; whole = filled.pop()) {
      const after = this.#waiting.get(whole.hash) ?? [];
      const { signer } = whole.header;
      const mine = after.filter(({ header }) => header.signer === signer);
      for (const next of mine) this.#after.delete(next.hash);
      if (mine.length > 0) this.version += 1;
      filled.push(...mine);
      // Who names another's record as his previous one waits for ever.
      if (mine.length === after.length) this.#waiting.delete(whole.hash);
    }
  }

  get hashes(): ReadonlySet<RecordHash> {
    return this.#after;
  }

  #isWhole(record: KnownRecord | undefined): boolean {
    return record !== undefined && !this.#after.has(record.hash);
  }
}
