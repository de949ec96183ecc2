/** One record: signed, verified, or read back. What needs other records to judge is in roster.ts and place.ts. */
import type { PrivateKey } from '@libp2p/interface';
import {
  type OpenedEnvelope,
  payloadWithin,
  RECORD_ENVELOPE,
  readEnvelope,
  sealEnvelope,
  unfoldEnvelope,
} from './envelope.ts';
import { decodeKnown, malformed } from './fields.ts';
import { compareText, recordHashOf } from './hash.ts';
import { isJoinSigned, openInvite, readInvite } from './invite.ts';
import type { Kept, KeptOf, KnownOf, KnownRecord } from './known.ts';
import { decodePayload, encodePayload } from './payload.ts';
import type { Invite, RecordBody, RecordHash, RecordHeader, StoredRecord } from './types.ts';

export type RecordOf<T extends RecordBody['type']> = StoredRecord<Extract<RecordBody, { type: T }>>;

export function isOf<T extends RecordBody['type']>(record: StoredRecord, type: T): record is RecordOf<T>;
export function isOf<T extends RecordBody['type']>(record: Kept, type: T): record is KeptOf<T>;
export function isOf<T extends RecordBody['type']>(record: KnownRecord, type: T): record is KnownOf<T>;
export function isOf(record: KnownRecord, type: RecordBody['type']): boolean {
  return record.body.type === type;
}

/** Lasting records are never dropped and form the signer's chain; member records and events are replaced by newer ones. */
export function isLasting(record: KnownRecord): boolean {
  return record.body.type !== 'member' && record.body.type !== 'event';
}

/** True if both are about the same, so that the newer one replaces the other. Lasting records replace nothing. */
export function isSameSubject({ header: a, body: one }: KnownRecord, { header: b, body: other }: KnownRecord): boolean {
  if (a.signer !== b.signer) return false;
  if (one.type === 'member' && other.type === 'member') return one.ageRecipient === other.ageRecipient;
  if (one.type !== 'event' || other.type !== 'event') return false;
  return one.association === other.association && one.step === other.step && one.state === other.state;
}

/** The highest (time, sequence, hash) counts. */
export function isNewer(a: KnownRecord, b: KnownRecord): boolean {
  const order = a.header.time - b.header.time || a.header.sequence - b.header.sequence || compareText(a.hash, b.hash);
  return order > 0;
}

/** The one of two that counts. */
export function newer<T extends KnownRecord>(a: T | undefined, b: T): T {
  return a && !isNewer(b, a) ? a : b;
}

export async function signRecord(key: PrivateKey, header: RecordHeader, body: RecordBody): Promise<Uint8Array> {
  return await sealEnvelope(RECORD_ENVELOPE, encodePayload(header, body), key);
}

/** Verifies every signature in it: the record's, the invite's, the join's. Throws `refused`. */
export async function verifyRecord(envelope: Uint8Array): Promise<StoredRecord> {
  return (await verifyUnlessKnown(envelope, () => false))!;
}

/** As `verifyRecord`, but undefined for one that is known by its hash: it was verified before. */
export async function verifyUnlessKnown(
  envelope: Uint8Array,
  isKnown: (hash: RecordHash) => boolean,
): Promise<StoredRecord | undefined> {
  const bytes = Uint8Array.from(envelope);
  const unverified = unfoldEnvelope(RECORD_ENVELOPE, bytes);
  const hash = recordHashOf(unverified.payload);
  if (isKnown(hash)) return undefined;
  await unverified.verify();
  const { header, body } = decode(unverified);
  const invite = body.type === 'admission' && body.invite ? await openInvite(body.invite) : undefined;
  if (invite) await checkAdmission(header, body, invite);
  return { hash, header, body, invite, envelope: bytes };
}

/** Reads a record without verifying its signatures. Throws `refused` for bytes that are no record. */
export function readRecord(envelope: Uint8Array): StoredRecord {
  const opened = readEnvelope(RECORD_ENVELOPE, envelope);
  const { header, body } = decode(opened);
  const invite = body.type === 'admission' && body.invite ? readInvite(body.invite) : undefined;
  return { hash: recordHashOf(opened.payload), header, body, invite, envelope };
}

/** Reads, quickly, a record that this machine verified before it stored it under this hash. */
export function recallRecord(hash: RecordHash, envelope: Uint8Array): StoredRecord {
  const { header, body } = decodePayload(payloadWithin(envelope), decodeKnown);
  const invite = body.type === 'admission' && body.invite ? readInvite(body.invite) : undefined;
  return { hash, header, body, invite, envelope };
}

function decode(opened: OpenedEnvelope): { header: RecordHeader; body: RecordBody } {
  const decoded = decodePayload(opened.payload);
  if (decoded.header.signer !== opened.signer) throw malformed('the record names another signer than its envelope');
  return decoded;
}

async function checkAdmission(header: RecordHeader, body: RecordBody, invite: Invite): Promise<void> {
  if (body.type !== 'admission' || !body.joinSignature) return;
  if (invite.fleetId !== header.fleetId) throw malformed('the invite is for another fleet');
  if (invite.role !== body.role) throw malformed('the invite is for another role');
  if (body.admittedAt > invite.expiresAt) throw malformed('the invite had expired at the admission');
  if (!(await isJoinSigned(invite, body.peerId, body.ageRecipient, body.joinSignature))) {
    throw malformed("the join signature is not the invite's");
  }
}
