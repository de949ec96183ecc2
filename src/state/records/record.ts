/** One record: signed, verified, or read back. What needs other records to judge is in roster.ts and place.ts. */
import type { PrivateKey } from '@libp2p/interface';
import { type OpenedEnvelope, openEnvelope, RECORD_ENVELOPE, readEnvelope, sealEnvelope } from './envelope.ts';
import { malformed } from './fields.ts';
import { recordHashOf } from './hash.ts';
import { isJoinSigned, openInvite, readInvite } from './invite.ts';
import { decodePayload, encodePayload } from './payload.ts';
import type { Invite, RecordBody, RecordHeader, StoredRecord } from './types.ts';

export type RecordOf<T extends RecordBody['type']> = StoredRecord<Extract<RecordBody, { type: T }>>;

export function isOf<T extends RecordBody['type']>(record: StoredRecord, type: T): record is RecordOf<T> {
  return record.body.type === type;
}

/** Lasting records are never dropped and form the signer's chain; member records and events are replaced by newer ones. */
export function isLasting(record: StoredRecord): boolean {
  return record.body.type !== 'member' && record.body.type !== 'event';
}

/** What a record that does not last is about: a newer one of the same signer about the same replaces it. */
export function subjectOf({ header, body }: StoredRecord): string | undefined {
  if (body.type === 'member') return `${header.signer}/${body.ageRecipient}`;
  if (body.type === 'event') return `${header.signer}/${body.association}/${body.step}/${body.state ?? ''}`;
  return undefined;
}

export async function signRecord(key: PrivateKey, header: RecordHeader, body: RecordBody): Promise<Uint8Array> {
  return await sealEnvelope(RECORD_ENVELOPE, encodePayload(header, body), key);
}

/** Verifies every signature in it: the record's, the invite's, the join's. Throws `refused`. */
export async function verifyRecord(envelope: Uint8Array): Promise<StoredRecord> {
  const bytes = Uint8Array.from(envelope);
  const opened = await openEnvelope(RECORD_ENVELOPE, bytes);
  const { header, body } = decode(opened);
  const invite = body.type === 'admission' && body.invite ? await openInvite(body.invite) : undefined;
  if (invite) await checkAdmission(header, body, invite);
  return { hash: recordHashOf(opened.payload), header, body, invite, envelope: bytes };
}

/** Reads a record that this machine verified before it stored it. */
export function readRecord(envelope: Uint8Array): StoredRecord {
  const opened = readEnvelope(RECORD_ENVELOPE, envelope);
  const { header, body } = decode(opened);
  const invite = body.type === 'admission' && body.invite ? readInvite(body.invite) : undefined;
  return { hash: recordHashOf(opened.payload), header, body, invite, envelope };
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
