import type { PeerIdText } from '../../common/ids.ts';
import type { PairingCode } from './code.ts';

/** What a pairing is for: one migration, or a place in a fleet. A code for one is of no use for the other. */
export const PURPOSES = ['send', 'enrol'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** `shows` is the machine with the code on its screen, `types` the one where a person typed it. */
export const ROLES = ['shows', 'types'] as const;
export type Role = (typeof ROLES)[number];

/** Who dialled is the initiator. */
export type Side = 'initiator' | 'responder';

/** What both sides know: the two words, or the 128 bits of a scanned QR code. */
export const KINDS = ['words', 'scan'] as const;
export type Kind = (typeof KINDS)[number];
export type Credential =
  | { readonly kind: 'words'; readonly code: PairingCode }
  | { readonly kind: 'scan'; readonly secret: Uint8Array };

/** Why a run ended without a pairing. Those in REFUSALS may be told to the other side. */
export const REFUSALS = ['busy', 'no-code', 'over', 'cap', 'version', 'misfit', 'wrong-code'] as const;
export type Refusal = (typeof REFUSALS)[number];
export type FailureReason = Refusal | 'refused' | 'reflected' | 'bad-message' | 'bad-opening' | 'timeout' | 'gone';

export interface Failure {
  readonly reason: FailureReason;
  /** Whether this run was counted as a guess here. */
  readonly counted: boolean;
  /** Whether the other side said so. */
  readonly told: boolean;
}

/** What both sides hold after a pairing, the same on both: who paired with whom, for what, in which run. */
export interface PairingRecord {
  readonly purpose: Purpose;
  readonly initiator: PeerIdText;
  readonly responder: PeerIdText;
  /** 64 bytes: a hash of both points and of what both sides bound, the hash of what they say about themselves included. */
  readonly session: Uint8Array;
  /** Ed25519 signatures of `statementOf(record)` by the keys of the two peer ids. */
  readonly signatures: { readonly initiator: Uint8Array; readonly responder: Uint8Array };
}

export interface Pairing {
  readonly record: PairingRecord;
  /** The other machine, as the connection proved it. */
  readonly remote: PeerIdText;
  /** What the other machine says about itself and offers: bound before the code was proved, shown after. */
  readonly remoteAbout: Uint8Array;
}
