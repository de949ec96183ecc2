/** Whether a log has room for a record: only those who have a place in the fleet may add to it. */
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import {
  EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX,
  RECORD_BYTES_PER_SIGNER_MAX,
  RECORDS_PER_SIGNER_MAX,
} from '../../common/limits.ts';
import type { KnownOf, KnownRecord } from './known.ts';
import { isFoundedBy, type Membership } from './membership.ts';
import { whyNotToSay } from './migrations.ts';
import { isOf } from './record.ts';
import type { RecordSet } from './record-set.ts';
import type { Association } from './types.ts';

/** What a record's place is judged by. */
export interface Surroundings {
  readonly fleetId: FleetId | undefined;
  readonly membership: Membership;
  association(id: AssociationId): Association | undefined;
  /** True if some admission binds this peer id to this age recipient. */
  isAdmitted(peerId: PeerIdText, ageRecipient: string): boolean;
}

/** Why a record may not be stored now, or undefined. Later, when more is known, the answer may differ. */
export function whyNoPlace(record: KnownRecord, around: Surroundings): string | undefined {
  const { header } = record;
  const { membership } = around;
  if (header.fleetId !== around.fleetId) return 'it is of another fleet';
  if (isOf(record, 'fleet')) return isFoundedBy(record) ? undefined : "it is not signed by the fleet's authority";
  if (isOf(record, 'admission')) {
    const reason = whyNoIssuer(record, membership);
    if (reason) return reason;
  }
  if (header.signer === membership.authority) {
    const may = isOf(record, 'admission') || isOf(record, 'revocation');
    return may ? undefined : `the authority does not sign ${record.body.type} records`;
  }
  if (isOf(record, 'member')) {
    const { peerId, ageRecipient } = record.body;
    return around.isAdmitted(peerId, ageRecipient) ? undefined : 'nobody admitted this machine with this age recipient';
  }
  const standing = membership.standings.get(header.signer);
  if (!standing) return 'its signer is not a member';
  if (standing.suspended) return 'its signer is suspended';
  if (isOf(record, 'event')) return whyNoEvent(record, around);
  if (membership.cuts.excludes(record)) return 'its signer was revoked before it';
  if (isOf(record, 'revocation') && standing.role !== 'operator') return 'its signer is not an operator';
  return undefined;
}

/** Events stand outside the chain, so what a revoked machine says of itself stays; it grants nothing. */
function whyNoEvent({ header, body }: KnownOf<'event'>, around: Surroundings): string | undefined {
  const association = around.association(body.association);
  return association ? whyNotToSay(header.signer, body, association) : 'its association is not known';
}

/** Why a signer may not have another record stored, or undefined. */
export function whyNoRoom(record: KnownRecord, bytes: number, set: RecordSet): string | undefined {
  const { signer } = record.header;
  // Whoever is at his limit may still say how what he said before has gone on.
  if (set.hasSameSubject(record)) return undefined;
  const usage = set.usage(signer);
  if (usage.count >= RECORDS_PER_SIGNER_MAX) return `its signer has ${usage.count} records stored already`;
  if (usage.bytes + bytes > RECORD_BYTES_PER_SIGNER_MAX) return 'its signer has too many bytes stored';
  if (!isOf(record, 'event')) return undefined;
  const isFull = set.eventCount(signer, record.body.association) >= EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX;
  return isFull ? 'its signer has too many events of this association stored' : undefined;
}

/** Whether the signer of an admission, and of its invite, may let this machine in. */
function whyNoIssuer(record: KnownOf<'admission'>, { authority, standings }: Membership): string | undefined {
  const { invite, header, body } = record;
  const isOperator = (peerId: typeof header.signer): boolean => standings.get(peerId)?.role === 'operator';
  const byOperator = header.signer === authority || isOperator(header.signer);
  if (!invite) return header.signer === authority ? undefined : 'it has no invite';
  if (body.role === 'operator' && !byOperator) return 'only an operator admits an operator';
  if (invite.association !== null && !byOperator) return 'only an operator admits a machine with a ticket';
  if (invite.issuer === authority) return undefined;
  if (body.role === 'operator') return 'an invite for an operator comes from the authority only';
  return isOperator(invite.issuer) ? undefined : 'its invite was not issued by an operator';
}
