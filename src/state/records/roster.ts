/** From verified records to a roster: forks, operators, their revocations, members, associations, in this order. */
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import type { ByHash } from './chain.ts';
import { type Forks, findForks } from './forks.ts';
import { compareText } from './hash.ts';
import { fleetIdOf, peerIdOf, publicKeyFrom } from './keys.ts';
import { isNewer, migrationsOf } from './migrations.ts';
import { isOf, type RecordOf } from './record.ts';
import { Cuts } from './revocations.ts';
import { addStanding, type Standing } from './standing.ts';
import type { Member, MemberStatus, Roster, RosterProblem, SignedEvent, StoredRecord } from './types.ts';

/** A roster together with what the log needs to judge further records. */
export interface Evaluation {
  readonly roster: Roster;
  readonly standings: ReadonlyMap<PeerIdText, Standing>;
  readonly cuts: Cuts;
  /** What parties said of each association's migration, the newest of each subject. */
  readonly events: ReadonlyMap<AssociationId, readonly SignedEvent[]>;
}

/** The roster of a set of verified records; those of other fleets count for nothing. */
export function computeRoster(records: Iterable<StoredRecord>, fleetId: FleetId): Roster {
  return evaluate(new Map([...records].map((record) => [record.hash, record])), fleetId).roster;
}

export function evaluate(all: ByHash, fleetId: FleetId | undefined): Evaluation {
  const records: ByHash = new Map([...all].filter(([, { header }]) => header.fleetId === fleetId));
  const list = [...records.values()];
  const fleets = list.filter((record) => isOf(record, 'fleet')).filter((record) => isFoundedBy(record));
  const cuts = new Cuts(records);
  const fleetRecord = fleets.reduce<RecordOf<'fleet'> | undefined>(newer, undefined);
  if (!fleetRecord) return { roster: emptyRoster(fleetId), standings: new Map(), cuts, events: new Map() };

  const authority = fleetRecord.header.signer;
  const forks = findForks(records);
  const problems: RosterProblem[] = [];
  const standings = standingsOf({ list, authority, forks, cuts, problems });
  const members = new Map<PeerIdText, Member>();
  for (const peerId of [...standings.keys()].sort(compareText)) {
    const standing = standings.get(peerId)!;
    const status = statusOf(peerId, standing, forks, cuts);
    members.set(peerId, memberOf(peerId, standing, status));
    if (standing.suspended) problems.push({ peerId, message: standing.suspended });
    if (status === 'forked') problems.push({ peerId, message: 'signed two different records in one place' });
  }
  if (forks.signers.has(authority)) {
    problems.push({ peerId: authority, message: 'the authority signed two different records in one place' });
  }
  problems.sort((a, b) => compareText(a.peerId, b.peerId) || compareText(a.message, b.message));
  const { associations, pastAssociations, events } = migrationsOf(list, {
    members,
    standings,
    trusts: (record) => !forks.tainted(record) && cuts.accepts(record),
  });
  const times = list.filter(({ header }) => header.signer === authority).map(({ header }) => header.time);
  const roster: Roster = {
    fleetId,
    authority,
    fleet: fleetRecord.body,
    authorityTime: times.reduce((a, b) => Math.max(a, b), 0),
    members,
    associations,
    pastAssociations,
    forks: forks.list,
    problems: problems.filter(
      (problem, index) => index === 0 || JSON.stringify(problem) !== JSON.stringify(problems[index - 1]),
    ),
  };
  return { roster, standings, cuts, events };
}

/** True for a record whose authority key gives the fleet id and signed it. */
export function isFoundedBy({ header, body }: RecordOf<'fleet'>): boolean {
  return (
    fleetIdOf(body.authorityKey) === header.fleetId && peerIdOf(publicKeyFrom(body.authorityKey)) === header.signer
  );
}

/** The one of two that counts. */
export function newer<T extends StoredRecord>(a: T | undefined, b: T): T {
  return a && !isNewer(b, a) ? a : b;
}

interface Gathered {
  readonly list: readonly StoredRecord[];
  readonly authority: PeerIdText;
  readonly forks: Forks;
  readonly cuts: Cuts;
  readonly problems: RosterProblem[];
}

function standingsOf({ list, authority, forks, cuts, problems }: Gathered): Map<PeerIdText, Standing> {
  const revocations = list.filter((record) => isOf(record, 'revocation'));
  const own = new Map<string, RecordOf<'member'>>();
  for (const record of list.filter((each) => isOf(each, 'member'))) {
    const key = `${record.body.peerId}/${record.body.ageRecipient}`;
    own.set(key, newer(own.get(key), record));
  }
  const trusts = (record: StoredRecord): boolean =>
    record.header.signer === authority || (!forks.tainted(record) && cuts.accepts(record));
  const input = {
    authority,
    admissions: list.filter((record) => isOf(record, 'admission')),
    trusts,
    memberRecord: (peerId: PeerIdText, ageRecipient: string) => own.get(`${peerId}/${ageRecipient}`),
    revokedSince: (peerId: PeerIdText) => cuts.since(peerId),
    problem: (peerId: PeerIdText, message: string) => problems.push({ peerId, message }),
  };
  const standings = new Map<PeerIdText, Standing>();
  for (const record of revocations) if (record.header.signer === authority) cuts.revoke(record);
  addStanding(standings, { ...input, role: 'operator' });
  // Only the authority revokes operators, so no operator's revocation changes who is one.
  const operators = new Set([...standings].filter(([, { suspended }]) => !suspended).map(([peerId]) => peerId));
  const byOperators = revocations.filter(
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

function memberOf(peerId: PeerIdText, { admission, memberRecord, role }: Standing, status: MemberStatus): Member {
  const { ageRecipient, name, point, addresses, acceptsOperators, machine } = memberRecord.body;
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

function emptyRoster(fleetId: FleetId | undefined): Roster {
  return {
    fleetId,
    authority: undefined,
    fleet: undefined,
    authorityTime: 0,
    members: new Map(),
    associations: new Map(),
    pastAssociations: new Map(),
    forks: [],
    problems: [],
  };
}
