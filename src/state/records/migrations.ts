/**
 * Associations, who their destinations are, and whose words about them count: for each migration on its own, from records
 * whose signers stand.
 */
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import type { Dossier, Dossiers } from './dossiers.ts';
import { compareText } from './hash.ts';
import type { EventSubject, KeptOf, KnownOf, KnownRecord } from './known.ts';
import { changedPeers, type Membership } from './membership.ts';
import { isSameSubject, newer } from './record.ts';
import type { Association, Member, RecordHash, Roster } from './types.ts';

/** An association is named by its record's hash. */
export function associationIdOf(hash: RecordHash): AssociationId {
  return hash as string as AssociationId;
}

/** The source itself, or an operator where the source consented; what a revoked operator signed before stays. */
export function maySignFor(
  signer: PeerIdText,
  source: Member,
  members: ReadonlyMap<PeerIdText, Pick<Member, 'role' | 'status'>>,
): boolean {
  if (signer === source.peerId) return true;
  const operator = members.get(signer);
  if (operator?.role !== 'operator' || !source.acceptsOperators) return false;
  return operator.status === 'active' || operator.status === 'revoked';
}

/** Why a party may not say this of a migration, or undefined. */
export function whyNotToSay(
  signer: PeerIdText,
  { step }: Pick<EventSubject, 'step'>,
  association: Association,
): string | undefined {
  const { source } = association.body;
  switch (step) {
    case 'activity':
    case 'commit':
      return signer === source ? undefined : 'only the source says this';
    case 'trial':
    case 'restore':
      return signer === association.destination ? undefined : 'only the destination says this';
    default:
      return signer === source ? 'the source does not hold its own state' : undefined;
  }
}

/** The associations that count under a membership, kept up to date dossier by dossier. */
export class Migrations {
  readonly #dossiers: Dossiers;
  readonly #isOut: (record: KnownRecord) => boolean;
  #membership: Membership;
  #current = new Map<AssociationId, Association>();
  #past = new Map<AssociationId, Association>();
  /** True once the maps were given out: then they are copied before they change. */
  #isGiven = false;
  /** Grows whenever one of the maps changes. */
  version = 0;

  /** `isOut` tells the records that are to be left aside. */
  constructor(dossiers: Dossiers, membership: Membership, isOut: (record: KnownRecord) => boolean) {
    this.#dossiers = dossiers;
    this.#membership = membership;
    this.#isOut = isOut;
    for (const dossier of dossiers.all()) this.judge(dossier);
  }

  get(id: AssociationId): Association | undefined {
    return this.#current.get(id) ?? this.#past.get(id);
  }

  /** Those of sources that are active, and of those that were revoked later. What was given out never changes. */
  snapshot(): Pick<Roster, 'associations' | 'pastAssociations'> {
    this.#isGiven = true;
    return { associations: this.#current, pastAssociations: this.#past };
  }

  /** Judges anew what the change of membership touches, and returns it. */
  update(membership: Membership, more: ReadonlySet<AssociationId> = new Set()): Dossier[] {
    const changed = changedPeers(this.#membership, membership);
    const named = new Set(more);
    for (const { tickets } of [this.#membership, membership]) {
      for (const [id, holders] of tickets) if (holders.some(({ peer }) => changed.has(peer))) named.add(id);
    }
    this.#membership = membership;
    if (changed.size === 0 && named.size === 0) return [];
    const touched = [...this.#dossiers.all()].filter((dossier) => named.has(dossier.id) || concerns(dossier, changed));
    for (const dossier of touched) this.judge(dossier);
    return touched;
  }

  /** Judges one anew: something was added to it. */
  judge(dossier: Dossier): void {
    const { id } = dossier;
    const before = this.get(id);
    const found = this.#associationOf(dossier);
    const isPast = found !== undefined && this.#membership.members.get(found.body.source)?.status === 'revoked';
    if (!before && !found) return;
    if (before && found && isSame(before, found) && (isPast ? this.#past : this.#current).has(id)) return;
    this.#own();
    this.#current.delete(id);
    this.#past.delete(id);
    if (found) (isPast ? this.#past : this.#current).set(id, found);
    this.version += 1;
  }

  #own(): void {
    if (!this.#isGiven) return;
    this.#isGiven = false;
    this.#current = new Map(this.#current);
    this.#past = new Map(this.#past);
  }

  /** Of each subject the newest event, if its signer has a place in the fleet and may say it. */
  countingEvents({ id, events }: Dossier): KeptOf<'event'>[] {
    const association = this.get(id);
    if (!association) return [];
    const newest: KeptOf<'event'>[] = [];
    for (const record of events) {
      if (this.#isOut(record) || this.#membership.forks.tainted(record)) continue;
      // A revocation may have taken away who admitted him; other logs would not take his words then.
      const standing = this.#membership.standings.get(record.header.signer);
      if (!standing || standing.suspended) continue;
      if (whyNotToSay(record.header.signer, record.body, association)) continue;
      const index = newest.findIndex((other) => isSameSubject(other, record));
      if (index < 0) newest.push(record);
      else newest[index] = newer(newest[index], record);
    }
    return newest.sort(compareSubjects);
  }

  #associationOf({ id, association: record, namings, endings }: Dossier): Association | undefined {
    const { members } = this.#membership;
    if (!record || !this.#counts(record)) return undefined;
    const { header, body } = record;
    const source = members.get(body.source);
    if (!source || (source.status !== 'active' && source.status !== 'revoked')) return undefined;
    if (!maySignFor(header.signer, source, members)) return undefined;
    const byParties = <T extends KnownRecord>(records: readonly T[]): T[] =>
      records.filter((each) => this.#counts(each) && maySignFor(each.header.signer, source, members));
    return {
      id,
      signer: header.signer,
      body,
      createdAt: header.time,
      destination: body.destination ?? this.#named(id, record, byParties(namings)),
      ended: byParties(endings).length > 0,
    };
  }

  /** Where it was left open: the first naming counts, or in place the first who joined with a ticket. */
  #named(
    id: AssociationId,
    { body }: KnownOf<'association'>,
    namings: readonly KnownOf<'naming'>[],
  ): PeerIdText | undefined {
    const candidates = namings
      .filter((naming) => naming.body.destination !== body.source)
      .map(({ header, hash, body: { destination } }) => ({ time: header.time, hash, peer: destination }));
    if (body.mode === 'in-place') candidates.push(...(this.#membership.tickets.get(id) ?? []));
    candidates.sort((a, b) => a.time - b.time || compareText(a.hash, b.hash));
    return candidates[0]?.peer;
  }

  #counts(record: KnownRecord): boolean {
    const { forks, cuts } = this.#membership;
    return !this.#isOut(record) && !forks.tainted(record) && cuts.accepts(record);
  }
}

function concerns({ association, namings, endings, events }: Dossier, peers: ReadonlySet<PeerIdText>): boolean {
  if (association && (peers.has(association.header.signer) || peers.has(association.body.source))) return true;
  return [namings, endings, events].some((list) => list.some(({ header }) => peers.has(header.signer)));
}

function isSame(a: Association, b: Association): boolean {
  return a.body === b.body && a.destination === b.destination && a.ended === b.ended;
}

function compareSubjects(a: KnownOf<'event'>, b: KnownOf<'event'>): number {
  return (
    compareText(a.header.signer, b.header.signer) ||
    compareText(a.body.step, b.body.step) ||
    compareText(a.body.state ?? '', b.body.state ?? '')
  );
}
