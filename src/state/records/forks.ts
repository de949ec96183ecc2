/**
 * A fork: one signer wrote two records with the same epoch and sequence. Both are kept and shown. What the signer wrote
 * from there on counts for nothing; admissions from before stand, or one copied virtual machine would empty a fleet.
 */
import type { PeerIdText } from '../../common/ids.ts';
import { alongChain, type ByHash } from './chain.ts';
import { compareText } from './hash.ts';
import type { Fork, RecordHash, StoredRecord } from './types.ts';

export interface Forks {
  readonly list: readonly Fork[];
  readonly signers: ReadonlySet<PeerIdText>;
  /** True for a record at or after a fork of its signer. */
  tainted(record: StoredRecord): boolean;
}

export function findForks(records: ByHash): Forks {
  const places = new Map<string, StoredRecord[]>();
  for (const record of records.values()) {
    const place = placeInLog(record);
    const same = places.get(place);
    if (same) same.push(record);
    else places.set(place, [record]);
  }
  const list = [...places.values()].filter((same) => same.length > 1).map(forkOf);
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

/** Where a signer put a record: two different records in one place are a fork. */
export function placeInLog({ header }: StoredRecord): string {
  return `${header.signer}/${header.epoch}/${header.sequence}`;
}

function forkOf(same: readonly StoredRecord[]): Fork {
  const { signer, epoch, sequence } = same[0]!.header;
  const hashes: RecordHash[] = same.map((record) => record.hash).sort(compareText);
  return { signer, epoch, sequence, hashes };
}
