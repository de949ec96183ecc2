import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { associationId, packId } from '../../src/common/ids.ts';
import { PACK_FRAMES_MAX, PACK_MAX_BYTES } from '../../src/common/limits.ts';
import { BlockWriter } from '../../src/state/format/block.ts';
import { decodeCbor, readUint } from '../../src/state/format/cbor-reader.ts';
import { CborWriter } from '../../src/state/format/cbor-writer.ts';
import { type Entry, isSafeName } from '../../src/state/format/entry.ts';
import { readExtras } from '../../src/state/format/extras.ts';
import { KIND } from '../../src/state/format/frame-cipher.ts';
import {
  decodePart,
  digest,
  encodePart,
  frameBody,
  keyCheckValue,
  openDescriptor,
  openSealedPart,
  PackWriter,
  padmeBytes,
  readPack,
  signDescriptor,
  unwrapStateKey,
  wrapStateKey,
} from '../../src/state/format/index.ts';
import { sealPart } from '../../src/state/format/sealed-part.ts';
import { decodeSegment, SegmentBuilder } from '../../src/state/format/segment.ts';
import { readRecords, TrackedWriter } from '../../src/state/plan/tracked.ts';
import { about, identity, newIdentity } from './support/source-machine.ts';

const { stateKey, stateId } = identity;
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = (max: number) => fc.uint8Array({ minLength: 1, maxLength: max });
const safeName = bytes(40).filter(isSafeName);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const owner = fc.integer({ min: 0, max: 0xffff_fffe });
const aclLine = fc.oneof(
  fc.record({ tag: fc.constantFrom(1, 4, 16, 32), permissions: fc.nat(7), id: fc.constant(undefined) }),
  fc.record({ tag: fc.constantFrom(2, 8), permissions: fc.nat(7), id: owner }),
);
const xattrs = fc
  .uniqueArray(bytes(20), { maxLength: 3, selector: (name) => Buffer.from(name).toString('hex') })
  .map((names) => names.filter((name) => !name.includes(0)).sort(Buffer.compare))
  .map((names) => names.map((name) => ({ name, value: name })));
const extras = fc
  .record({
    xattrs,
    accessAcl: fc.array(aclLine, { maxLength: 3 }),
    defaultAcl: fc.array(aclLine, { maxLength: 3 }),
    flags: fc.constantFrom(0, 0x40),
  })
  .filter((all) => all.xattrs.length + all.accessAcl.length + all.defaultAcl.length + all.flags > 0);
const metadata = { mode: fc.integer({ min: 0, max: 0o7777 }), uid: owner, gid: owner, mtimeNs: int64 };
/** Adds what few items have, or leaves it away. */
const some = <A extends object, B extends object>(item: fc.Arbitrary<A>, more: fc.Arbitrary<B>): fc.Arbitrary<A & B> =>
  fc.tuple(item, fc.option(more, { nil: {} })).map(([a, b]) => ({ ...a, ...b }) as A & B);
const withExtras = <A extends object>(item: fc.Arbitrary<A>) => some(item, fc.record({ extras }));
const holes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 3 })
  .map((gaps) => {
    let end = 0;
    return gaps.map(([gap, length]) => {
      end += gap + length;
      return { offset: end - length, length };
    });
  });
const extent = fc.record({
  pack: fc.integer({ min: 0, max: 1 }),
  segment: fc.integer({ min: 0, max: PACK_FRAMES_MAX - 2 }),
  offset: fc.integer({ min: 0, max: 1000 }),
  length: fc.integer({ min: 1, max: 1_000_000 }),
  hash,
});
const entry: fc.Arbitrary<Entry> = fc.oneof(
  withExtras(
    some(
      fc.record({
        kind: fc.constant('file' as const),
        name: safeName,
        ...metadata,
        sizeBytes: fc.maxSafeNat(),
        extents: fc.array(extent, { maxLength: 4 }),
        group: fc.integer({ min: 0, max: 5 }),
        changed: fc.boolean(),
        goesOn: fc.boolean(),
      }),
      fc.record({ holes }),
    ),
  ),
  some(
    fc.record({
      kind: fc.constant('more' as const),
      name: safeName,
      extents: fc.array(extent, { maxLength: 4 }),
      goesOn: fc.boolean(),
    }),
    fc.record({ holes }),
  ),
  withExtras(fc.record({ kind: fc.constant('folder' as const), name: safeName, ...metadata })),
  withExtras(
    fc.record({
      kind: fc.constant('fifo' as const),
      name: safeName,
      ...metadata,
      major: fc.constant(0),
      minor: fc.constant(0),
    }),
  ),
  withExtras(
    fc.record({
      kind: fc.constantFrom('character' as const, 'block' as const),
      name: safeName,
      ...metadata,
      major: fc.nat(),
      minor: fc.nat(),
    }),
  ),
  fc.record({ kind: fc.constant('ancestor' as const), name: safeName }),
  fc.record({
    kind: fc.constant('symlink' as const),
    name: safeName,
    ...metadata,
    target: bytes(100).filter((target) => !target.includes(0)),
  }),
  fc.record({
    kind: fc.constant('hardlink' as const),
    name: safeName,
    ...metadata,
    group: fc.integer({ min: 1, max: 5 }),
  }),
);

/** Plain arrays instead of Buffers, so that deepEqual compares the bytes. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? [...value]
    : Array.isArray(value)
      ? value.map(plain)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
        : value;

const throwsOnlyOurs = (decode: () => unknown) => {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof ResettleError, String(error));
  }
};

test('integers of every length are written in the shortest form and come back', () => {
  fc.assert(
    fc.property(int64, (value) => {
      const writer = new CborWriter(1).int64(value);
      assert.equal(BigInt(decodeCbor(writer.view(), 'x') as bigint), value);
    }),
    { examples: [23n, 24n, 255n, 256n, 65535n, 65536n, 2n ** 32n, -1n, -24n, -25n, -257n].map((n) => [n]) },
  );
});

test('CBOR in a longer form, with indefinite lengths or doubled keys is refused', () => {
  for (const hex of ['1817', '190001', '9fff', 'a200010001', 'f7', 'fb7ff8000000000000', '0000', '']) {
    assert.throws(() => decodeCbor(Buffer.from(hex, 'hex'), 'x'), { code: 'damaged' }, hex);
  }
});

test('a zero with a sign, and attributes, ACLs or flags that are none, are refused', () => {
  assert.throws(() => readUint(decodeCbor(Buffer.from('f98000', 'hex'), 'x'), 'x'), { code: 'damaged' });
  for (const none of [
    [10, []],
    [11, [[], []]],
    [17, 0],
  ] as const) {
    const map = new Map<number, unknown>([[10, [[Buffer.from('user.x'), Buffer.alloc(0)]]], none]);
    assert.throws(() => readExtras(map), { code: 'damaged' }, `${none}`);
  }
});

test('records of a scratch file that hold no entries are damaged', () => {
  const writer = new TrackedWriter();
  writer.add(Buffer.from('x'), 0, 0, undefined, false, Buffer.from('a3', 'hex'));
  const [record] = readRecords(writer.view());
  assert.throws(() => record!.entries(), { code: 'damaged' });
});

test('a manifest part comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), fc.array(safeName, { maxLength: 5 }), (entries, path) => {
      const block = new BlockWriter();
      block.begin(path);
      for (const item of entries) block.entry(item);
      const names = new Map([
        [0, Buffer.from('root')],
        [1000, Buffer.from([0xff])],
      ]);
      const packs = [randomBytes(32), randomBytes(32)];
      const cbor = encodePart({ packs, userNames: names, groupNames: new Map() }, { count: 1, cbor: block.view() });
      const part = decodePart(cbor);
      assert.deepEqual(plain(part.packs), plain(packs));
      assert.deepEqual([...part.userNames.keys()], [0, 1000]);
      assert.deepEqual(plain(part.blocks), plain([{ path, entries }]));
    }),
  );
});

test('a segment comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), bytes(2000)), { maxLength: 20 }), (files) => {
      const builder = new SegmentBuilder();
      for (const [number, data] of files) {
        builder.room(data.length).set(data);
        builder.add({ entry: number, fileOffset: 5, length: data.length, hash: digest(data) });
      }
      const { extents, data } = decodeSegment(builder.plain());
      assert.deepEqual(
        extents.map((item) => item.entry),
        files.map(([number]) => number),
      );
      assert.deepEqual(
        [...data],
        files.flatMap(([, some]) => [...some]),
      );
    }),
    { numRuns: 20 },
  );
});

function seal(frames: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(PACK_MAX_BYTES);
  const writer = new PackWriter(out, stateKey, stateId, randomBytes);
  for (const frame of frames) writer.add(frameBody(KIND.content, frame));
  return out.slice(0, writer.finish().sizeBytes);
}

test('a pack comes back as it was, and its size is its Padmé bucket', () => {
  fc.assert(
    fc.property(fc.array(bytes(200_000), { maxLength: 5 }), (frames) => {
      const pack = seal(frames);
      assert.equal(padmeBytes(pack.length), pack.length);
      assert.deepEqual(
        [...readPack(pack, stateKey, stateId)].map((frame) => [...frame.plain()]),
        frames.map((f) => [...f]),
      );
    }),
    { numRuns: 20 },
  );
});

test('two packs of the same content share no key stream', () => {
  const frame = [new Uint8Array(1000)];
  assert.notDeepEqual(seal(frame).subarray(40), seal(frame).subarray(40));
});

const readWhole = (pack: Uint8Array) => {
  for (const frame of readPack(pack, stateKey, stateId)) frame.plain();
};

test('a flip of any bit of a pack, and any truncation, is detected', () => {
  const pack = seal([Buffer.from('hello '.repeat(50)), randomBytes(300)]);
  fc.assert(
    fc.property(fc.nat(pack.length - 1), fc.nat(7), (at, bit) => {
      const flipped = pack.slice();
      flipped[at]! ^= 1 << bit;
      assert.throws(() => readWhole(flipped), { code: 'damaged' });
      assert.throws(() => readWhole(pack.subarray(0, at)), { code: 'damaged' });
    }),
    { numRuns: 300 },
  );
  assert.throws(() => readWhole(Buffer.concat([pack, Buffer.of(0)])), { code: 'damaged' });
});

test('frames of a pack cannot be exchanged, dropped or taken from another', () => {
  const body = randomBytes(500);
  const pack = Buffer.from(seal([body, body]));
  const frameBytes = 32 + 500 + 16;
  const first = pack.subarray(40, 40 + frameBytes);
  const second = pack.subarray(40 + frameBytes, 40 + 2 * frameBytes);
  const rest = pack.subarray(40 + 2 * frameBytes);
  for (const frames of [[second, first], [first], [second], [first, first], [first, second, second]]) {
    assert.throws(() => readWhole(Buffer.concat([pack.subarray(0, 40), ...frames, rest])), { code: 'damaged' });
  }
});

test('a frame that would decompress to more than it says is refused', () => {
  const out = new Uint8Array(PACK_MAX_BYTES);
  const writer = new PackWriter(out, stateKey, stateId, randomBytes);
  const body = frameBody(KIND.content, new Uint8Array(1_000_000));
  writer.add({ ...body, plainBytes: 1000 });
  const { sizeBytes } = writer.finish();
  assert.throws(() => readWhole(out.subarray(0, sizeBytes)), { code: 'damaged' });
});

const sealed = () =>
  sealPart(
    {
      roots: [[Buffer.from('home'), Buffer.from([0xff])]],
      parts: [{ pack: 1, frame: 2, hash: digest(Buffer.of(1)), entries: 3 }],
      totals: { files: 1, folders: 2, symlinks: 3, hardlinks: 4, specials: 5, bytes: 2 ** 40 },
      capturedAtNs: -5n,
      machineName: 'böx',
      platform: 'linux x64',
      leftOut: { count: 2, items: [{ path: Buffer.from('/x\n'), reason: 'a socket' }] },
    },
    stateKey,
    stateId,
    randomBytes,
  );

const describe = (changes = {}) =>
  signDescriptor(
    {
      stateId,
      association: associationId('ab'.repeat(32)),
      snapshot: 3,
      previous: digest(Buffer.of(7)),
      keyCheck: keyCheckValue(stateKey, stateId),
      manifestHash: digest(Buffer.of(8)),
      packs: [{ id: packId('cd'.repeat(32)), sizeBytes: 1000 }],
      sealed: sealed(),
      ...changes,
    },
    identity.privateKey,
  );

test('a descriptor comes back as it was, with its signer', async () => {
  const file = await describe();
  const header = await openDescriptor(file);
  assert.equal(header.source, identity.source);
  assert.equal(header.association, 'ab'.repeat(32));
  assert.equal(header.snapshot, 3);
  assert.deepEqual(header.packs, [{ id: 'cd'.repeat(32), sizeBytes: 1000 }]);
  assert.deepEqual(header.descriptorHash, digest(file));
  const part = openSealedPart(header, stateKey);
  assert.equal(part.machineName, 'böx');
  assert.equal(part.capturedAtNs, -5n);
  assert.equal(part.totals.bytes, 2 ** 40);
  assert.deepEqual(plain(part.leftOut), { count: 2, items: [{ path: [47, 120, 10], reason: 'a socket' }] });
  assert.equal(
    (await openDescriptor(await describe({ association: undefined, previous: null }))).association,
    undefined,
  );
});

test('a flip of any bit of a descriptor, and any truncation, is detected', async () => {
  const file = await describe();
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.nat(7), async (at, bit) => {
      const flipped = file.slice();
      flipped[at]! ^= 1 << bit;
      await assert.rejects(openDescriptor(flipped), { code: 'damaged' });
      await assert.rejects(openDescriptor(file.subarray(0, at)), { code: 'damaged' });
    }),
    { numRuns: 200 },
  );
});

test('a state key that is another one is refused before anything is opened', async () => {
  const header = await openDescriptor(await describe());
  assert.throws(() => openSealedPart(header, randomBytes(32)), { code: 'refused' });
  assert.throws(() => openSealedPart(header, randomBytes(31)), { code: 'refused' });
});

test('decoders of hostile bytes throw errors of ours only', async () => {
  const pack = seal([Buffer.from('x'.repeat(100))]);
  const block = new BlockWriter();
  block.begin([Buffer.from('a')]);
  block.entry({
    kind: 'symlink',
    name: Buffer.from('l'),
    mode: 1,
    uid: 2,
    gid: 3,
    mtimeNs: 4n,
    target: Buffer.from('t'),
  });
  const part = encodePart({ packs: [], userNames: new Map(), groupNames: new Map() }, { count: 1, cbor: block.view() });
  const builder = new SegmentBuilder();
  builder.room(3).set([1, 2, 3]);
  builder.add({ entry: 0, fileOffset: 0, length: 3, hash: digest(Buffer.of(1, 2, 3)) });
  const segment = Buffer.from(builder.plain());
  const file = await describe();
  const hostile = (valid: Uint8Array) =>
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(valid.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, some]) => {
        const changed = valid.slice();
        changed.set(some.subarray(0, changed.length - at), at);
        return changed;
      }),
    );
  fc.assert(
    fc.property(hostile(pack), (some) => throwsOnlyOurs(() => readWhole(some))),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(hostile(part), (some) => throwsOnlyOurs(() => decodePart(some))),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(hostile(segment), (some) => throwsOnlyOurs(() => decodeSegment(some))),
    { numRuns: 500 },
  );
  await fc.assert(
    fc.asyncProperty(hostile(file), async (some) => {
      await openDescriptor(some).catch((error: unknown) => assert.ok(error instanceof ResettleError, String(error)));
    }),
    { numRuns: 100 },
  );
  throwsOnlyOurs(() => decodePart(Buffer.alloc(1_000_000, 0x81)));
});

test('names that lead out of their folder are refused when a manifest is read', () => {
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0b', 'x'.repeat(256)]) {
    const block = new BlockWriter();
    block.begin([]);
    block.entry({ kind: 'ancestor', name: Buffer.from(name) });
    const blocks = { count: 1, cbor: Buffer.from(block.view()) };
    const cbor = encodePart({ packs: [], userNames: new Map(), groupNames: new Map() }, blocks);
    assert.throws(() => decodePart(cbor), { code: 'damaged' }, JSON.stringify(name));
  }
});

test('Padmé adds at most an eighth, and its buckets are stable', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: PACK_MAX_BYTES }), (length) => {
      const padded = padmeBytes(length);
      assert.ok(padded >= length && padded <= PACK_MAX_BYTES && padded <= length * 1.125);
      assert.equal(padmeBytes(padded), padded);
    }),
  );
  // Examples by the paper's formula.
  assert.equal(padmeBytes(9), 10);
  assert.equal(padmeBytes(1_000_001), 1_015_808);
});

test('a state key in an age file opens for its recipient only, and an altered file does not', async () => {
  const mine = await generateX25519Identity();
  const other = await generateX25519Identity();
  const file = await wrapStateKey(stateKey, await identityToRecipient(mine));
  assert.deepEqual(Buffer.from(await unwrapStateKey(file, mine)), Buffer.from(stateKey));
  await assert.rejects(unwrapStateKey(file, other), { code: 'refused' });
  for (let at = 0; at < file.length; at += 7) {
    const flipped = file.slice();
    flipped[at]! ^= 1;
    await assert.rejects(unwrapStateKey(flipped, mine), ResettleError);
    await assert.rejects(unwrapStateKey(file.subarray(0, at), mine), ResettleError);
  }
  await assert.rejects(wrapStateKey(stateKey, 'nobody'), { code: 'usage' });
});

test('a descriptor signed by somebody else is told by its source', async () => {
  const other = await newIdentity();
  const { privateKey } = about(other);
  const claims = await openDescriptor(await describe());
  const header = await openDescriptor(await signDescriptor(claims, privateKey));
  assert.equal(header.source, other.source);
});
