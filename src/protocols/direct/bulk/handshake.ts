/**
 * What both say on a fresh bulk socket before there is a pack on it, each by the key that only the Noise stream has shown:
 * sender: nonce · receiver: nonce, proof · sender: proof. A nonce is used once, so what was overheard proves nothing again.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const BULK_KEY_BYTES = 32;
export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;

/** HMAC-SHA256. Different for the two roles, so that nobody proves anything by sending back what was said to him. */
export function proofOf(
  role: 'sender' | 'receiver',
  key: Uint8Array,
  senderNonce: Uint8Array,
  receiverNonce: Uint8Array,
): Uint8Array {
  return createHmac('sha256', key).update(`resettle bulk ${role}`).update(senderNonce).update(receiverNonce).digest();
}

/** In a time that does not tell where they differ. */
export function isProof(shown: Uint8Array, expected: Uint8Array): boolean {
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}
