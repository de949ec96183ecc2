/** The records of a log in memory, with what is asked of them often. */
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import { type ByHash, Gaps } from './chain.ts';
import { appended, Dossiers } from './dossiers.ts';
import { Places } from './forks.ts';
import type { Kept, KeptOf, KnownOf, KnownRecord } from './known.ts';
import { isLasting, isOf, isSameSubject, newer } from './record.ts';
import type { RecordHash } from './types.ts';

/** What one signer has here. */
interface Shelf {
  count: number;
  bytes: number;
  lastLasting: RecordHash | null;
  lasting: readonly Kept[];
  members: readonly KeptOf<'member'>[];
  readonly places: Places;
  /** Records that newer ones replaced, kept because they prove a fork. */
  evidence: ReadonlySet<KnownRecord>;
}

const NONE: ReadonlySet<never> = new Set();
const NO_RECORDS: readonly never[] = Object.freeze([]);

export class RecordSet {
  readonly #byHash = new Map<RecordHash, Kept>();
  readonly #shelves = new Map<PeerIdText, Shelf>();
  readonly #admissionsOf = new Map<PeerIdText, readonly KeptOf<'admission'>[]>();
  readonly #forkedSigners = new Set<PeerIdText>();
  /** Lasting records with a gap somewhere before them in their signer's chain. */
  readonly gaps = new Gaps();
  readonly dossiers = new Dossiers();
  readonly fleets = new Set<KeptOf<'fleet'>>();
  readonly admissions = new Set<KeptOf<'admission'>>();
  readonly members = new Set<KeptOf<'member'>>();
  readonly revocations = new Set<KeptOf<'revocation'>>();

  get byHash(): ByHash & ReadonlyMap<RecordHash, Kept> {
    return this.#byHash;
  }

  /** Returns whether the record stands in a place with another one: a fork. */
  add(record: Kept): boolean {
    const shelf = this.#shelf(record.header.signer);
    this.#byHash.set(record.hash, record);
    shelf.count += 1;
    shelf.bytes += record.bytes;
    if (isLasting(record)) {
      shelf.lastLasting = record.hash;
      shelf.lasting = appended(shelf.lasting, record);
      this.gaps.add(record, this.#byHash);
    }
    this.#file(record, shelf);
    const forked = shelf.places.add(record);
    if (forked) this.#forkedSigners.add(record.header.signer);
    return forked;
  }

  #file(record: Kept, shelf: Shelf): void {
    if (isOf(record, 'fleet')) this.fleets.add(record);
    else if (isOf(record, 'revocation')) this.revocations.add(record);
    else if (isOf(record, 'admission')) {
      this.admissions.add(record);
      const { peerId } = record.body;
      this.#admissionsOf.set(peerId, appended(this.admissionsOf(peerId), record));
    } else if (isOf(record, 'member')) {
      this.members.add(record);
      shelf.members = appended(shelf.members, record);
    } else this.dossiers.add(record);
  }

  /**
   * After some records were added: drops the member records and events that newer ones replaced, except two in one place:
   * they prove a fork. A record takes the place in the order of the one that it replaces, because others may depend on it.
   */
  settle(added: readonly Kept[]): Kept[] {
    const dropped: Kept[] = [];
    for (const record of added) {
      const shelf = this.#shelf(record.header.signer);
      const forked = this.#forkedSigners.has(record.header.signer);
      if (isLasting(record) && !forked) continue;
      const evidence = forked ? shelf.places.evidence() : NONE;
      const candidates = new Set<Kept>([...this.#group(record), ...(shelf.evidence as Iterable<Kept>)]);
      shelf.evidence = evidence;
      for (const candidate of candidates) {
        if (evidence.has(candidate) || !this.#byHash.has(candidate.hash)) continue;
        const newest = this.#group(candidate).reduce<Kept | undefined>(newer, undefined);
        if (!newest || newest === candidate) continue;
        this.#drop(candidate, shelf);
        dropped.push(candidate);
        if (candidate.number < newest.number) newest.number = candidate.number;
      }
    }
    return dropped;
  }

  /** True if there is one about the same, which this one or that one will replace. */
  hasSameSubject(record: KnownRecord): boolean {
    return this.#group(record).length > 0;
  }

  /** This record, if it can be replaced, and all others about the same. */
  #group(record: KnownRecord): Kept[] {
    if (isLasting(record)) return [];
    const all: readonly Kept[] = isOf(record, 'event')
      ? (this.dossiers.get(record.body.association)?.events ?? [])
      : this.#shelf(record.header.signer).members;
    return all.filter((other) => isSameSubject(other, record));
  }

  #drop(record: Kept, shelf: Shelf): void {
    this.#byHash.delete(record.hash);
    shelf.count -= 1;
    shelf.bytes -= record.bytes;
    if (shelf.places.remove(record) && !shelf.places.isContested) this.#forkedSigners.delete(record.header.signer);
    if (isOf(record, 'member')) {
      this.members.delete(record);
      shelf.members = shelf.members.filter((other) => other !== record);
    } else if (isOf(record, 'event')) {
      this.dossiers.dropEvent(record);
    }
  }

  #shelf(signer: PeerIdText): Shelf {
    const known = this.#shelves.get(signer);
    if (known) return known;
    const shelf: Shelf = {
      count: 0,
      bytes: 0,
      lastLasting: null,
      lasting: NO_RECORDS,
      members: NO_RECORDS,
      places: new Places(),
      evidence: NONE,
    };
    this.#shelves.set(signer, shelf);
    return shelf;
  }

  /** What the signer has stored; nothing for a stranger. */
  usage(signer: PeerIdText): { readonly count: number; readonly bytes: number } {
    return this.#shelves.get(signer) ?? { count: 0, bytes: 0 };
  }

  signers(): Iterable<PeerIdText> {
    return this.#shelves.keys();
  }

  /** A signer's lasting records, in the order in which they were taken. */
  lastingOf(signer: PeerIdText): readonly Kept[] {
    return this.#shelves.get(signer)?.lasting ?? [];
  }

  /** The signer's lasting record that was taken last: where its chain goes on. */
  lastLasting(signer: PeerIdText): RecordHash | null {
    return this.#shelves.get(signer)?.lastLasting ?? null;
  }

  /** All admissions that name this machine. */
  admissionsOf(peerId: PeerIdText): readonly KeptOf<'admission'>[] {
    return this.#admissionsOf.get(peerId) ?? [];
  }

  /** Events of one signer about one association. */
  eventCount(signer: PeerIdText, association: AssociationId): number {
    const events = this.dossiers.get(association)?.events ?? [];
    return events.reduce((count, { header }) => (header.signer === signer ? count + 1 : count), 0);
  }

  /** The other records in the place of this one. */
  twinsOf(record: Kept): Iterable<Kept> {
    const { signer } = record.header;
    return this.#forkedSigners.has(signer) ? (this.#shelf(signer).places.at(record) as Iterable<Kept>) : [];
  }

  /** The records of each place in which there are two or more. */
  *contested(): Iterable<ReadonlySet<KnownRecord>> {
    for (const signer of this.#forkedSigners) yield* this.#shelf(signer).places.contested();
  }
}

/** What of a set says who belongs to the fleet. */
export interface MembershipRecords {
  readonly byHash: ByHash;
  readonly fleets: readonly KnownOf<'fleet'>[];
  readonly admissions: readonly KnownOf<'admission'>[];
  readonly members: readonly KnownOf<'member'>[];
  readonly revocations: readonly KnownOf<'revocation'>[];
  readonly contested: readonly (readonly KnownRecord[])[];
}

/** As if the records that are out were not in the set. */
export function membershipRecords(set: RecordSet, out: ReadonlySet<RecordHash>): MembershipRecords {
  const within = <T extends KnownRecord>(records: Iterable<T>): T[] =>
    out.size === 0 ? [...records] : [...records].filter(({ hash }) => !out.has(hash));
  return {
    byHash: { get: (hash) => (out.has(hash) ? undefined : set.byHash.get(hash)) },
    fleets: within(set.fleets),
    admissions: within(set.admissions),
    members: within(set.members),
    revocations: within(set.revocations),
    contested: [...set.contested()].map(within).filter((same) => same.length > 1),
  };
}
