/** The beginning of a fleet: an authority, and the machine that becomes its first operator. */
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, PrivateKey } from '@libp2p/interface';
import type { RandomBytes } from '../../common/clock.ts';
import { fleetIdOf, newKey } from './keys.ts';
import type { RecordLog } from './record-log.ts';
import type { MemberBody, RecordBody, Roster } from './types.ts';

/** The suite of docs/FORMAT.md: X25519 (age), HKDF-SHA-256, AES-256-GCM, BLAKE3, Ed25519. */
const SUITE = 1;
const FIRST_VERSION = '0.1.0';

export interface FoundFleetOptions {
  readonly name: string;
  readonly authorityKey: PrivateKey;
  /** Of this machine: signed by its own key. */
  readonly memberBody: MemberBody;
  /** An age recipient, or null for a fleet without recovery. */
  readonly recoveryRecipient: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A new authority's key pair: keep the private half offline. */
export function createAuthority(random: RandomBytes): Promise<Ed25519PrivateKey> {
  return newKey(random);
}

/** Writes the fleet record, this machine's admission as operator, and its member record: all or none. Throws `refused`. */
export async function foundFleet(log: RecordLog, options: FoundFleetOptions): Promise<Roster> {
  const { authorityKey, memberBody, name, recoveryRecipient, now } = options;
  const fleet: RecordBody = {
    type: 'fleet',
    name,
    authorityKey: publicKeyToProtobuf(authorityKey.publicKey),
    recoveryRecipient,
    minimumVersion: FIRST_VERSION,
    suite: SUITE,
    createdAt: now,
  };
  const admission: RecordBody = {
    type: 'admission',
    peerId: memberBody.peerId,
    ageRecipient: memberBody.ageRecipient,
    role: 'operator',
    invite: null,
    admittedAt: now,
    joinSignature: null,
  };
  await log.beginFleet(fleetIdOf(authorityKey.publicKey), [
    { key: authorityKey, body: fleet },
    { key: authorityKey, body: admission },
    { body: memberBody },
  ]);
  return log.roster();
}
