/**
 * Who belongs to the fleet: outward from the authority, always the earliest admission (admittedAt, then hash) among those
 * whose signer stands already. What has been decided is not decided again, so a late signer with an early date takes
 * nobody's place, and the answer depends on the set of records alone.
 */
import type { PeerIdText } from '../../common/ids.ts';
import { compareText } from './hash.ts';
import type { KnownOf, KnownRecord } from './known.ts';
import type { Invite, Role } from './types.ts';

/** A place in the fleet; a suspended one counts for nothing until a person settles it. */
export interface Standing {
  readonly admission: KnownOf<'admission'>;
  readonly memberRecord: KnownOf<'member'>;
  readonly role: Role;
  /** Why it is suspended, for people. */
  readonly suspended: string | undefined;
}

export interface StandingInput {
  readonly authority: PeerIdText;
  readonly role: Role;
  readonly admissions: readonly KnownOf<'admission'>[];
  /** False for what a signer wrote after a fork or a revocation. */
  trusts(record: KnownRecord): boolean;
  /** The newest record that this peer signed with this age recipient. */
  memberRecord(peerId: PeerIdText, ageRecipient: string): KnownOf<'member'> | undefined;
  revokedSince(peerId: PeerIdText): number | undefined;
  problem(peerId: PeerIdText, message: string): void;
}

/** Adds those whom admissions of one role give a place to. Operators must be there before members are added. */
export function addStanding(standings: Map<PeerIdText, Standing>, input: StandingInput): void {
  const bySigner = Map.groupBy(
    input.admissions.filter((admission) => admission.body.role === input.role && input.trusts(admission)),
    (admission) => admission.header.signer,
  );
  const queue = new Queue();
  const open = (signer: PeerIdText): void => {
    for (const admission of bySigner.get(signer) ?? []) queue.add(admission);
    bySigner.delete(signer);
  };
  open(input.authority);
  for (const [peerId, standing] of standings) if (!standing.suspended) open(peerId);
  const spent = new Map<string, Set<PeerIdText>>();
  for (let admission = queue.take(); admission; admission = queue.take()) {
    const { peerId } = admission.body;
    const standing = decide(admission, standings, spent, input);
    if (!standing) continue;
    standings.set(peerId, standing);
    if (!standing.suspended) open(peerId);
  }
}

function decide(
  admission: KnownOf<'admission'>,
  standings: ReadonlyMap<PeerIdText, Standing>,
  spent: Map<string, Set<PeerIdText>>,
  input: StandingInput,
): Standing | undefined {
  const { peerId, ageRecipient, role } = admission.body;
  const memberRecord = input.memberRecord(peerId, ageRecipient);
  // Nobody gets a place, or uses an invite up, with a recipient that he did not sign himself.
  if (!memberRecord || !mayAdmit(admission, standings, input.authority)) return undefined;
  const before = standings.get(peerId);
  if (before && before.admission.body.ageRecipient !== ageRecipient) {
    input.problem(peerId, 'was admitted again with another age recipient; the first one counts');
    return undefined;
  }
  const suspended = whySuspended(admission, spent, input);
  if (before && (!before.suspended || suspended)) return undefined;
  return { admission, memberRecord, role, suspended };
}

/** Whether the roles allow it: operators, and machines with a ticket, are admitted by operators only. */
function mayAdmit(
  { header, body, invite }: KnownOf<'admission'>,
  standings: ReadonlyMap<PeerIdText, Standing>,
  authority: PeerIdText,
): boolean {
  const isOperator = (peerId: PeerIdText): boolean => {
    const standing = standings.get(peerId);
    return standing?.role === 'operator' && !standing.suspended;
  };
  if (!invite) return header.signer === authority;
  const byOperator = header.signer === authority || isOperator(header.signer);
  if (body.role === 'operator') return invite.issuer === authority && byOperator;
  if (invite.association !== null && !byOperator) return false;
  return invite.issuer === authority || isOperator(invite.issuer);
}

function whySuspended(
  { body, invite }: KnownOf<'admission'>,
  spent: Map<string, Set<PeerIdText>>,
  input: StandingInput,
): string | undefined {
  if (!invite) return undefined;
  const revokedSince = input.revokedSince(invite.issuer);
  if (revokedSince !== undefined && body.admittedAt > revokedSince) {
    return 'was admitted on an invite whose issuer had been revoked';
  }
  const key = serialKey(invite);
  const users = spent.get(key) ?? new Set();
  spent.set(key, users);
  if (!users.has(body.peerId) && users.size >= invite.uses) {
    return `was admitted on an invite that others had used up (${invite.uses} in all)`;
  }
  users.add(body.peerId);
  return undefined;
}

/** Serials are counted per issuer, so that nobody can spend another's. */
export function serialKey(invite: Pick<Invite, 'issuer' | 'serial'>): string {
  return `${invite.issuer}/${invite.serial}`;
}

/** The order in which admissions of one serial count. */
export function compareAdmissions(a: KnownOf<'admission'>, b: KnownOf<'admission'>): number {
  return a.body.admittedAt - b.body.admittedAt || compareText(a.hash, b.hash);
}

/** Sorted insertion: almost all come in order, so almost all are put at the end. */
class Queue {
  readonly #items: KnownOf<'admission'>[] = [];
  #next = 0;

  add(admission: KnownOf<'admission'>): void {
    let low = this.#next;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAdmissions(this.#items[middle]!, admission) < 0) low = middle + 1;
      else high = middle;
    }
    this.#items.splice(low, 0, admission);
  }

  take(): KnownOf<'admission'> | undefined {
    return this.#items[this.#next++];
  }
}
