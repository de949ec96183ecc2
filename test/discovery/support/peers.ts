import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { type PeerIdText, peerIdText } from '../../../src/common/ids.ts';

/** Fresh peer ids. */
export async function makePeerIds(count: number): Promise<PeerIdText[]> {
  const keys = await Promise.all(Array.from({ length: count }, () => generateKeyPair('Ed25519')));
  return keys.map((key) => peerIdText(peerIdFromPrivateKey(key).toString()));
}

/** A service tag that nobody else on this machine uses. */
export function privateTag(): string {
  return `_t${randomBytes(5).toString('hex')}._udp.local`;
}
