/** Signed envelopes (libp2p RFC 0002), in their one encoding, by Ed25519 keys only. */
import type { PrivateKey } from '@libp2p/interface';
import { RecordEnvelope } from '@libp2p/peer-record';
import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { RECORD_ENVELOPE_MAX_BYTES } from '../../common/limits.ts';
import { malformed } from './fields.ts';
import { peerIdOf } from './keys.ts';

/** Domain and payload type keep a signature of one kind from being read as another's. */
export interface EnvelopeKind {
  readonly domain: string;
  readonly payloadType: Uint8Array;
}

export const RECORD_ENVELOPE: EnvelopeKind = {
  domain: 'resettle/1 record',
  payloadType: Buffer.from('/resettle/record'),
};
export const INVITE_ENVELOPE: EnvelopeKind = {
  domain: 'resettle/1 invite',
  payloadType: Buffer.from('/resettle/invite'),
};

/** Field 3, with a length in front. */
const PAYLOAD_TAG = (3 << 3) | 2;

export interface OpenedEnvelope {
  readonly signer: PeerIdText;
  readonly payload: Uint8Array;
}

export async function sealEnvelope(kind: EnvelopeKind, payload: Uint8Array, key: PrivateKey): Promise<Uint8Array> {
  const record = {
    domain: kind.domain,
    codec: kind.payloadType,
    marshal: () => payload,
    equals: () => false,
  };
  return (await RecordEnvelope.seal(record, key)).marshal();
}

/** An envelope whose signature was not looked at yet. */
export interface UnverifiedEnvelope extends OpenedEnvelope {
  /** Throws `refused`. */
  verify(): Promise<void>;
}

/** Throws `refused` for bytes that are no such envelope. */
export function unfoldEnvelope(kind: EnvelopeKind, bytes: Uint8Array): UnverifiedEnvelope {
  const envelope = parse(kind, bytes);
  return {
    signer: peerIdOf(envelope.publicKey),
    payload: envelope.payload,
    verify: async () => {
      if (!(await isSignedBy(envelope, kind.domain))) throw malformed('the signature does not verify');
    },
  };
}

/** Verifies the signature. Throws `refused` for anything that is not such an envelope. */
export async function openEnvelope(kind: EnvelopeKind, bytes: Uint8Array): Promise<OpenedEnvelope> {
  const envelope = unfoldEnvelope(kind, bytes);
  await envelope.verify();
  return envelope;
}

/** Reads without verifying: only for what this machine verified before it stored it. */
export function readEnvelope(kind: EnvelopeKind, bytes: Uint8Array): OpenedEnvelope {
  return unfoldEnvelope(kind, bytes);
}

/**
 * The payload of an envelope that was verified before, which is in its one form: protobuf fields, each a tag and a length
 * in front. The library takes ten times as long, which is felt where tens of thousands are read.
 */
export function payloadWithin(envelope: Uint8Array): Uint8Array {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = envelope[at++];
      if (byte === undefined || shift > 28) throw malformed('the envelope is cut short');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  for (;;) {
    const tag = varint();
    const length = varint();
    if (tag === PAYLOAD_TAG) return envelope.subarray(at, at + length);
    at += length;
  }
}

function parse(kind: EnvelopeKind, bytes: Uint8Array): RecordEnvelope {
  if (bytes.length > RECORD_ENVELOPE_MAX_BYTES) throw malformed('the envelope is too large');
  const envelope = unmarshal(bytes);
  if (envelope.publicKey.type !== 'Ed25519') throw malformed('the envelope is not signed with an Ed25519 key');
  if (!asBuffer(envelope.payloadType).equals(kind.payloadType)) throw malformed('the envelope is of another type');
  if (!asBuffer(envelope.marshal()).equals(bytes)) throw malformed('the envelope is not in its one form');
  return envelope;
}

function unmarshal(bytes: Uint8Array): RecordEnvelope {
  try {
    return RecordEnvelope.createFromProtobuf(bytes);
  } catch (error) {
    throw new ResettleError('refused', 'the bytes are not an envelope', {
      hint: 'the sender is damaged, hostile or of another version',
      cause: error,
    });
  }
}

async function isSignedBy(envelope: RecordEnvelope, domain: string): Promise<boolean> {
  try {
    return await envelope.validate(domain);
  } catch {
    // The library throws for a signature of the wrong length: that is one that does not verify.
    return false;
  }
}
