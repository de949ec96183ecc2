/** What is signed in a record, byte for byte: a header and one of the known bodies. */

import type { FleetId, PeerIdText } from '../../common/ids.ts';
import {
  ADDRESS_TEXT_MAX,
  ADDRESSES_MAX,
  ASSOCIATION_POINTS_MAX,
  NAME_TEXT_MAX,
  RECORD_MAX_BYTES,
  REPLICAS_MAX,
  SEALED_MAX_BYTES,
} from '../../common/limits.ts';
import {
  bytes,
  choice,
  decodeStrict,
  encodeStrict,
  type Field,
  flag,
  hex,
  integer,
  list,
  malformed,
  mapOf,
  nullable,
  text,
  timeMs,
} from './fields.ts';
import { PEER_ID_BYTES, PUBLIC_KEY_BYTES, peerIdBytes, peerIdFromBytes } from './keys.ts';
import type { RecordBody, RecordHash, RecordHeader, Role } from './types.ts';

const VERSION = 1;
const SIGNATURE_BYTES = 64;

const peerBytes = bytes(PEER_ID_BYTES, PEER_ID_BYTES);
export const peer: Field<PeerIdText> = {
  encode: peerIdBytes,
  decode: (raw, what) => peerIdFromBytes(peerBytes.decode(raw, what)),
};
export const fleet = hex<FleetId>(32);
export const role = choice<Role>({ member: 1, operator: 2 });
export const publicKey = bytes(PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES);
export const address = text(new RegExp(`^/[\\x21-\\x7e]{1,${ADDRESS_TEXT_MAX - 1}}$`));

/** Shown in terminals, so nothing that moves the cursor, hides or reorders. */
const name = text(new RegExp(`^(?!\\s)[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,${NAME_TEXT_MAX}}(?<!\\s)$`, 'u'));
const ageRecipient = text(/^age1[02-9ac-hj-np-z]{58}$/);
const recordHash = hex<RecordHash>(32);

type Untyped<T extends RecordBody['type']> = Omit<Extract<RecordBody, { type: T }>, 'type'>;
type BodyCodecs = { readonly [T in RecordBody['type']]: Field<Untyped<T>> };

const bodies: BodyCodecs = {
  fleet: mapOf({
    name,
    authorityKey: publicKey,
    recoveryRecipient: nullable(ageRecipient),
    minimumVersion: text(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/),
    suite: integer(1, 1),
    createdAt: timeMs,
  }),
  admission: mapOf({
    peerId: peer,
    ageRecipient,
    role,
    invite: nullable(bytes(1, 1024)),
    admittedAt: timeMs,
    joinSignature: nullable(bytes(SIGNATURE_BYTES, SIGNATURE_BYTES)),
  }),
  member: mapOf({
    peerId: peer,
    ageRecipient,
    name,
    point: flag,
    addresses: list(address, ADDRESSES_MAX),
    acceptsOperators: flag,
  }),
  association: mapOf({
    source: peer,
    destination: peer,
    mode: choice({ 'side-by-side': 1 }),
    nonce: hex(16),
    points: list(peer, ASSOCIATION_POINTS_MAX),
    replicas: integer(1, REPLICAS_MAX),
    sealed: nullable(bytes(1, SEALED_MAX_BYTES)),
  }),
  revocation: mapOf({ peerId: peer, lastAccepted: nullable(recordHash) }),
};

/** 6 is reserved for events and refused, like every number that is not here. */
const type = choice<RecordBody['type']>({ fleet: 1, admission: 2, member: 3, association: 4, revocation: 5 });

const payload = mapOf({
  version: integer(VERSION, VERSION),
  type,
  fleetId: fleet,
  signer: peer,
  epoch: hex(8),
  sequence: integer(1, Number.MAX_SAFE_INTEGER),
  previous: nullable(recordHash),
  time: timeMs,
  body: bytes(1, RECORD_MAX_BYTES),
});

/** The bytes to sign. Throws `refused` for a body that is out of its limits. */
export function encodePayload(header: RecordHeader, body: RecordBody): Uint8Array {
  checkConsistent(header, body);
  const codec = bodies[body.type] as Field<RecordBody>;
  return encodeStrict(payload, { ...header, version: VERSION, type: body.type, body: encodeStrict(codec, body) });
}

/** Throws `refused` for anything that `encodePayload` does not write. */
export function decodePayload(encoded: Uint8Array): { header: RecordHeader; body: RecordBody } {
  const { version: _, type, body: inner, ...header } = decodeStrict(payload, encoded, 'the record', RECORD_MAX_BYTES);
  const codec = bodies[type] as Field<RecordBody>;
  const body = { ...decodeStrict(codec, inner, `the ${type} record`, RECORD_MAX_BYTES), type } as RecordBody;
  checkConsistent(header, body);
  return { header, body };
}

/** Rules that need no other record. */
function checkConsistent(header: RecordHeader, body: RecordBody): void {
  if (body.type === 'member' && body.peerId !== header.signer) {
    throw malformed('the member record is not signed by the machine that it names');
  }
  if (body.type === 'admission' && (body.invite === null) !== (body.joinSignature === null)) {
    throw malformed('the admission has an invite without a join signature, or the reverse');
  }
  if (body.type === 'association' && body.source === body.destination) {
    throw malformed('the association goes from a machine to itself');
  }
}
