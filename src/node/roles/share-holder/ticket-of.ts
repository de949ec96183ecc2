import type { PeerIdText } from '../../../common/ids.ts';
import { type Association, type Invite, type Member, readRecord } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';

/** The association that shares may be about: it counts, or did until its source was revoked. */
export function findAssociation(fleet: Pick<FleetView, 'roster'>, id: string): Association | undefined {
  const { associations, pastAssociations } = fleet.roster();
  return associations.get(id as Association['id']) ?? pastAssociations.get(id as Association['id']);
}

/** The ticket that a member was admitted on, if it is one of this association. From this machine's own records. */
export function ticketOf(
  fleet: Pick<FleetView, 'envelopeOf'>,
  member: Member,
  association: Association,
): Invite | undefined {
  const envelope = fleet.envelopeOf(member.admissionHash);
  const invite = envelope && readRecord(envelope).invite;
  return invite?.association === association.id ? invite : undefined;
}

/** The members that said that they keep, or kept, a share of this state. */
export function shareHoldersOf(
  fleet: Pick<FleetView, 'events'>,
  association: Association['id'],
  state: string,
): Map<PeerIdText, { readonly proof: string | null; readonly releasedTo: PeerIdText | undefined }> {
  const holders = new Map<PeerIdText, { proof: string | null; releasedTo: PeerIdText | undefined }>();
  for (const { signer, body } of fleet.events(association)) {
    if (body.step !== 'share' || body.state !== state) continue;
    holders.set(signer, { proof: body.proof, releasedTo: body.phase === 'released' ? body.peers[0] : undefined });
  }
  return holders;
}
