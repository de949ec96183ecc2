import { peerIdFromString } from '@libp2p/peer-id';
import { ResettleError } from '../../common/errors.ts';
import { type PeerIdText, type StateId, stateId } from '../../common/ids.ts';
import { digest } from './digest.ts';

const NONCE_BYTES = 32;

/** A new state's id: H("resettle/1 state" ‖ the source's peer id in bytes ‖ 32 random bytes). */
export function newStateId(source: PeerIdText, nonce: Uint8Array): StateId {
  if (nonce.length !== NONCE_BYTES) {
    throw new ResettleError('failed', `a state's nonce has ${NONCE_BYTES} bytes, this one has ${nonce.length}`);
  }
  const peer = peerIdFromString(source).toMultihash().bytes;
  return stateId(digest(Buffer.concat([Buffer.from('resettle/1 state'), peer, nonce])).toString('hex'));
}
