/** Associations, who their destinations are, and what parties said of their migrations: from records whose signers stand. */
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import { compareText } from './hash.ts';
import { isOf, type RecordOf, subjectOf } from './record.ts';
import type { Standing } from './standing.ts';
import type {
  Association,
  AssociationBody,
  EventBody,
  Member,
  RecordHash,
  Roster,
  SignedEvent,
  StoredRecord,
} from './types.ts';

export interface MigrationInput {
  readonly members: ReadonlyMap<PeerIdText, Member>;
  readonly standings: ReadonlyMap<PeerIdText, Standing>;
  /** False for what a signer wrote after a fork or a revocation. */
  trusts(record: StoredRecord): boolean;
}

type Found = Pick<Roster, 'associations' | 'pastAssociations'> & {
  readonly events: ReadonlyMap<AssociationId, readonly SignedEvent[]>;
};

export function migrationsOf(list: readonly StoredRecord[], input: MigrationInput): Found {
  const { members, trusts } = input;
  const associations = new Map<AssociationId, Association>();
  const pastAssociations = new Map<AssociationId, Association>();
  const named = destinationsOf(list, input);
  const endings = Map.groupBy(
    list.filter((record) => isOf(record, 'ending')).filter(trusts),
    ({ body }) => body.association,
  );
  const records = list.filter((record) => isOf(record, 'association')).filter(trusts);
  for (const { hash, header, body } of records.sort((a, b) => compareText(a.hash, b.hash))) {
    const source = members.get(body.source);
    if (!source || !maySignFor(header.signer, source, members)) continue;
    const id = associationIdOf(hash);
    const association: Association = {
      id,
      signer: header.signer,
      body,
      createdAt: header.time,
      destination: body.destination ?? named(id, body, source),
      ended: (endings.get(id) ?? []).some((ending) => maySignFor(ending.header.signer, source, members)),
    };
    if (source.status === 'active') associations.set(id, association);
    else if (source.status === 'revoked') pastAssociations.set(id, association);
  }
  const find = (id: AssociationId): Association | undefined => associations.get(id) ?? pastAssociations.get(id);
  return { associations, pastAssociations, events: eventsOf(list, find) };
}

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
export function whyNotToSay(signer: PeerIdText, { step }: EventBody, association: Association): string | undefined {
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

/** Of associations that left it open: the first naming counts, or in place the first who joined with a ticket. */
function destinationsOf(list: readonly StoredRecord[], { members, standings, trusts }: MigrationInput) {
  const namings = Map.groupBy(
    list.filter((record) => isOf(record, 'naming')).filter(trusts),
    ({ body }) => body.association,
  );
  const tickets = new Map<AssociationId, { time: number; hash: RecordHash; peer: PeerIdText }[]>();
  for (const [peer, { admission, suspended }] of standings) {
    const association = admission.invite?.association;
    if (!association || suspended) continue;
    const entry = { time: admission.body.admittedAt, hash: admission.hash, peer };
    tickets.set(association, [...(tickets.get(association) ?? []), entry]);
  }
  return (id: AssociationId, body: AssociationBody, source: Member): PeerIdText | undefined => {
    const candidates = (namings.get(id) ?? [])
      .filter((naming) => maySignFor(naming.header.signer, source, members))
      .filter((naming) => naming.body.destination !== body.source)
      .map(({ header, hash, body: { destination } }) => ({ time: header.time, hash, peer: destination }));
    if (body.mode === 'in-place') candidates.push(...(tickets.get(id) ?? []));
    candidates.sort((a, b) => a.time - b.time || compareText(a.hash, b.hash));
    return candidates[0]?.peer;
  };
}

/** Of each subject the newest one. */
function eventsOf(
  list: readonly StoredRecord[],
  find: (id: AssociationId) => Association | undefined,
): ReadonlyMap<AssociationId, readonly SignedEvent[]> {
  const newest = new Map<string, RecordOf<'event'>>();
  for (const record of list) {
    if (!isOf(record, 'event')) continue;
    const association = find(record.body.association);
    if (!association || whyNotToSay(record.header.signer, record.body, association)) continue;
    const subject = subjectOf(record)!;
    const before = newest.get(subject);
    if (!before || isNewer(record, before)) newest.set(subject, record);
  }
  const events = new Map<AssociationId, SignedEvent[]>();
  for (const [, { header, body }] of [...newest].sort(([a], [b]) => compareText(a, b))) {
    const event: SignedEvent = { signer: header.signer, time: header.time, body };
    const same = events.get(body.association);
    if (same) same.push(event);
    else events.set(body.association, [event]);
  }
  return events;
}

/** The highest (time, sequence, hash) counts. */
export function isNewer(a: StoredRecord, b: StoredRecord): boolean {
  const order = a.header.time - b.header.time || a.header.sequence - b.header.sequence || compareText(a.hash, b.hash);
  return order > 0;
}
