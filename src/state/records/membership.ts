/** Who belongs to the fleet: forks first, then operators, their revocations, then members. A pure function of records. */
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import { type Forks, forksOf } from './forks.ts';
import { compareText } from './hash.ts';
import { fleetIdOf, peerIdOf, publicKeyFrom } from './keys.ts';
import type { KnownOf, KnownRecord } from './known.ts';
import { newer } from './record.ts';
import type { MembershipRecords } from './record-set.ts';
import { Cuts } from './revocations.ts';
import { addStanding, type Standing } from './standing.ts';
import type { FleetBody, Member, MemberStatus, RecordHash, RosterProblem } from './types.ts';

/** A machine that was admitted on a ticket. */
export interface TicketHolder {
  /** When it was admitted, by the admitter's clock. */
  readonly time: number;
  /** Of its admission. */
  readonly hash: RecordHash;
  readonly peer: PeerIdText;
}

export interface Membership {
  readonly fleet: FleetBody | undefined;
  readonly authority: PeerIdText | undefined;
  readonly authorityTime: number;
  readonly standings: ReadonlyMap<PeerIdText, Standing>;
  readonly members: ReadonlyMap<PeerIdText, Member>;
  readonly cuts: Cuts;
  readonly forks: Forks;
  /** Who came in with the tickets of an association. */
  readonly tickets: ReadonlyMap<AssociationId, readonly TicketHolder[]>;
  readonly problems: readonly RosterProblem[];
}

/** The membership that follows from these records; `before`, an earlier one, spares making equal members again. */
export function membershipOf(records: MembershipRecords, before?: Membership): Membership {
  const cuts = new Cuts(records.byHash);
  const forks = forksOf(records.contested, records.byHash);
  const fleets = records.fleets.filter(isFoundedBy);
  const fleet = fleets.reduce<KnownOf<'fleet'> | undefined>(newer, undefined);
  if (!fleet) return nobody(cuts, forks);

  const authority = fleet.header.signer;
  const problems: RosterProblem[] = [];
  const standings = standingsOf({ records, authority, forks, cuts, problems });
  const members = new Map<PeerIdText, Member>();
  for (const peerId of [...standings.keys()].sort(compareText)) {
    const standing = standings.get(peerId)!;
    const status = statusOf(peerId, standing, forks, cuts);
    members.set(peerId, memberOf(peerId, standing, status, before?.members.get(peerId)));
    if (standing.suspended) problems.push({ peerId, message: standing.suspended });
    if (status === 'forked') problems.push({ peerId, message: 'signed two different records in one place' });
  }
  if (forks.signers.has(authority)) {
    problems.push({ peerId: authority, message: 'the authority signed two different records in one place' });
  }
  const bySigner = [records.fleets, records.admissions, records.revocations].flat();
  const times = bySigner.filter(({ header }) => header.signer === authority).map(({ header }) => header.time);
  return {
    fleet: fleet.body,
    authority,
    authorityTime: times.reduce((a, b) => Math.max(a, b), 0),
    standings,
    members,
    cuts,
    forks,
    tickets: ticketsOf(standings),
    problems: sortedOnce(problems),
  };
}

/** True for a record whose authority key gives the fleet id and signed it. */
export function isFoundedBy({ header, body }: KnownOf<'fleet'>): boolean {
  return (
    fleetIdOf(body.authorityKey) === header.fleetId && peerIdOf(publicKeyFrom(body.authorityKey)) === header.signer
  );
}

interface Gathered {
  readonly records: MembershipRecords;
  readonly authority: PeerIdText;
  readonly forks: Forks;
  readonly cuts: Cuts;
  readonly problems: RosterProblem[];
}

function standingsOf({ records, authority, forks, cuts, problems }: Gathered): Map<PeerIdText, Standing> {
  const own = new Map<string, KnownOf<'member'>>();
  for (const record of records.members) {
    const key = `${record.body.peerId}/${record.body.ageRecipient}`;
    own.set(key, newer(own.get(key), record));
  }
  const trusts = (record: KnownRecord): boolean =>
    record.header.signer === authority || (!forks.tainted(record) && cuts.accepts(record));
  const input = {
    authority,
    admissions: records.admissions,
    trusts,
    memberRecord: (peerId: PeerIdText, ageRecipient: string) => own.get(`${peerId}/${ageRecipient}`),
    revokedSince: (peerId: PeerIdText) => cuts.since(peerId),
    problem: (peerId: PeerIdText, message: string) => problems.push({ peerId, message }),
  };
  const standings = new Map<PeerIdText, Standing>();
  for (const record of records.revocations) if (record.header.signer === authority) cuts.revoke(record);
  addStanding(standings, { ...input, role: 'operator' });
  // Only the authority revokes operators, so no operator's revocation changes who is one.
  const operators = new Set([...standings].filter(([, { suspended }]) => !suspended).map(([peerId]) => peerId));
  const byOperators = records.revocations.filter(
    (record) => operators.has(record.header.signer) && !operators.has(record.body.peerId) && trusts(record),
  );
  for (const record of byOperators) cuts.revoke(record);
  addStanding(standings, { ...input, role: 'member' });
  return standings;
}

function statusOf(peerId: PeerIdText, standing: Standing, forks: Forks, cuts: Cuts): MemberStatus {
  if (cuts.since(peerId) !== undefined) return 'revoked';
  if (forks.signers.has(peerId)) return 'forked';
  return standing.suspended ? 'suspended' : 'active';
}

function memberOf(
  peerId: PeerIdText,
  { admission, memberRecord, role }: Standing,
  status: MemberStatus,
  before: Member | undefined,
): Member {
  const { ageRecipient, name, point, addresses, acceptsOperators, machine } = memberRecord.body;
  const same = before?.admissionHash === admission.hash && before.memberRecordHash === memberRecord.hash;
  if (before && same && before.role === role && before.status === status) return before;
  return {
    peerId,
    name,
    ageRecipient,
    role,
    status,
    point,
    addresses,
    acceptsOperators,
    machine,
    admittedBy: admission.header.signer,
    admittedAt: admission.body.admittedAt,
    admissionHash: admission.hash,
    memberRecordHash: memberRecord.hash,
  };
}

function ticketsOf(standings: ReadonlyMap<PeerIdText, Standing>): ReadonlyMap<AssociationId, readonly TicketHolder[]> {
  const tickets = new Map<AssociationId, TicketHolder[]>();
  for (const [peer, { admission, suspended }] of standings) {
    const association = admission.invite?.association;
    if (!association || suspended) continue;
    const holder = { time: admission.body.admittedAt, hash: admission.hash, peer };
    tickets.set(association, [...(tickets.get(association) ?? []), holder]);
  }
  return tickets;
}

function sortedOnce(problems: RosterProblem[]): RosterProblem[] {
  problems.sort((a, b) => compareText(a.peerId, b.peerId) || compareText(a.message, b.message));
  return problems.filter((problem, index) => {
    const before = problems[index - 1];
    return before?.peerId !== problem.peerId || before.message !== problem.message;
  });
}

function nobody(cuts: Cuts, forks: Forks): Membership {
  return {
    fleet: undefined,
    authority: undefined,
    authorityTime: 0,
    standings: new Map(),
    members: new Map(),
    cuts,
    forks,
    tickets: new Map(),
    problems: [],
  };
}

/**
 * The peers whose word may count for more or less in migrations than it did before. Where a fork or a revocation is about,
 * it may depend on each single record.
 */
export function changedPeers(before: Membership, after: Membership): Set<PeerIdText> {
  const changed = new Set<PeerIdText>();
  for (const { cuts, forks } of [before, after]) {
    for (const peer of cuts.peers()) changed.add(peer);
    for (const peer of forks.signers) changed.add(peer);
  }
  for (const peer of new Set([...before.members.keys(), ...after.members.keys()])) {
    if (!isSameWord(before.members.get(peer), after.members.get(peer))) changed.add(peer);
  }
  return changed;
}

function isSameWord(a: Member | undefined, b: Member | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  return (
    a.role === b.role &&
    a.status === b.status &&
    a.acceptsOperators === b.acceptsOperators &&
    a.admissionHash === b.admissionHash
  );
}
