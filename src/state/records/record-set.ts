/** The records of a log in memory, with what is asked of them often. They stay in the order in which they were taken. */
import type { PeerIdText } from '../../common/ids.ts';
import type { ByHash } from './chain.ts';
import { placeInLog } from './forks.ts';
import { compareText } from './hash.ts';
import { isLasting, isOf, subjectOf } from './record.ts';
import { newer } from './roster.ts';
import type { RecordHash, StoredRecord } from './types.ts';

interface Usage {
  count: number;
  bytes: number;
}

export class RecordSet {
  readonly #byHash = new Map<RecordHash, StoredRecord>();
  readonly #usage = new Map<PeerIdText, Usage>();
  readonly #admitted = new Set<string>();
  readonly #replaceable = new Map<PeerIdText, Set<StoredRecord>>();
  readonly #lastLasting = new Map<PeerIdText, RecordHash>();

  get byHash(): ByHash {
    return this.#byHash;
  }

  add(record: StoredRecord): void {
    const { signer } = record.header;
    this.#byHash.set(record.hash, record);
    this.#count(record, 1);
    if (isOf(record, 'admission')) this.#admitted.add(`${record.body.peerId}/${record.body.ageRecipient}`);
    if (isLasting(record)) {
      this.#lastLasting.set(signer, record.hash);
    } else {
      const own = this.#replaceable.get(signer);
      if (own) own.add(record);
      else this.#replaceable.set(signer, new Set([record]));
    }
  }

  /** What the signer has stored; nothing for a stranger. */
  usage(signer: PeerIdText): Readonly<Usage> {
    return this.#usage.get(signer) ?? { count: 0, bytes: 0 };
  }

  /** True if some admission here binds this peer id to this recipient. */
  isAdmitted(peerId: PeerIdText, ageRecipient: string): boolean {
    return this.#admitted.has(`${peerId}/${ageRecipient}`);
  }

  /** The signer's lasting record that was taken last: where its chain goes on. */
  lastLasting(signer: PeerIdText): RecordHash | null {
    return this.#lastLasting.get(signer) ?? null;
  }

  /** Drops a signer's member records and events that newer ones replaced, except two in one place: they prove a fork. */
  dropSuperseded(signer: PeerIdText): StoredRecord[] {
    const own = this.#replaceable.get(signer) ?? new Set();
    const newest = new Map<string, StoredRecord>();
    for (const record of own) {
      const subject = subjectOf(record)!;
      newest.set(subject, newer(newest.get(subject), record));
    }
    const kept = new Set([...newest.values(), ...forkEvidence(own)]);
    const dropped = [...own].filter((record) => !kept.has(record));
    for (const record of dropped) {
      own.delete(record);
      this.#byHash.delete(record.hash);
      this.#count(record, -1);
    }
    return dropped;
  }

  #count(record: StoredRecord, sign: 1 | -1): void {
    const usage = this.#usage.get(record.header.signer) ?? { count: 0, bytes: 0 };
    usage.count += sign;
    usage.bytes += sign * record.envelope.length;
    this.#usage.set(record.header.signer, usage);
  }
}

/** One fork proves enough: the two lowest hashes in the lowest place, so that every log keeps the same. */
function forkEvidence(records: Iterable<StoredRecord>): StoredRecord[] {
  const forked = [...Map.groupBy(records, placeInLog)].filter(([, same]) => same.length > 1);
  const lowest = forked.sort(([a], [b]) => compareText(a, b))[0]?.[1] ?? [];
  return lowest.sort((a, b) => compareText(a.hash, b.hash)).slice(0, 2);
}
