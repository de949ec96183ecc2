/** What a ticket's key signs, so that a share holder releases its share: over the holder's nonce, to one machine. */
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { bytesOfHex } from '../../common/bytes.ts';
import type { AssociationId, PeerIdText, StateId } from '../../common/ids.ts';

const DOMAIN = Buffer.from('resettle/1 share release');

export interface ReleaseTerms {
  /** Of the holder, 32 bytes. */
  readonly nonce: Uint8Array;
  readonly holder: PeerIdText;
  readonly requester: PeerIdText;
  readonly association: AssociationId;
  readonly state: StateId;
}

export async function signRelease(inviteKey: PrivateKey, terms: ReleaseTerms): Promise<Uint8Array> {
  return await inviteKey.sign(releaseBytes(terms));
}

/** `publicKey` is the invite's, as libp2p protobuf, from an admission that was verified. */
export async function isReleaseSigned(
  publicKey: Uint8Array,
  terms: ReleaseTerms,
  signature: Uint8Array,
): Promise<boolean> {
  return await publicKeyFromProtobuf(publicKey).verify(releaseBytes(terms), signature);
}

/** Every part has a fixed length, so the parts cannot be shifted against each other. */
function releaseBytes({ nonce, holder, requester, association, state }: ReleaseTerms): Uint8Array {
  const peerBytes = (peer: PeerIdText): Uint8Array => peerIdFromString(peer).toMultihash().bytes;
  return Buffer.concat([
    DOMAIN,
    nonce,
    peerBytes(holder),
    peerBytes(requester),
    bytesOfHex(association),
    bytesOfHex(state),
  ]);
}
