import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { ENTRIES_MAX, SEGMENT_PLAIN_MAX_BYTES } from '../../src/common/limits.ts';
import { CborWriter } from '../../src/state/format/cbor-writer.ts';
import { type FileEntry, isSafeName, type MoreEntry, writeEntry } from '../../src/state/format/entry.ts';
import { decodeFileRecords, type FileRecord, FileRecordWriter } from '../../src/state/format/file-record.ts';
import * as forge from './support/forge.ts';

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const name = bytes(1, 30).filter(isSafeName);
const extent = fc.record({
  pack: fc.constant(0),
  segment: fc.constant(0),
  offset: fc.constant(0),
  length: fc.integer({ min: 1, max: 1024 * 1024 }),
  hash: bytes(32, 32),
});
const extents = fc.array(extent, { maxLength: 5 });
const holes = fc
  .array(fc.tuple(fc.nat({ max: 1000 }), fc.integer({ min: 1, max: 1000 })), { minLength: 1, maxLength: 4 })
  .map((steps) => {
    let end = 0;
    return steps.map(([gap, length]) => {
      const hole = { offset: end + gap, length };
      end = hole.offset + length;
      return hole;
    });
  });
const extras = fc.record({
  xattrs: fc.constantFrom([], [{ name: Buffer.from('user.a'), value: Buffer.from('b') }]),
  accessAcl: fc.constantFrom([], [{ tag: 2, permissions: 5, id: 1000 }]),
  defaultAcl: fc.constant([]),
  flags: fc.integer({ min: 1, max: 0xffff_ffff }),
});
const metadata = {
  name,
  mode: fc.nat({ max: 0o7777 }),
  uid: fc.nat({ max: 0xffff_fffe }),
  gid: fc.nat({ max: 0xffff_fffe }),
  mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  sizeBytes: fc.maxSafeNat(),
  group: fc.nat({ max: 1000 }),
};
const maybe = <T>(key: string, arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));

const file: fc.Arbitrary<FileEntry> = fc
  .tuple(
    fc.record({
      kind: fc.constant('file' as const),
      ...metadata,
      extents,
      changed: fc.boolean(),
      goesOn: fc.boolean(),
    }),
    maybe('holes', holes),
    maybe('extras', extras),
  )
  .map(([base, more, less]) => ({ ...base, ...more, ...less }));
const begun: fc.Arbitrary<FileEntry> = fc
  .tuple(fc.record({ kind: fc.constant('file' as const), ...metadata, changed: fc.boolean() }), maybe('extras', extras))
  .map(([base, more]) => ({ ...base, ...more, extents: [], goesOn: false }));
const more: fc.Arbitrary<MoreEntry> = fc
  .tuple(fc.record({ kind: fc.constant('more' as const), name, extents, goesOn: fc.boolean() }), maybe('holes', holes))
  .map(([base, holed]) => ({ ...base, ...holed }));

const entry = fc.integer({ min: 0, max: ENTRIES_MAX });
const record: fc.Arbitrary<FileRecord> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), entry, file }),
  fc.record({ kind: fc.constant('more' as const), entry, file: more }),
  fc.record({ kind: fc.constant('begun' as const), entry, file: begun }),
  fc.record({ kind: fc.constant('left' as const), entry, reason: fc.string({ minLength: 1, maxLength: 80 }) }),
  fc.record({ kind: fc.constant('held' as const), entry }),
);

/** Byte strings of one kind, so that what was read can be compared with what was written. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, plain(item)]),
  );
}

const encode = (records: readonly FileRecord[]): Buffer => {
  const writer = new FileRecordWriter();
  for (const one of records) writer.add(one);
  assert.equal(writer.count, records.length);
  const frame = writer.take();
  assert.deepEqual([writer.count, writer.bytes], [0, 0]);
  return frame;
};

test('records read back as they were written', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 10 }), (records) => {
      assert.deepEqual(plain(decodeFileRecords(encode(records))), plain(records));
    }),
  );
});

test('a writer begins anew behind each frame, and a frame stays as it is', () => {
  fc.assert(
    fc.property(fc.array(fc.array(record, { maxLength: 4 }), { maxLength: 4 }), (frames) => {
      const writer = new FileRecordWriter();
      const taken = frames.map((records) => {
        for (const one of records) writer.add(one);
        return writer.take();
      });
      assert.deepEqual(
        taken.map((frame) => plain(decodeFileRecords(frame))),
        plain(frames),
      );
    }),
  );
});

test('a long reason is cut', () => {
  const [read] = decodeFileRecords(encode([{ kind: 'left', entry: 1, reason: 'ä'.repeat(500) }]));
  assert.ok(read?.kind === 'left' && read.reason.startsWith('ää') && read.reason.length <= 128);
});

/** Throws `damaged` and nothing else, or does not throw. */
function expectOnlyDamaged(frame: Uint8Array): boolean {
  try {
    decodeFileRecords(frame);
    return true;
  } catch (error) {
    assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
    return false;
  }
}

test('random bytes, and frames in which bytes were altered, are read or damaged, and nothing else', () => {
  fc.assert(
    fc.property(bytes(0, 300), (frame) => void expectOnlyDamaged(frame)),
    { numRuns: 500 },
  );
  const altered = fc.array(fc.tuple(fc.nat({ max: 4000 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 4 }),
      altered,
      fc.nat({ max: 20 }),
      (records, alter, cut) => {
        const frame = encode(records);
        for (const [at, byte] of alter) frame[at % frame.length] = byte;
        expectOnlyDamaged(frame.subarray(0, frame.length - cut));
      },
    ),
    { numRuns: 1000 },
  );
});

test('records that no sender writes are damaged', () => {
  const wrong = (kind: number, write: (writer: CborWriter) => void, number = 5): Buffer => {
    const writer = new CborWriter();
    writer.array(1).array(3).uint(number).uint(kind);
    write(writer);
    return writer.view();
  };
  const writesEntry = (one: Parameters<typeof writeEntry>[1]) => (writer: CborWriter) => writeEntry(writer, one);
  const whole = forge.file('name') as FileEntry;
  const cases: [string, Buffer][] = [
    ['a kind that is none', wrong(5, (writer) => writer.null())],
    ['held with something', wrong(4, (writer) => writer.uint(0))],
    ['left without a reason', wrong(3, (writer) => writer.bytes(Buffer.alloc(0)))],
    ['left with a text', wrong(3, (writer) => writer.text('reason'))],
    ['a folder as a file', wrong(0, writesEntry(forge.folder('name')))],
    ['a file as more', wrong(1, writesEntry(whole))],
    ['more as a file', wrong(0, writesEntry({ kind: 'more', name: whole.name, extents: [], goesOn: false }))],
    ['begun with pieces', wrong(2, writesEntry(whole))],
    ['begun that goes on', wrong(2, writesEntry({ ...whole, extents: [], goesOn: true }))],
    ['begun with holes', wrong(2, writesEntry({ ...whole, extents: [], holes: [{ offset: 0, length: 5 }] }))],
    [
      'a piece of another segment',
      wrong(0, writesEntry({ ...whole, extents: [{ ...whole.extents[0]!, segment: 1 }] })),
    ],
    ['a name that leads out', wrong(0, writesEntry({ ...whole, name: Buffer.from('../x') }))],
    ['an entry beyond any plan', wrong(4, (writer) => writer.null(), ENTRIES_MAX + 1)],
    ['no list', new CborWriter().map(0).view()],
  ];
  assert.ok(expectOnlyDamaged(wrong(0, writesEntry(whole))), 'the one that is right');
  for (const [what, frame] of cases) assert.ok(!expectOnlyDamaged(frame), what);
  assert.ok(!expectOnlyDamaged(new Uint8Array(SEGMENT_PLAIN_MAX_BYTES + 1)));
});
