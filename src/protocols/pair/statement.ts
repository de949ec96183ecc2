/** What both sides sign at the end: with it each can show later that the other agreed to this one pairing. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';
import { lvCat } from './cpace.ts';
import { PAIR_PROTOCOL } from './messages.ts';
import type { PairingRecord } from './types.ts';

/** One machine's key: its peer id, and how it signs. */
export interface Signer {
  readonly peerId: PeerIdText;
  sign(statement: Uint8Array): Uint8Array;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const jwkOf = (raw: Uint8Array) => ({ kty: 'OKP', crv: 'Ed25519', x: base64url(raw) });

/** The signer of a libp2p key. */
export function signerOf(key: Ed25519PrivateKey): Signer {
  const d = base64url(key.raw.subarray(0, 32));
  const own: KeyObject = createPrivateKey({ key: { ...jwkOf(key.publicKey.raw), d }, format: 'jwk' });
  return { peerId: peerIdText(key.publicKey.toString()), sign: (statement) => sign(null, statement, own) };
}

/** The bytes that both sign. */
export function statementOf(record: Omit<PairingRecord, 'signatures'>): Uint8Array {
  const { purpose, initiator, responder, session } = record;
  const texts = [`${PAIR_PROTOCOL} statement`, purpose, initiator, responder].map((one) => Buffer.from(one, 'utf8'));
  return lvCat(...texts, session);
}

/** Whether the key of that peer id signed the statement. */
export function isSignedBy(peer: PeerIdText, statement: Uint8Array, signature: Uint8Array): boolean {
  const raw = peerIdFromString(peer).publicKey?.raw;
  if (!raw) return false;
  return verify(null, statement, createPublicKey({ key: jwkOf(raw), format: 'jwk' }), signature);
}

/** Whether both ends signed this record: what a stored pairing is worth. */
export function isSignedByBoth(record: PairingRecord): boolean {
  const statement = statementOf(record);
  return (
    isSignedBy(record.initiator, statement, record.signatures.initiator) &&
    isSignedBy(record.responder, statement, record.signatures.responder)
  );
}
