/** Whether a log has room for a record: only those who have a place in the fleet may add to it. */
import { RECORD_BYTES_PER_SIGNER_MAX, RECORDS_PER_SIGNER_MAX } from '../../common/limits.ts';
import { alongChain, type ByHash } from './chain.ts';
import { whyNotToSay } from './migrations.ts';
import { isLasting, isOf, type RecordOf } from './record.ts';
import { RecordSet } from './record-set.ts';
import { type Evaluation, evaluate, isFoundedBy } from './roster.ts';
import type { StoredRecord } from './types.ts';

/** Why a record may not be stored now, or undefined. Later, when more is known, the answer may differ. */
export function whyNoPlace(record: StoredRecord, evaluation: Evaluation, set: RecordSet): string | undefined {
  const { header } = record;
  if (header.fleetId !== evaluation.roster.fleetId) return 'it is of another fleet';
  if (isOf(record, 'fleet')) return isFoundedBy(record) ? undefined : "it is not signed by the fleet's authority";
  const { authority } = evaluation.roster;
  if (isOf(record, 'admission')) {
    const reason = whyNoIssuer(record, evaluation);
    if (reason) return reason;
  }
  if (header.signer === authority) {
    const may = isOf(record, 'admission') || isOf(record, 'revocation');
    return may ? undefined : `the authority does not sign ${record.body.type} records`;
  }
  if (isOf(record, 'member')) {
    const { peerId, ageRecipient } = record.body;
    return set.isAdmitted(peerId, ageRecipient) ? undefined : 'nobody admitted this machine with this age recipient';
  }
  if (isOf(record, 'event')) return whyNoEvent(record, evaluation);
  const standing = evaluation.standings.get(header.signer);
  if (!standing) return 'its signer is not a member';
  if (standing.suspended) return 'its signer is suspended';
  if (evaluation.cuts.excludes(record)) return 'its signer was revoked before it';
  if (isOf(record, 'revocation') && standing.role !== 'operator') return 'its signer is not an operator';
  return undefined;
}

/** Events stand outside the chain, so what a revoked machine says of itself stays; it grants nothing. */
function whyNoEvent({ header, body }: RecordOf<'event'>, { roster, standings }: Evaluation): string | undefined {
  const standing = standings.get(header.signer);
  if (!standing) return 'its signer is not a member';
  if (standing.suspended) return 'its signer is suspended';
  const association = roster.associations.get(body.association) ?? roster.pastAssociations.get(body.association);
  return association ? whyNotToSay(header.signer, body, association) : 'its association is not known';
}

/** Why a signer may not have another record stored, or undefined. */
export function whyNoRoom(record: StoredRecord, set: RecordSet): string | undefined {
  const { count, bytes } = set.usage(record.header.signer);
  if (count >= RECORDS_PER_SIGNER_MAX) return `its signer has ${count} records stored already`;
  if (bytes + record.envelope.length > RECORD_BYTES_PER_SIGNER_MAX) return 'its signer has too many bytes stored';
  return undefined;
}

/**
 * The records that may be passed on: those that a log with nothing but them would take, so that equal rosters have equal
 * digests, and each with its whole chain, so that a digest can say how far a signer is known.
 */
export function relayable(all: RecordSet, allEvaluated: Evaluation): ByHash {
  let set = all;
  let evaluation = allEvaluated;
  for (;;) {
    const afterGap = alongChain(set.byHash, (_, previousMissing) => previousMissing);
    const kept = [...set.byHash.values()].filter(
      (record) => !(isLasting(record) && afterGap(record)) && !whyNoPlace(record, evaluation, set),
    );
    if (kept.length === set.byHash.size) return set.byHash;
    set = new RecordSet();
    for (const record of kept) set.add(record);
    evaluation = evaluate(set.byHash, allEvaluated.roster.fleetId);
  }
}

function whyNoIssuer(record: RecordOf<'admission'>, { roster, standings }: Evaluation): string | undefined {
  const { invite, header, body } = record;
  const isOperator = (peerId: typeof header.signer): boolean => standings.get(peerId)?.role === 'operator';
  if (!invite) return header.signer === roster.authority ? undefined : 'it has no invite';
  if (invite.issuer === roster.authority) {
    const may = body.role === 'member' || header.signer === roster.authority || isOperator(header.signer);
    return may ? undefined : 'only an operator admits an operator';
  }
  if (body.role === 'operator') return 'an invite for an operator comes from the authority only';
  return isOperator(invite.issuer) ? undefined : 'its invite was not issued by an operator';
}
