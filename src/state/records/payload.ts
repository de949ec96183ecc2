/** What is signed in a record, byte for byte: a header and one of the known bodies. */

import type { AssociationId, FleetId, PeerIdText, StateId } from '../../common/ids.ts';
import {
  ADDRESS_TEXT_MAX,
  ADDRESSES_MAX,
  ASSOCIATION_POINTS_MAX,
  EVENT_MACHINE_MAX_BYTES,
  EVENT_NOTE_TEXT_MAX,
  EVENT_NOTES_MAX,
  EVENT_PEERS_MAX,
  NAME_TEXT_MAX,
  RECORD_MAX_BYTES,
  REPLICAS_MAX,
  SEALED_MAX_BYTES,
  SHARE_HOLDERS_MAX,
  START_AT_ONCE_MAX,
  TICKET_SEALED_MAX_BYTES,
} from '../../common/limits.ts';
import {
  bytes,
  choice,
  type Decode,
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
import type { EventBody, EventPhase, EventStep, RecordBody, RecordHash, RecordHeader, Role } from './types.ts';

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
export const associationHash = hex<AssociationId>(32);
/** A sentence that is shown in terminals. */
const note = text(new RegExp(`^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,${EVENT_NOTE_TEXT_MAX}}$`, 'u'));
const count = integer(0, Number.MAX_SAFE_INTEGER);

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
    machine: nullable(hex(16)),
  }),
  association: mapOf({
    source: peer,
    destination: nullable(peer),
    mode: choice({ 'side-by-side': 1, 'in-place': 2 }),
    nonce: hex(16),
    points: list(peer, ASSOCIATION_POINTS_MAX),
    replicas: integer(1, REPLICAS_MAX),
    keepMs: count,
    deadlineMs: nullable(count),
    ticketRecipient: nullable(ageRecipient),
    ticketSealed: nullable(bytes(1, TICKET_SEALED_MAX_BYTES)),
    shares: nullable(mapOf({ needed: integer(2, SHARE_HOLDERS_MAX), total: integer(2, SHARE_HOLDERS_MAX) })),
    codeRecipient: nullable(ageRecipient),
    start: nullable(mapOf({ batch: hex(16), atOnce: integer(1, START_AT_ONCE_MAX) })),
    sealed: nullable(bytes(1, SEALED_MAX_BYTES)),
  }),
  revocation: mapOf({ peerId: peer, lastAccepted: nullable(recordHash) }),
  event: mapOf({
    association: associationHash,
    state: nullable(hex<StateId>(32)),
    step: choice<EventStep>({ activity: 1, commit: 2, holder: 3, trial: 4, restore: 5, share: 6 }),
    phase: choice<EventPhase>({
      waiting: 1,
      scanning: 2,
      sending: 3,
      idle: 4,
      failed: 5,
      stored: 6,
      safe: 7,
      held: 8,
      damaged: 9,
      deleted: 10,
      tried: 11,
      restoring: 12,
      restored: 13,
      kept: 14,
      released: 15,
    }),
    snapshot: integer(0, 2 ** 32 - 1),
    descriptorHash: nullable(hex(32)),
    bytes: count,
    totalBytes: count,
    peers: list(peer, EVENT_PEERS_MAX),
    untilMs: timeMs,
    proof: nullable(hex(32)),
    machine: nullable(bytes(1, EVENT_MACHINE_MAX_BYTES)),
    skipped: count,
    notes: list(note, EVENT_NOTES_MAX),
  }),
  naming: mapOf({ association: associationHash, destination: peer }),
  ending: mapOf({ association: associationHash }),
};

/** A number that is not here is refused. */
const type = choice<RecordBody['type']>({
  fleet: 1,
  admission: 2,
  member: 3,
  association: 4,
  revocation: 5,
  event: 6,
  naming: 7,
  ending: 8,
});

/** Which phases a step has. */
const PHASES: Readonly<Record<EventStep, readonly EventPhase[]>> = {
  activity: ['waiting', 'scanning', 'sending', 'idle', 'failed'],
  commit: ['stored', 'safe'],
  holder: ['held', 'damaged', 'deleted'],
  trial: ['tried'],
  restore: ['restoring', 'restored', 'failed'],
  share: ['kept', 'released'],
};

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

/** Throws `refused` for anything that `encodePayload` does not write, unless another way to read is given. */
export function decodePayload(
  encoded: Uint8Array,
  decode: Decode = decodeStrict,
): { header: RecordHeader; body: RecordBody } {
  const { version: _, type, body: inner, ...header } = decode(payload, encoded, 'the record', RECORD_MAX_BYTES);
  const codec = bodies[type] as Field<RecordBody>;
  const body = { ...decode(codec, inner, `the ${type} record`, RECORD_MAX_BYTES), type } as RecordBody;
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
  if (body.type === 'association') {
    if (body.source === body.destination) throw malformed('the association goes from a machine to itself');
    if (body.mode === 'in-place' && body.destination !== null) {
      throw malformed('an association in place names its destination before the machine was reinstalled');
    }
    if ((body.ticketRecipient === null) !== (body.ticketSealed === null)) {
      throw malformed('the association has one half of a ticket key only');
    }
    if (body.mode === 'side-by-side' && (body.ticketRecipient ?? body.shares) !== null) {
      throw malformed('an association side by side has a ticket or shares');
    }
    if (body.shares && body.shares.needed > body.shares.total) {
      throw malformed('the association needs more shares than there are');
    }
  }
  if (body.type === 'event') checkEvent(body);
}

function checkEvent(body: EventBody): void {
  if (!PHASES[body.step].includes(body.phase)) throw malformed(`a ${body.step} event cannot be ${body.phase}`);
  if (body.step !== 'activity' && body.state === null) throw malformed(`a ${body.step} event names no state`);
  const about = body.step === 'commit' || body.step === 'holder' || body.step === 'trial';
  if (about && (body.snapshot === 0 || body.descriptorHash === null)) {
    throw malformed(`a ${body.step} event names no snapshot`);
  }
}
