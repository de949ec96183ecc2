import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { associationId, packId, stateId } from '../../../../src/common/ids.ts';
import { KIND } from '../../../../src/state/format/frame-cipher.ts';
import { digest, frameBody } from '../../../../src/state/format/index.ts';
import { COMPRESSION } from '../../../../src/state/format/pack-layout.ts';
import type { FrameBody } from '../../../../src/state/format/pack-writer.ts';
import { DATA, file, folder, goodExtent } from '../../../state/support/forge.ts';
import { newIdentity } from '../../../state/support/source-machine.ts';
import { type Forging, segmentOf } from '../support/forging.ts';
import type { HostileState } from '../support/hostile-state.ts';
import { sealFrames } from '../support/seal-frames.ts';
import { writeIn } from '../support/write-in.ts';

const r = { path: [], entries: [folder('r')] };
const OTHER = await newIdentity();

/** A file whose bytes lie in pack 1. */
const inPack = (
  name: string,
  seal: (snapshot: Forging) => number,
  says: RegExp,
  more: { readonly leaves?: readonly string[] } = {},
): HostileState => ({
  name,
  forge: (snapshot) => {
    const pack = seal(snapshot);
    snapshot.blocks([r, { path: ['r'], entries: [file('a', { extents: [{ ...goodExtent(), pack }] })] }]);
  },
  must: { refused: 'damaged', says, ...(more.leaves && { leaves: more.leaves }) },
});

const frame = (changes: Partial<FrameBody>): FrameBody => ({
  ...frameBody(KIND.content, segmentOf([DATA])),
  ...changes,
});
const framed = (name: string, changes: Partial<FrameBody>, says: RegExp): HostileState =>
  inPack(name, (snapshot) => snapshot.seal([frame(changes)]), says);

/** A segment whose header is said to be so long. */
function segment(headerBytes: number, rest: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(headerBytes);
  return Buffer.concat([length, rest]);
}

const ordinary = (name: string, more: Partial<HostileState> & Pick<HostileState, 'must'>): HostileState => ({
  name,
  forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]),
  ...more,
});

/** Its bytes were verified one by one, and it is in place before the pack ends. */
const WHOLE_STAYS = { leaves: ['r/a'] };
const HEAD = /the head of a frame says what no writer writes/;
const BOMB = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
const WIDE = zstdWithWindow(segmentOf([DATA]));

export const PACKS: readonly HostileState[] = [
  framed(
    'a frame that decompresses to 64 MiB and says 2 MiB',
    { body: BOMB, compression: COMPRESSION.zstd, plainBytes: 2 ** 21 },
    /does not decompress/,
  ),
  framed(
    'a frame that decompresses to 64 MiB and says so',
    { body: BOMB, compression: COMPRESSION.zstd, plainBytes: 2 ** 26 },
    HEAD,
  ),
  framed('a frame that says 4 GiB', { body: BOMB, compression: COMPRESSION.zstd, plainBytes: 2 ** 32 - 1 }, HEAD),
  framed(
    'a frame that decompresses to less than it says',
    { body: zstdCompressSync(DATA), compression: COMPRESSION.zstd, plainBytes: 2 ** 20 },
    /another length than it says/,
  ),
  framed(
    'a frame that is no zstd',
    { body: randomBytes(100), compression: COMPRESSION.zstd, plainBytes: 100 },
    /does not decompress/,
  ),
  {
    name: 'a frame that asks the decompressor for a window of 128 MiB',
    forge: (snapshot) => {
      const pack = snapshot.seal([
        frame({ body: WIDE, compression: COMPRESSION.zstd, plainBytes: segmentOf([DATA]).length }),
      ]);
      snapshot.blocks([r, { path: ['r'], entries: [file('a', { extents: [{ ...goodExtent(), pack }] })] }]);
    },
    // It gets no more memory than it fills.
    must: { harmless: ({ target }) => assert.deepEqual(readFileSync(join(target, 'r', 'a')), DATA) },
  },
  framed(
    'a frame that asks the decompressor for a window of 2 GiB',
    { body: zstdWithWindow(DATA, 31), compression: COMPRESSION.zstd, plainBytes: DATA.length },
    /does not decompress/,
  ),
  framed('a frame compressed by a method that is not known', { compression: 2 }, HEAD),
  framed(
    'a frame that is longer opened than sealed, without compression',
    { compression: COMPRESSION.none, plainBytes: 2 ** 20 },
    HEAD,
  ),
  inPack('a frame of an unknown kind', (snapshot) => snapshot.seal([frame({ kind: 4 as never })]), HEAD),
  inPack(
    'a segment whose header is longer than the segment',
    (snapshot) => snapshot.seal([frameBody(KIND.content, segment(2 ** 32 - 1, DATA))]),
    /a segment is shorter than its header/,
  ),
  inPack(
    'a segment of three bytes',
    (snapshot) => snapshot.seal([frameBody(KIND.content, Buffer.alloc(3))]),
    /a segment is shorter than its header/,
  ),
  inPack(
    'a segment that holds more than a MiB of data',
    (snapshot) => snapshot.seal([frameBody(KIND.content, segment(0, Buffer.alloc(2 ** 20 + 1, 'x')))]),
    /holds too much data/,
  ),
  inPack(
    'a segment whose header is no CBOR and whose data are other bytes',
    (snapshot) => snapshot.seal([frameBody(KIND.content, segment(4, randomBytes(200)))]),
    /another hash than the manifest says/,
  ),
  inPack(
    'a pack that goes on behind its last frame',
    (snapshot) => snapshot.keep(...sealFrames([frame({})], { behind: randomBytes(100) })),
    /goes on after its last frame/,
    WHOLE_STAYS,
  ),
  inPack(
    'a pack without a last frame',
    (snapshot) => snapshot.keep(...sealFrames([frame({})], { withoutEnd: true })),
    /ends before its last frame/,
    WHOLE_STAYS,
  ),
  inPack(
    'a pack whose padding is no zeros',
    (snapshot) => snapshot.keep(...sealFrames([frame({})], { padding: Buffer.alloc(9, 1) })),
    /the padding of a pack is not zeros/,
    WHOLE_STAYS,
  ),
  inPack(
    'a pack with another beginning',
    (snapshot) => snapshot.keep(...sealFrames([frame({})], { magic: 'RSTLPK99' })),
    /this is not a pack/,
  ),
  inPack(
    'a pack of which the name is not the hash',
    (snapshot) => {
      const [, bytes] = sealFrames([frame({})]);
      return snapshot.keep(packId('ab'.repeat(32)), bytes);
    },
    /its bytes are not what its name says/,
  ),
  inPack(
    'a pack whose frames end within a frame',
    (snapshot) => {
      const [, bytes] = sealFrames([frame({})]);
      const cut = bytes.subarray(0, 100);
      return snapshot.keep(packId(digest(cut).toString('hex')), cut);
    },
    /ends within a frame|ends before/,
  ),
  inPack(
    'a pack that was altered in one bit',
    (snapshot) => {
      const [, bytes] = sealFrames([frame({})]);
      bytes[90]! ^= 1;
      return snapshot.keep(packId(digest(bytes).toString('hex')), bytes);
    },
    /does not open/,
  ),
  inPack(
    'a pack whose frames are in another order',
    (snapshot) => snapshot.keep(...sealFrames([frame({}), frame({})], { swapped: true })),
    /does not open/,
  ),
  {
    name: 'a pack that is not there',
    forge: (snapshot) => {
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
      snapshot.packs.packs.delete(snapshot.references[0]!.id);
    },
    must: { refused: 'damaged', says: /damaged|missing|no pack/ },
  },
  ordinary('a descriptor of another state', {
    descriptor: () => ({ stateId: stateId('ab'.repeat(32)) }),
    must: { refused: 'refused', says: /it is of another state/ },
  }),
  ordinary('a descriptor that somebody else signed', {
    cve: ['CVE-2016-10099', 'CVE-2023-36811'],
    descriptor: () => ({ signer: OTHER }),
    must: { refused: 'refused', says: /it was signed by/ },
  }),
  ordinary('a descriptor of another association', {
    ofTest: true,
    descriptor: () => ({ association: associationId('cd'.repeat(32)) }),
    must: { refused: 'refused', says: /another association/ },
  }),
  ordinary('a descriptor with a wrong check of the key', {
    descriptor: () => ({ keyCheck: Buffer.alloc(16) }),
    must: { refused: 'refused', says: /this key is not the key of state/ },
  }),
  ordinary('a descriptor that vouches for another manifest', {
    cve: ['CVE-2016-10099', 'CVE-2023-36811'],
    descriptor: () => ({ manifestHash: Buffer.alloc(32) }),
    must: { refused: 'damaged', says: /the manifest is not the one that was signed/ },
  }),
  ordinary('a descriptor of the number 0', {
    descriptor: () => ({ snapshot: 0 }),
    must: { refused: 'damaged', says: /has the number 0/ },
  }),
  ordinary('a descriptor whose number is beyond 32 bits', {
    descriptor: () => ({ snapshot: 2 ** 40 }),
    must: { refused: 'damaged', says: /the number of a snapshot is not/ },
  }),
  ordinary('a descriptor whose sealed part is too short to be one', {
    descriptor: () => ({ sealedBytes: Buffer.alloc(20) }),
    must: { refused: 'damaged', says: /too short/ },
  }),
  ordinary('a descriptor whose sealed part was sealed with another key', {
    descriptor: () => ({ sealedBytes: randomBytes(400) }),
    must: { refused: 'damaged', says: /does not open/ },
  }),
  ordinary('a descriptor that was altered in one bit', {
    spoil: (descriptor) => {
      const spoiled = Uint8Array.from(descriptor);
      spoiled[spoiled.length - 100]! ^= 1;
      return spoiled;
    },
    must: { refused: 'damaged', says: /signature of a descriptor does not verify/ },
  }),
  ordinary('a descriptor with bytes behind it', {
    spoil: (descriptor) => Buffer.concat([descriptor, Buffer.of(0x2a, 0)]),
    must: { refused: 'damaged', says: /signature|not encoded as it should be/ },
  }),
  ordinary('a descriptor of no bytes', {
    spoil: () => new Uint8Array(0),
    must: { refused: 'damaged', says: /signature/ },
  }),
  ordinary('a descriptor larger than any can be', {
    spoil: (descriptor) => Buffer.concat([descriptor, Buffer.alloc(4 * 1024 * 1024)]),
    must: { refused: 'damaged', says: /too long/ },
  }),
  {
    name: 'a descriptor that names a pack twice',
    forge: (snapshot) => {
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
      snapshot.references.push(snapshot.references[0]!);
    },
    must: { refused: 'damaged', says: /names a pack twice/ },
  },
  ...(
    [
      ['smaller than it is', (bytes: number) => bytes - 1, /has another size/],
      ['larger than it is', (bytes: number) => bytes + 1, /has another size/],
      ['larger than any can be', () => 16 * 1024 * 1024 + 1, /the size of a pack is not/],
      ['smaller than any can be', () => 10, /too small/],
    ] as const
  ).map(
    ([what, sizeOf, says]): HostileState => ({
      name: `a descriptor that says a pack is ${what}`,
      forge: (snapshot) => {
        snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
        const [first] = snapshot.references;
        snapshot.references[0] = { ...first!, sizeBytes: sizeOf(first!.sizeBytes) };
      },
      must: { refused: 'damaged', says },
    }),
  ),
  {
    name: 'a part in a pack that the descriptor does not name',
    forge: (snapshot) => {
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
      snapshot.parts[0] = { ...snapshot.parts[0]!, pack: 99 };
    },
    must: { refused: 'damaged', says: /a part lies in a pack that the descriptor does not name/ },
  },
  {
    name: 'a part in a frame that is not there',
    forge: (snapshot) => {
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
      snapshot.parts[0] = { ...snapshot.parts[0]!, frame: 500 };
    },
    must: { refused: 'damaged', says: /a part of the manifest is missing/ },
  },
  {
    name: 'a part that lies in a frame of content',
    forge: (snapshot) => {
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
      snapshot.parts[0] = { ...snapshot.parts[0]!, pack: 0 };
    },
    must: { refused: 'damaged', says: /is no manifest frame/ },
  },
  {
    name: 'the same part twice',
    forge: (snapshot) => {
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
      snapshot.parts.push(snapshot.parts[0]!);
    },
    must: { refused: 'damaged', says: /comes before its parent, or twice/ },
  },
  {
    name: 'parts in another order',
    forge: (snapshot) => {
      snapshot.blocks([r]).blocks([{ path: ['r'], entries: [file('a')] }]);
      snapshot.parts.reverse();
    },
    must: { refused: 'damaged', says: /does not begin with its top folder/ },
  },
  {
    name: 'a name of the machine with escape sequences and a path in it, where a conflict needs it',
    cve: ['CVE-2023-43620'],
    forge: (snapshot) => {
      snapshot.machineName = '../../\u001b]0;owned\u0007\0\n/evil';
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
    },
    before: ({ target }) => writeIn(target, 'r/a', 'mine'),
    must: { conflict: ['r/a'] },
  },
];

/** A frame of zstd that holds these bytes raw, and asks for a window of 2^log bytes. */
function zstdWithWindow(bytes: Uint8Array, log = 27): Uint8Array {
  const block = Buffer.alloc(3);
  block.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3), block, bytes]);
}
