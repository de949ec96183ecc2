/** Joining, from both sides: the request of the new machine, the admission by a member that is online. */
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { isJoinSigned, openInvite, signJoin } from './invite.ts';
import type { KnownOf } from './known.ts';
import { isOf, type RecordOf, verifyRecord } from './record.ts';
import type { RecordLog } from './record-log.ts';
import { compareAdmissions, serialKey } from './standing.ts';
import { badInvite, checkInviteTime, type InviteToken, whyNotIssuer } from './token.ts';
import type { AdmissionBody, Invite, JoinRequest, MemberBody, StoredRecord } from './types.ts';

/** A request for this machine. Its log must belong to the invite's fleet: `checkInvite`, then `log.joinFleet`. */
export async function createJoinRequest(log: RecordLog, token: InviteToken, body: MemberBody): Promise<JoinRequest> {
  const member = await log.seal(body);
  const joinSignature = await signJoin(token.inviteKey, token.invite, body.peerId, body.ageRecipient);
  return { invite: token.envelope, member: member.envelope, joinSignature };
}

export interface AdmitContext {
  /** Who sent the request, as its connection was authenticated. */
  readonly remote: PeerIdText;
  /** Milliseconds since 1970 by this machine's clock. */
  readonly now: number;
}

/** A request whose signatures have been verified. */
interface CheckedJoin {
  readonly invite: Invite;
  readonly member: RecordOf<'member'>;
  readonly request: JoinRequest;
}

/**
 * Admits: checks, signs and stores the admission, then stores the member record. A request that comes again from the same
 * machine gets the admission that it has. Throws `bad-invite`, and `refused` where the request is not the sender's own.
 */
export async function admitAndStore(
  log: RecordLog,
  request: JoinRequest,
  context: AdmitContext,
): Promise<StoredRecord> {
  const checked = await checkJoin(request, context.remote);
  const admission = await log.append(() => {
    const before = admissionsOn(log, checked.invite).find(({ body }) => isSame(body, checked));
    return (before && log.record(before.hash)) ?? admissionOf(log, checked, context);
  });
  await log.insert([request.member]);
  return admission;
}

async function checkJoin(request: JoinRequest, remote: PeerIdText): Promise<CheckedJoin> {
  const invite = await openInvite(request.invite);
  const member = await verifyRecord(request.member);
  if (!isOf(member, 'member')) throw notTheirs('it does not hold a member record');
  if (member.body.peerId !== remote) throw notTheirs('its member record is of another machine');
  if (member.header.fleetId !== invite.fleetId) throw notTheirs('its member record is of another fleet');
  const { peerId, ageRecipient } = member.body;
  if (!(await isJoinSigned(invite, peerId, ageRecipient, request.joinSignature))) {
    throw badInvite('the request is not signed with its key');
  }
  return { invite, member, request };
}

function admissionOf(log: RecordLog, { invite, member, request }: CheckedJoin, context: AdmitContext): AdmissionBody {
  const roster = log.roster();
  if (invite.fleetId !== roster.fleetId) throw badInvite('it is for another fleet');
  const reason = whyNotIssuer(invite.issuer, invite.role, roster);
  if (reason) throw badInvite(`it is not signed by somebody who may invite: ${reason}`);
  checkInviteTime(invite, context.now, roster.authorityTime);
  const { peerId, ageRecipient } = member.body;
  const known = roster.members.get(peerId);
  if (known?.status === 'revoked') throw notTheirs('this machine was revoked; it needs a new identity');
  if (known && known.ageRecipient !== ageRecipient) throw notTheirs('this machine was admitted with other keys');
  const admitter = roster.members.get(log.self);
  const needsOperator = invite.role === 'operator' || invite.association !== null;
  if (admitter?.status !== 'active' || (needsOperator && admitter.role !== 'operator')) {
    const whom = invite.association === null ? `an ${invite.role}` : 'a machine with a ticket';
    throw new ResettleError('refused', `this machine may not admit ${whom}`, {
      hint: 'join by way of an operator that is online',
    });
  }
  checkTicket(invite, log);
  const users = new Set(admissionsOn(log, invite).map(({ body }) => body.peerId));
  if (!users.has(peerId) && users.size >= invite.uses) throw badInvite(`it was used up (${invite.uses} in all)`);
  return {
    type: 'admission',
    peerId,
    ageRecipient,
    role: invite.role,
    invite: request.invite,
    admittedAt: Math.max(context.now, roster.authorityTime),
    joinSignature: request.joinSignature,
  };
}

function admissionsOn(log: RecordLog, invite: Invite): KnownOf<'admission'>[] {
  const key = serialKey(invite);
  return log
    .admissions()
    .filter((record) => record.invite && serialKey(record.invite) === key)
    .sort(compareAdmissions);
}

/** A ticket is for one association in place; whoever does not know it yet leaves the newcomer to somebody who does. */
function checkTicket(invite: Invite, log: RecordLog): void {
  if (invite.association === null) return;
  const association = log.association(invite.association);
  if (!association) {
    throw new ResettleError('refused', 'the association of this ticket is not known here yet', {
      hint: 'wait until the records have spread, or join by way of the operator that made the ticket',
    });
  }
  if (association.body.mode !== 'in-place') throw badInvite('its association is not one in place');
}

function isSame(body: Pick<AdmissionBody, 'peerId' | 'ageRecipient'>, { member }: CheckedJoin): boolean {
  return body.peerId === member.body.peerId && body.ageRecipient === member.body.ageRecipient;
}

function notTheirs(what: string): ResettleError {
  return new ResettleError('refused', `the join request is refused: ${what}`, {
    hint: 'let the machine that holds the invite ask for itself, with the keys it will keep',
  });
}
