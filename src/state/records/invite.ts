/** The invite itself: an envelope that the authority or an operator signs, and what the holder of its key signs to join. */
import type { PrivateKey } from '@libp2p/interface';
import { bytesOfHex } from '../../common/bytes.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { INVITE_MAX_MS, INVITE_USES_MAX, RECORD_MAX_BYTES } from '../../common/limits.ts';
import { INVITE_ENVELOPE, type OpenedEnvelope, openEnvelope, readEnvelope, sealEnvelope } from './envelope.ts';
import { decodeStrict, encodeStrict, hex, integer, malformed, mapOf, nullable, timeMs } from './fields.ts';
import { peerIdBytes, publicKeyFrom } from './keys.ts';
import { associationHash, fleet, publicKey, role } from './payload.ts';
import type { Invite } from './types.ts';

const JOIN_DOMAIN = Buffer.from('resettle/1 join');

const payload = mapOf({
  version: integer(1, 1),
  fleetId: fleet,
  serial: hex(16),
  publicKey,
  role,
  uses: integer(1, INVITE_USES_MAX),
  issuedAt: timeMs,
  expiresAt: timeMs,
  association: nullable(associationHash),
});

/** Throws `refused` for a life longer than INVITE_MAX_MS or other values out of their limits. */
export async function signInvite(invite: Omit<Invite, 'issuer'>, issuerKey: PrivateKey): Promise<Uint8Array> {
  checkLife(invite);
  return await sealEnvelope(INVITE_ENVELOPE, encodeStrict(payload, { ...invite, version: 1 }), issuerKey);
}

/** Verifies the signature; whether the issuer may invite is for the roster to say. Throws `refused`. */
export async function openInvite(envelope: Uint8Array): Promise<Invite> {
  return decode(await openEnvelope(INVITE_ENVELOPE, envelope));
}

/** Reads an invite that was verified before. */
export function readInvite(envelope: Uint8Array): Invite {
  return decode(readEnvelope(INVITE_ENVELOPE, envelope));
}

function decode(opened: OpenedEnvelope): Invite {
  const { version: _, ...invite } = decodeStrict(payload, opened.payload, 'the invite', RECORD_MAX_BYTES);
  publicKeyFrom(invite.publicKey);
  checkLife(invite);
  if (invite.association !== null && (invite.uses !== 1 || invite.role !== 'member')) {
    throw malformed('a ticket lets one member in');
  }
  return { ...invite, issuer: opened.signer };
}

function checkLife(invite: Pick<Invite, 'issuedAt' | 'expiresAt'>): void {
  const lifeMs = invite.expiresAt - invite.issuedAt;
  if (lifeMs <= 0 || lifeMs > INVITE_MAX_MS) throw malformed('the invite does not end within 90 days of its beginning');
}

type JoinTerms = Pick<Invite, 'fleetId' | 'serial'>;

/** Proves that the holder of the invite's key gives this place to this peer id and recipient. */
export async function signJoin(
  inviteKey: PrivateKey,
  terms: JoinTerms,
  peerId: PeerIdText,
  ageRecipient: string,
): Promise<Uint8Array> {
  return await inviteKey.sign(joinBytes(terms, peerId, ageRecipient));
}

export async function isJoinSigned(
  invite: Invite,
  peerId: PeerIdText,
  ageRecipient: string,
  signature: Uint8Array,
): Promise<boolean> {
  return await publicKeyFrom(invite.publicKey).verify(joinBytes(invite, peerId, ageRecipient), signature);
}

/** Every part has a fixed length, so the parts cannot be shifted against each other. */
function joinBytes(terms: JoinTerms, peerId: PeerIdText, ageRecipient: string): Uint8Array {
  return Buffer.concat([
    JOIN_DOMAIN,
    bytesOfHex(terms.fleetId),
    peerIdBytes(peerId),
    Buffer.from(ageRecipient),
    bytesOfHex(terms.serial),
  ]);
}
