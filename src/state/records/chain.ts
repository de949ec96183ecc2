/** Walks along `previous`, without recursion: a chain may have as many records as a signer may store. */
import { isLasting } from './record.ts';
import type { RecordHash, StoredRecord } from './types.ts';

export type ByHash = ReadonlyMap<RecordHash, StoredRecord>;

/**
 * A test for a property that begins at some records and goes on to everything after them in the chain. `beginsAt` also
 * gets told when a record's previous one is not here. Answers are remembered, so asking for all costs one walk.
 */
export function alongChain(
  records: ByHash,
  beginsAt: (record: StoredRecord, previousMissing: boolean) => boolean,
): (record: StoredRecord) => boolean {
  const known = new Map<RecordHash, boolean>();
  return (record) => {
    const walked: StoredRecord[] = [];
    let current: StoredRecord | undefined = record;
    let has = false;
    while (current) {
      const answer = known.get(current.hash);
      if (answer !== undefined) {
        has = answer;
        break;
      }
      walked.push(current);
      const before: StoredRecord | undefined = previousOf(records, current);
      if (beginsAt(current, current.header.previous !== null && before === undefined)) {
        has = true;
        break;
      }
      current = before;
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
function previousOf(records: ByHash, record: StoredRecord): StoredRecord | undefined {
  const before = record.header.previous === null ? undefined : records.get(record.header.previous);
  return before && before.header.signer === record.header.signer && isLasting(before) ? before : undefined;
}
