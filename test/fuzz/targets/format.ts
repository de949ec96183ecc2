/** Descriptors, manifests and segments, and the scratch files of a capture. What is sealed is fuzzed inside its seal too. */
import { createSecretKey } from 'node:crypto';
import { RecordEnvelope } from '@libp2p/peer-record';
import type { AssociationId, PackId, StateId } from '../../../src/common/ids.ts';
import { CborWriter } from '../../../src/state/format/cbor-writer.ts';
import {
  openDescriptor,
  openSealedPart,
  type SnapshotClaims,
  signDescriptor,
} from '../../../src/state/format/descriptor.ts';
import { writeEntry } from '../../../src/state/format/entry.ts';
import { decodeFileRecords, type FileRecord, FileRecordWriter } from '../../../src/state/format/file-record.ts';
import { KIND, open } from '../../../src/state/format/frame-cipher.ts';
import { descriptorKey, keyCheckValue, SALT_BYTES } from '../../../src/state/format/keys.ts';
import { decodePart } from '../../../src/state/format/manifest-part.ts';
import { decodeSealedPart, type SealedPart, sealPart } from '../../../src/state/format/sealed-part.ts';
import { decodeSegment, SegmentBuilder } from '../../../src/state/format/segment.ts';
import { decodeAcl, encodeAcl } from '../../../src/state/fs/acl.ts';
import { readRecords, TrackedWriter } from '../../../src/state/plan/tracked.ts';
import type { Random } from '../../faults/scenario.ts';
import { SeededRandom } from '../random.ts';
import { type Target, target } from '../target.ts';
import { anyEntry, fileEntry, itemName, manifestPart, someHash, writePart } from './entries.ts';
import { MADE_UP } from './fleet.ts';
import { count, hashHex, listOf, maybe, orNull, randomBytesOf, word } from './some.ts';

const { key } = MADE_UP;
const STATE = 'ab'.repeat(32) as StateId;
const STATE_KEY = new Uint8Array(32).fill(7);

function sealedPart(random: Random): SealedPart {
  const total = () => count(random);
  return {
    roots: listOf(random, 3, () => [itemName(random), itemName(random)]),
    parts: listOf(random, 3, () => ({
      pack: 0,
      frame: random.integer(9),
      hash: someHash(random),
      entries: random.integer(99),
    })),
    totals: { files: total(), folders: total(), symlinks: 0, hardlinks: 0, specials: 0, bytes: total() },
    ...{ capturedAtNs: BigInt(count(random)), machineName: word(random), platform: 'linux x64' },
    leftOut: { count: 3, items: listOf(random, 2, () => ({ path: itemName(random), reason: word(random) })) },
  };
}

const seal = (of: SealedPart, random: Random) => sealPart(of, STATE_KEY, STATE, randomBytesOf(random));
/** The plaintext of a sealed part, as it stands within the seal. */
function plainOf(of: SealedPart, random: Random): Uint8Array {
  const sealed = seal(of, random);
  const secret = createSecretKey(descriptorKey(STATE_KEY, sealed.subarray(0, SALT_BYTES), STATE));
  return open(secret, KIND.descriptor, 0, true, sealed.subarray(SALT_BYTES));
}

function claims(random: Random, sealed: Uint8Array): SnapshotClaims {
  return {
    stateId: STATE,
    association: maybe(random, () => hashHex(random) as AssociationId),
    snapshot: 1 + random.integer(9),
    previous: orNull(random, () => someHash(random)),
    ...{ keyCheck: keyCheckValue(STATE_KEY, STATE), manifestHash: someHash(random), sealed },
    packs: listOf(random, 4, () => ({ id: hashHex(random) as PackId, sizeBytes: 4096 + random.integer(9999) })),
  };
}

/** For encoders, whose salt is of no matter. */
const FIXED = new SeededRandom(1);

const descriptor = (random: Random) => signDescriptor(claims(random, seal(sealedPart(random), random)), key);

async function signedAnew(payload: Uint8Array): Promise<Uint8Array> {
  const codec = Buffer.from('/resettle/snapshot');
  const record = { domain: 'resettle/1 snapshot', codec, marshal: () => payload, equals: () => false };
  return (await RecordEnvelope.seal(record, key)).marshal();
}

function segment(random: Random): Uint8Array {
  const builder = new SegmentBuilder();
  for (let left = random.integer(5); left > 0; left--) {
    const length = random.integer(300);
    builder.room(length).fill(left);
    builder.add({ entry: random.integer(99), fileOffset: count(random), length, hash: someHash(random) });
  }
  return builder.plain();
}

function records(random: Random): FileRecord[] {
  return listOf(random, 5, () => {
    const entryNumber = random.integer(9999);
    return random.pick<() => FileRecord>([
      () => ({ kind: 'file', entry: entryNumber, file: { ...fileEntry(random), extents: [] } as never }),
      () => ({ kind: 'held', entry: entryNumber }),
      () => ({ kind: 'left', entry: entryNumber, reason: word(random) }),
    ])();
  });
}

function writeRecords(of: readonly FileRecord[]): Buffer {
  const writer = new FileRecordWriter();
  for (const record of of) writer.add(record);
  return writer.take();
}

function tracked(random: Random): Buffer {
  const writer = new TrackedWriter();
  for (let left = random.integer(4); left > 0; left--) {
    const cbor = new CborWriter();
    writeEntry(cbor, anyEntry(random));
    writer.add(itemName(random), random.integer(8), random.integer(3), undefined, false, cbor.view());
  }
  return Buffer.from(writer.view());
}

/** What `RecordEnvelope` holds: the claims, without their signature. */
async function claimsOf(random: Random): Promise<Uint8Array> {
  return RecordEnvelope.createFromProtobuf(await descriptor(random)).payload;
}

export const FORMAT: readonly Target[] = [
  target({
    ...{ name: 'descriptor', shape: 'protobuf', refusals: ['damaged'], weight: 0.3 },
    valid: descriptor,
    decode: async (bytes) => (await openDescriptor(bytes)).descriptorHash,
  }),
  target({
    ...{ name: 'descriptor-signed-anew', shape: 'cbor', refusals: ['damaged', 'refused'], weight: 0.4 },
    valid: claimsOf,
    decode: async (bytes) => openSealedPart(await openDescriptor(await signedAnew(bytes)), STATE_KEY),
  }),
  target({
    ...{ name: 'sealed-part', shape: 'cbor', refusals: ['damaged'], weight: 2 },
    valid: (random) => plainOf(sealedPart(random), random),
    decode: decodeSealedPart,
    encode: (part) => plainOf(part, FIXED),
  }),
  target({
    ...{ name: 'manifest-part', shape: 'cbor', refusals: ['damaged'], weight: 2 },
    valid: (random) => writePart(manifestPart(random)),
    decode: decodePart,
    encode: writePart,
  }),
  target({
    ...{ name: 'segment', shape: 'bytes', refusals: ['damaged'], weight: 2 },
    valid: (random) => Buffer.from(segment(random)),
    decode: decodeSegment,
  }),
  target({
    ...{ name: 'segment-header', shape: 'cbor', refusals: ['damaged'] },
    valid: (random) => {
      const plain = Buffer.from(segment(random));
      return plain.subarray(4, 4 + plain.readUInt32LE(0));
    },
    decode: (bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      try {
        return decodeSegment(Buffer.concat([length, bytes])).extents;
      } catch (error) {
        // Its data is left out.
        if ((error as Error).message.includes('do not cover its data')) return [];
        throw error;
      }
    },
  }),
  target({
    ...{ name: 'file-records', shape: 'cbor', refusals: ['damaged'], weight: 2 },
    valid: (random) => writeRecords(records(random)),
    decode: decodeFileRecords,
    encode: writeRecords,
  }),
  target({
    ...{ name: 'tracked-records', shape: 'bytes', refusals: ['damaged'] },
    valid: tracked,
    decode: (bytes) =>
      [...readRecords(Buffer.from(bytes))].flatMap((record) => [record.ino, record.sizeBytes, record.entries()]),
  }),
  target({
    ...{ name: 'acl', shape: 'bytes', refusals: [] },
    valid: (random) =>
      encodeAcl([
        { tag: 1, permissions: random.integer(8), id: undefined },
        { tag: 2, permissions: 7, id: 1000 },
      ]),
    decode: (bytes) => decodeAcl(bytes)?.toSorted((a, b) => a.tag - b.tag || (a.id ?? 0) - (b.id ?? 0)),
    encode: (acl) => (acl ? encodeAcl(acl) : new Uint8Array(0)),
  }),
];
