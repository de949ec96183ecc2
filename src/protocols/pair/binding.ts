/**
 * What a run is bound to, and the keys that come of it. A man in the middle has another peer id on each leg, so the
 * channel identifiers of the two legs differ, and with them generator and key; a role, version or offer that was
 * exchanged changes the associated data, and with it the key.
 */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { PeerIdText } from '../../common/ids.ts';
import { lvCat, type Share, sessionKey, sessionName, transcriptOf } from './cpace.ts';
import { PAIR_PROTOCOL } from './messages.ts';
import type { Credential, Kind, Purpose, Role, Side } from './types.ts';

const TAG_KEY_BYTES = 32;

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8');

/** The two ends as each side sees them: its own id, and the one that Noise proved. */
export interface Ends {
  readonly initiator: PeerIdText;
  readonly responder: PeerIdText;
}

/** CI of CPace: protocol with its version, purpose, kind of secret, both peer ids. */
export function channelOf(purpose: Purpose, kind: Kind, ends: Ends): Uint8Array {
  return lvCat(text(PAIR_PROTOCOL), text(purpose), text(kind), text(ends.initiator), text(ends.responder));
}

/** PRS of CPace: the secret words alone, without the public digits; or the scanned bytes. */
export function secretOf(credential: Credential): Uint8Array {
  return credential.kind === 'words' ? text(credential.code.words) : credential.secret;
}

/** sid of CPace: a nonce from each side. */
export function sessionIdOf(initiatorNonce: Uint8Array, responderNonce: Uint8Array): Uint8Array {
  return lvCat(initiatorNonce, responderNonce);
}

/** AD of CPace: what one side is, and the hash of what it will say about itself and offer. */
export function associatedDataOf(role: Role, version: number, number: string, commitment: Uint8Array): Uint8Array {
  return lvCat(text(role), text(String(version)), text(number), commitment);
}

/** A hash that hides `about` until the salt is told, and holds its sender to it. */
export function commitmentOf(salt: Uint8Array, about: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(lvCat(text(`${PAIR_PROTOCOL} about`), salt, about))
    .digest();
}

/** The secrets of a run whose code may still turn out to be wrong. */
export interface Confirmation {
  /** The proof of knowledge that this side sends; each direction has a key of its own. */
  tagOf(side: Side): Uint8Array;
  /** 64 bytes, public. */
  readonly session: Uint8Array;
}

/** Keys by HKDF from the session key; it is wiped. */
export function confirmationOf(
  sessionId: Uint8Array,
  shared: Uint8Array,
  initiator: Share,
  responder: Share,
): Confirmation {
  const transcript = transcriptOf(initiator, responder);
  const key = sessionKey(sessionId, shared, transcript);
  shared.fill(0);
  const session = sessionName(transcript);
  const keyOf = (side: Side): Buffer =>
    Buffer.from(hkdfSync('sha512', key, sessionId, text(`${PAIR_PROTOCOL} tag of the ${side}`), TAG_KEY_BYTES));
  const keys = { initiator: keyOf('initiator'), responder: keyOf('responder') };
  key.fill(0);
  return { session, tagOf: (side) => createHmac('sha256', keys[side]).update(session).digest() };
}

/** Equal, in a time that does not tell where they differ. */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
