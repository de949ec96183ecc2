import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { RecordEnvelope } from '@libp2p/peer-record';
import { asBuffer, bytesOfHex, hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import {
  type AssociationId,
  associationId,
  type PackId,
  type PeerIdText,
  packId,
  peerIdText,
  type StateId,
  stateId,
} from '../../common/ids.ts';
import { DESCRIPTOR_MAX_BYTES, PACK_MAX_BYTES } from '../../common/limits.ts';
import { decodeCbor, readArray, readBytes, readMap, readTuple, readUint } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { DIGEST_BYTES, digest } from './digest.ts';
import { KEY_CHECK_BYTES, keyCheckValue } from './keys.ts';
import { PACK_HEADER_BYTES } from './pack-layout.ts';
import { openPart, type SealedPart } from './sealed-part.ts';

const DOMAIN = 'resettle/1 snapshot';
const PAYLOAD_TYPE = Buffer.from('/resettle/snapshot', 'ascii');
const VERSION = 1;
const SUITE = 1;
const KEYS = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
const NO_ASSOCIATION = new Uint8Array(DIGEST_BYTES);
const SNAPSHOT_MAX = 2 ** 32 - 1;

export interface PackReference {
  readonly id: PackId;
  readonly sizeBytes: number;
}

/** What a source signs about a snapshot, sealed part and all. */
export interface SnapshotClaims {
  readonly stateId: StateId;
  readonly association: AssociationId | undefined;
  readonly snapshot: number;
  readonly previous: Uint8Array | null;
  readonly keyCheck: Uint8Array;
  readonly manifestHash: Uint8Array;
  readonly packs: readonly PackReference[];
  readonly sealed: Uint8Array;
}

/** What a descriptor says to everybody, its signature verified. `source` is the signer. */
export interface SnapshotHeader extends SnapshotClaims {
  readonly source: PeerIdText;
  readonly descriptorHash: Uint8Array;
}

function encodeClaims(claims: SnapshotClaims): Uint8Array {
  const writer = new CborWriter(claims.packs.length * 48 + claims.sealed.length + 1024);
  writer.map(10).uint(0).uint(VERSION).uint(1).uint(SUITE).uint(2).bytes(bytesOfHex(claims.stateId));
  writer.uint(3).bytes(claims.association ? bytesOfHex(claims.association) : NO_ASSOCIATION);
  writer.uint(4).uint(claims.snapshot).uint(5);
  if (claims.previous) writer.bytes(claims.previous);
  else writer.null();
  writer.uint(6).bytes(claims.keyCheck).uint(7).bytes(claims.manifestHash).uint(8).array(claims.packs.length);
  for (const { id, sizeBytes } of claims.packs) writer.array(2).bytes(bytesOfHex(id)).uint(sizeBytes);
  return writer.uint(9).bytes(claims.sealed).view();
}

/** The descriptor file: the claims in a libp2p envelope signed by the source. Throws `failed` when it grows too large. */
export async function signDescriptor(claims: SnapshotClaims, privateKey: PrivateKey): Promise<Uint8Array> {
  const payload = encodeClaims(claims);
  const record = { domain: DOMAIN, codec: PAYLOAD_TYPE, marshal: () => payload, equals: () => false };
  const bytes = (await RecordEnvelope.seal(record, privateKey)).marshal();
  if (bytes.length > DESCRIPTOR_MAX_BYTES) {
    throw new ResettleError('failed', `this capture is too large for one descriptor: ${claims.packs.length} packs`, {
      hint: 'capture fewer paths at a time',
    });
  }
  return bytes;
}

function readClaims(payload: Uint8Array): SnapshotClaims {
  const map = readMap(decodeCbor(payload, 'a descriptor'), 'a descriptor', KEYS);
  if (readUint(map.get(0), 'the version of a descriptor') !== VERSION) {
    throw new ResettleError('damaged', 'this snapshot was written in a format that this program does not know', {
      hint: 'use a newer version of resettle',
    });
  }
  if (readUint(map.get(1), 'the suite of a descriptor') !== SUITE) {
    throw new ResettleError('damaged', 'this snapshot was sealed by methods that this program does not know', {
      hint: 'use a newer version of resettle',
    });
  }
  const association = readBytes(map.get(3), 'an association', DIGEST_BYTES, DIGEST_BYTES);
  const snapshot = readUint(map.get(4), 'the number of a snapshot', SNAPSHOT_MAX);
  if (snapshot === 0) throw damaged('a snapshot has the number 0');
  const previous = map.get(5);
  return {
    stateId: stateId(hexOf(readBytes(map.get(2), 'a state id', DIGEST_BYTES, DIGEST_BYTES))),
    association: asBuffer(association).equals(NO_ASSOCIATION) ? undefined : associationId(hexOf(association)),
    snapshot,
    previous: previous === null ? null : readBytes(previous, 'a descriptor’s hash', DIGEST_BYTES, DIGEST_BYTES),
    keyCheck: readBytes(map.get(6), 'a key check value', KEY_CHECK_BYTES, KEY_CHECK_BYTES),
    manifestHash: readBytes(map.get(7), 'a manifest’s hash', DIGEST_BYTES, DIGEST_BYTES),
    packs: readPacks(map.get(8)),
    sealed: readBytes(map.get(9), 'the sealed part of a descriptor', 0, DESCRIPTOR_MAX_BYTES),
  };
}

function readPacks(value: unknown): PackReference[] {
  const seen = new Set<string>();
  return readArray(value, 'the packs of a descriptor', DESCRIPTOR_MAX_BYTES).map((item) => {
    const [id, size] = readTuple(item, 'a pack of a descriptor', 2);
    const text = packId(hexOf(readBytes(id, 'a pack id', DIGEST_BYTES, DIGEST_BYTES)));
    if (seen.has(text)) throw damaged('a descriptor names a pack twice');
    seen.add(text);
    const sizeBytes = readUint(size, 'the size of a pack', PACK_MAX_BYTES);
    if (sizeBytes < PACK_HEADER_BYTES) throw damaged('a descriptor names a pack that is too small');
    return { id: text, sizeBytes };
  });
}

async function openEnvelope(bytes: Uint8Array): Promise<RecordEnvelope> {
  if (bytes.length > DESCRIPTOR_MAX_BYTES) throw damaged('a descriptor is too long');
  try {
    return await RecordEnvelope.openAndCertify(bytes, DOMAIN);
  } catch (error) {
    throw damaged('the signature of a descriptor does not verify', error);
  }
}

/**
 * Verifies a descriptor file: signature, version, suite, caps. Needs no key. It does not know who *should* have
 * signed: compare `source`, `stateId` and `association` with what is expected. Throws `damaged`.
 */
export async function openDescriptor(bytes: Uint8Array): Promise<SnapshotHeader> {
  const envelope = await openEnvelope(bytes);
  if (!asBuffer(envelope.payloadType).equals(PAYLOAD_TYPE)) throw damaged('this envelope is not a descriptor');
  if (envelope.publicKey.type !== 'Ed25519') throw damaged('a descriptor is signed by a key of an unknown type');
  // An envelope has other encodings that verify too: only the one that we write is taken, so that its hash is one.
  const canonical = new RecordEnvelope(envelope).marshal();
  if (!asBuffer(canonical).equals(asBuffer(bytes))) throw damaged('a descriptor is not encoded as it should be');
  return {
    ...readClaims(envelope.payload),
    source: peerIdText(peerIdFromPublicKey(envelope.publicKey).toString()),
    descriptorHash: digest(bytes),
  };
}

/** Opens the sealed part with the state key. Throws `refused` when the key is not this state's, `damaged`. */
export function openSealedPart(header: SnapshotHeader, stateKey: Uint8Array): SealedPart {
  if (!keyCheckValue(stateKey, header.stateId).equals(header.keyCheck)) {
    throw new ResettleError('refused', `this key is not the key of state ${header.stateId.slice(0, 12)}`, {
      hint: 'use the key file that belongs to this state',
    });
  }
  return openPart(header.sealed, stateKey, header.stateId);
}
