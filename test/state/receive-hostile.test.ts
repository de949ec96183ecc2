import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DIRECT_PACK_BYTES, SEGMENT_DATA_BYTES } from '../../src/common/limits.ts';
import type { DirectAsk, DirectAsker, DirectTaker } from '../../src/common/ports.ts';
import { type FileRecord, FileRecordWriter } from '../../src/state/format/file-record.ts';
import { KIND } from '../../src/state/format/frame-cipher.ts';
import { digest, type FileEntry, frameBody, PackWriter } from '../../src/state/format/index.ts';
import { SegmentBuilder } from '../../src/state/format/segment.ts';
import { runs } from '../support/long.ts';
import { LocalAsker, planOf, receive } from './support/direct-move.ts';
import { identity, temporaryFolder } from './support/source-machine.ts';

/** A frame of an answer: records, pieces of a segment, or bytes as they are. */
type Frame =
  | { readonly records: readonly FileRecord[] }
  | { readonly pieces: readonly { entry: number; fileOffset: number; bytes: Uint8Array; hash?: Uint8Array }[] }
  | { readonly kind: 1 | 2; readonly plain: Uint8Array };

/** As the last of an answer: the stream breaks off there. */
const BREAK = { records: [] } as const;

function bodyOf(frame: Frame) {
  if ('plain' in frame) return frameBody(frame.kind, frame.plain, 1);
  if ('records' in frame) {
    const writer = new FileRecordWriter();
    for (const record of frame.records) writer.add(record);
    return frameBody(KIND.manifest, writer.take(), 1);
  }
  const segment = new SegmentBuilder();
  for (const { entry, fileOffset, bytes, hash } of frame.pieces) {
    segment.room(bytes.length).set(bytes);
    segment.add({ entry, fileOffset, length: bytes.length, hash: hash ?? digest(bytes) });
  }
  return frameBody(KIND.content, Uint8Array.from(segment.plain()), 1);
}

/** Gives the true plan, and its own content. */
class LyingAsker implements DirectAsker {
  readonly #true: DirectAsker;
  readonly #frames: (ask: DirectAsk, round: number) => readonly Frame[];
  rounds = 0;

  constructor(honest: DirectAsker, frames: (ask: DirectAsk, round: number) => readonly Frame[]) {
    this.#true = honest;
    this.#frames = frames;
  }

  async ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<boolean> {
    if (ask.what === 'plan') return await this.#true.ask(ask, taker, signal);
    const buffer = taker.borrow();
    const writer = new PackWriter(buffer, identity.stateKey, identity.stateId, randomBytes, DIRECT_PACK_BYTES);
    const frames = this.#frames(ask, this.rounds++);
    for (const frame of frames) writer.add(bodyOf(frame));
    await taker.take(buffer, writer.finish().sizeBytes);
    return frames.at(-1) !== BREAK;
  }
}

/** Two files: entry numbers 2 and 3 under `…/home`, found by what the honest sender says of them. */
async function scene(t: TestContext) {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'a'), 'hello');
  writeFileSync(join(home, 'b'), 'world!');
  const sending = await planOf(t, home);
  const honest = new LocalAsker(sending);
  const target = join(folder, 'target');
  const first = (asked: DirectAsk): number => {
    // Runs: first those not asked for, then those that are.
    return asked.entries[0]!;
  };
  return { folder, target, sending, honest, first };
}

const HELLO = Buffer.from('hello');
const fileEntry = (bytes: Uint8Array, changes: Partial<FileEntry> = {}): FileEntry => ({
  kind: 'file',
  name: Buffer.from('a'),
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtimeNs: 1_000_000_000n,
  sizeBytes: bytes.length,
  extents: bytes.length > 0 ? [{ pack: 0, segment: 0, offset: 0, length: bytes.length, hash: digest(bytes) }] : [],
  group: 0,
  changed: false,
  goesOn: false,
  ...changes,
});

const told = (entry: number, bytes: Uint8Array, changes?: Partial<FileEntry>): FileRecord => ({
  kind: 'file',
  entry,
  file: fileEntry(bytes, changes),
});

const LIES: Record<string, (first: number) => Frame[]> = {
  'a file that is no file of the plan': () => [{ pieces: [{ entry: 0, fileOffset: 0, bytes: HELLO }] }],
  'a file beyond the plan': () => [{ records: [told(100_000, HELLO)] }],
  'a piece of a file beyond the plan': () => [{ pieces: [{ entry: 4_000_000_000, fileOffset: 0, bytes: HELLO }] }],
  'a piece with another hash': (first) => [
    { pieces: [{ entry: first, fileOffset: 0, bytes: HELLO, hash: digest(Buffer.from('other')) }] },
  ],
  'more bytes than the size': (first) => [{ records: [told(first, HELLO, { sizeBytes: 3 })] }],
  'fewer bytes than the size': (first) => [{ records: [told(first, HELLO, { sizeBytes: 9 })] }],
  'a hole within the bytes': (first) => [
    { records: [told(first, HELLO, { sizeBytes: 8, holes: [{ offset: 2, length: 3 }] })] },
  ],
  'told of twice': (first) => [{ records: [told(first, HELLO), told(first, HELLO)] }],
  'goes on without a beginning': (first) => [
    { records: [{ kind: 'more', entry: first, file: { kind: 'more', name: HELLO, extents: [], goesOn: false } }] },
  ],
  'goes on with another file': (first) => [
    {
      records: [
        told(first, HELLO, { goesOn: true, sizeBytes: 10 }),
        { kind: 'more', entry: first + 1, file: { ...fileEntry(HELLO), kind: 'more' } as never },
      ],
    },
  ],
  'another file within one that goes on': (first) => [
    { records: [told(first, HELLO, { goesOn: true, sizeBytes: 10 }), told(first + 1, HELLO)] },
  ],
  'a segment that is none': () => [{ kind: 1, plain: randomBytes(200) }],
  'records that are none': () => [{ kind: 2, plain: randomBytes(200) }],
};

for (const [what, frames] of Object.entries(LIES)) {
  test(`refused: ${what}`, async (t) => {
    const { target, sending, honest, first } = await scene(t);
    const asker = new LyingAsker(honest, (ask) => frames(first(ask)));
    await assert.rejects(receive(sending, asker, target), (error: unknown) => {
      assert.ok(error instanceof ResettleError);
      assert.equal(error.code, 'damaged', `${error.message}\n${error.stack}`);
      return true;
    });
    const there = readdirSync(target).filter((name) => !name.startsWith('.resettle'));
    assert.deepEqual(there, []);
    // And it goes on with one who tells the truth.
    await receive(sending, honest, target);
    assert.deepEqual(readdirSync(target), ['a', 'b']);
  });
}

test('a file whose pieces are never those that were told of is listed after some rounds, the other is there', async (t) => {
  const { target, sending, honest, first } = await scene(t);
  const asker = new LyingAsker(honest, (ask, round) => {
    const entry = first(ask);
    const other = Buffer.from(`wrong${round}`);
    const lie: Frame[] = [{ pieces: [{ entry, fileOffset: 0, bytes: other }] }, { records: [told(entry, HELLO)] }];
    const truth: Frame[] = [
      { records: [told(entry + 1, HELLO)] },
      { pieces: [{ entry: entry + 1, fileOffset: 0, bytes: HELLO }] },
    ];
    return round === 0 ? [...lie, ...truth] : lie;
  });
  const result = await receive(sending, asker, target);
  assert.equal(asker.rounds, 3);
  assert.deepEqual(readdirSync(target), ['b']);
  assert.equal(result.files, 1);
  assert.equal(result.bytes, HELLO.length);
  assert.deepEqual(
    result.withheld.items.map(({ path }) => path),
    ['a'],
  );
});

test('an empty answer ends after some rounds, and says that nothing came', async (t) => {
  const { target, sending, honest } = await scene(t);
  const asker = new LyingAsker(honest, () => []);
  const result = await receive(sending, asker, target);
  assert.equal(result.files, 0);
  assert.equal(result.withheld.count, 2);
});

test('content where only hashes were asked for is refused', async (t) => {
  const { target, sending, honest, first } = await scene(t);
  mkdirSync(target);
  writeFileSync(join(target, 'a'), 'hullo');
  const asker = new LyingAsker(honest, (ask) => [{ pieces: [{ entry: first(ask), fileOffset: 0, bytes: HELLO }] }]);
  await assert.rejects(receive(sending, asker, target), { code: 'damaged' });
  assert.deepEqual(
    readdirSync(target).filter((name) => !name.startsWith('.resettle')),
    ['a'],
  );
});

test('whatever comes in a frame ends in nothing but "damaged", or in files of the plan', async (t) => {
  const { folder, sending, honest } = await scene(t);
  const bytes = fc.uint8Array({ maxLength: 40 });
  const entry = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom(0, 1_000_000, 2 ** 32 - 2));
  const anyFrame = fc.oneof(
    fc.record({ kind: fc.constantFrom(1 as const, 2 as const), plain: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({
      pieces: fc.array(fc.record({ entry, fileOffset: fc.constantFrom(0, 5, SEGMENT_DATA_BYTES), bytes }), {
        maxLength: 4,
      }),
    }),
    fc.record({
      records: fc.array(
        fc
          .tuple(entry, bytes, fc.nat(60), fc.boolean(), fc.constantFrom('file', 'left', 'held', 'begun'))
          .map(([number, content, sizeBytes, goesOn, kind]): FileRecord => {
            if (kind === 'left') return { kind, entry: number, reason: 'gone' };
            if (kind === 'held') return { kind, entry: number };
            if (kind === 'begun') return { kind, entry: number, file: fileEntry(content, { extents: [] }) };
            return told(number, content, { sizeBytes: goesOn ? sizeBytes : content.length, goesOn });
          }),
        { maxLength: 4 },
      ),
    }),
  );
  let tries = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyFrame, { maxLength: 6 }), async (frames) => {
      const target = join(folder, `target-${tries++}`);
      const asker = new LyingAsker(honest, () => frames);
      await receive(sending, asker, target).catch((error: unknown) => {
        assert.ok(error instanceof ResettleError && error.code === 'damaged', String(error));
      });
      const there = readdirSync(target).filter((name) => !name.startsWith('.resettle'));
      assert.ok(
        there.every((name) => ['a', 'b'].includes(name)),
        there.join(),
      );
      assert.ok(!existsSync(join(folder, 'a')));
    }),
    { numRuns: runs(20, 200) },
  );
});

// What an honest sender says of files that change while it reads them, or between two asks.

const half = SEGMENT_DATA_BYTES / 2;
const block = (letter: string, length = SEGMENT_DATA_BYTES): Buffer => Buffer.alloc(length, letter);
const extentOf = (bytes: Uint8Array) => ({
  ...{ pack: 0, segment: 0, offset: 0 },
  length: bytes.length,
  hash: digest(bytes),
});
const toldAs = (entry: number, pieces: readonly Uint8Array[], holes?: FileEntry['holes']): FileRecord => {
  const sizeBytes = [...pieces, ...(holes ?? [])].reduce((sum, { length }) => sum + length, 0);
  return told(entry, HELLO, { sizeBytes, extents: pieces.map(extentOf), ...(holes && { holes }) });
};

/** Both files of the scene are wanted; the second comes as it should. */
async function receiveFrames(t: TestContext, frames: (first: number, round: number) => readonly Frame[]) {
  const { target, sending, honest, first } = await scene(t);
  const asker = new LyingAsker(honest, (ask, round) => {
    const entry = first(ask);
    const answer = frames(entry, round);
    if (round > 0) return answer;
    const other: Frame[] = [
      { records: [told(entry + 1, HELLO)] },
      { pieces: [{ entry: entry + 1, fileOffset: 0, bytes: HELLO }] },
    ];
    return [...other, ...answer];
  });
  const result = await receive(sending, asker, target);
  return { result, asker, content: readFileSync(join(target, 'a')) };
}

test('a tail that was read before the file grew does not go over a block that was read after', async (t) => {
  const tail = block('t', 100);
  const { result, content } = await receiveFrames(t, (entry) => [
    { pieces: [{ entry, fileOffset: 0, bytes: block('a') }] },
    { pieces: [{ entry, fileOffset: SEGMENT_DATA_BYTES, bytes: block('b') }] },
    { records: [toldAs(entry, [block('a'), block('b'), tail])] },
    {
      pieces: [
        { entry, fileOffset: SEGMENT_DATA_BYTES, bytes: block('s', half) },
        { entry, fileOffset: 2 * SEGMENT_DATA_BYTES, bytes: tail },
      ],
    },
  ]);
  assert.ok(content.equals(Buffer.concat([block('a'), block('b'), tail])));
  assert.equal(result.bytes, 2 * SEGMENT_DATA_BYTES + tail.length + HELLO.length);
  assert.equal(result.withheld.count, 0);
});

test('a tail of an earlier reading may come when the file is in its place already', async (t) => {
  const { result, content } = await receiveFrames(t, (entry) => [
    { pieces: [{ entry, fileOffset: 0, bytes: block('a') }] },
    { pieces: [{ entry, fileOffset: SEGMENT_DATA_BYTES, bytes: block('b') }] },
    { records: [toldAs(entry, [block('a'), block('b')])] },
    { pieces: [{ entry, fileOffset: SEGMENT_DATA_BYTES, bytes: block('s', half) }] },
  ]);
  assert.ok(content.equals(Buffer.concat([block('a'), block('b')])));
  assert.equal(result.withheld.count, 0);
});

test('a small file that was read twice comes twice', async (t) => {
  const { result, content } = await receiveFrames(t, (entry) => [
    { records: [told(entry, HELLO)] },
    {
      pieces: [
        { entry, fileOffset: 0, bytes: HELLO },
        { entry, fileOffset: 0, bytes: HELLO },
      ],
    },
  ]);
  assert.ok(content.equals(HELLO));
  assert.equal(result.withheld.count, 0);
});

test('a piece that goes over part of another one makes that one lacking', async (t) => {
  const bytes = [block('a'), block('b')];
  const both = (entry: number): Frame[] => [
    { pieces: [{ entry, fileOffset: 0, bytes: bytes[0]! }] },
    { pieces: [{ entry, fileOffset: SEGMENT_DATA_BYTES, bytes: bytes[1]! }] },
  ];
  const { asker, content } = await receiveFrames(t, (entry, round) => [
    ...both(entry),
    ...(round === 0 ? [{ pieces: [{ entry, fileOffset: half, bytes: block('s', 100) }] }] : []),
    { records: [toldAs(entry, bytes)] },
  ]);
  assert.ok(content.equals(Buffer.concat(bytes)));
  assert.equal(asker.rounds, 2);
});

test('where a hole is now nothing of what was there before a break stays', async (t) => {
  const end = block('e', 100);
  const holes = [{ offset: 0, length: 2 * SEGMENT_DATA_BYTES }];
  const { asker, content, result } = await receiveFrames(t, (entry, round) =>
    round === 0
      ? [{ pieces: [{ entry, fileOffset: 0, bytes: block('o') }] }, BREAK]
      : [
          { records: [toldAs(entry, [end], holes)] },
          { pieces: [{ entry, fileOffset: 2 * SEGMENT_DATA_BYTES, bytes: end }] },
        ],
  );
  assert.ok(content.equals(Buffer.concat([block('\0', 2 * SEGMENT_DATA_BYTES), end])), 'old bytes lie in the hole');
  assert.equal(result.withheld.count, 0);
  assert.equal(asker.rounds, 3);
});

for (const [what, holes] of [
  ['empty', undefined],
  ['nothing but a hole', [{ offset: 0, length: 3 * SEGMENT_DATA_BYTES }]],
] as const) {
  test(`a file of which a part came, and that is ${what} after a break`, async (t) => {
    const { content, result } = await receiveFrames(t, (entry, round) =>
      round === 0
        ? [{ pieces: [{ entry, fileOffset: 0, bytes: block('o') }] }, BREAK]
        : [{ records: [toldAs(entry, [], holes)] }],
    );
    assert.ok(content.equals(Buffer.alloc(holes?.[0].length ?? 0)));
    assert.equal(result.files, 2);
    assert.equal(result.withheld.count, 0);
  });
}

test('a reason of the other machine cannot move a cursor', async (t) => {
  const { target, sending, honest, first } = await scene(t);
  const reason = '\u001b[2J\u202eerased';
  const asker = new LyingAsker(honest, (ask) => [
    { records: [0, 1].map((more) => ({ kind: 'left', entry: first(ask) + more, reason })) },
  ]);
  const { withheld } = await receive(sending, asker, target);
  assert.equal(withheld.count, 2);
  for (const item of withheld.items) assert.match(item.reason, /^not sent: [\x20-\x7e]+$/);
});

test('an unfinished file that somebody removes is not gone on with: it would lack what came before', async (t) => {
  const { folder, target, sending, honest, first } = await scene(t);
  const bytes = [block('a'), block('b')];
  const asker = new LyingAsker(honest, (ask, round) => {
    const entry = first(ask);
    const parts = [entry, entry + 1].map((one) => ({ entry: one, fileOffset: 0, bytes: bytes[0]! }));
    if (round === 0) return [...parts.map((one) => ({ pieces: [one] })), BREAK];
    const unfinished = readdirSync(target, { recursive: true, withFileTypes: true }).find(
      (item) => item.isFile() && item.name === `${entry}`,
    );
    rmSync(join(unfinished!.parentPath, unfinished!.name));
    return [
      { pieces: [{ entry, fileOffset: SEGMENT_DATA_BYTES, bytes: bytes[1]! }] },
      { records: [toldAs(entry, bytes)] },
    ];
  });
  await assert.rejects(receive(sending, asker, target), { code: 'failed', message: /cannot restore/ });
  assert.ok(!existsSync(join(target, 'a')));
  await receive(sending, honest, target);
  assert.equal(readFileSync(join(target, 'a'), 'utf8'), readFileSync(join(folder, 'home', 'a'), 'utf8'));
});

test('a file that changed while it was read is in place, and listed', async (t) => {
  const { target, sending, honest, first } = await scene(t);
  const asker = new LyingAsker(honest, (ask) => [
    { records: [told(first(ask), HELLO, { changed: true }), told(first(ask) + 1, HELLO)] },
    { pieces: [0, 1].map((at) => ({ entry: first(ask) + at, fileOffset: 0, bytes: HELLO })) },
  ]);
  const result = await receive(sending, asker, target);
  assert.deepEqual(readdirSync(target), ['a', 'b']);
  assert.deepEqual(result.withheld.items, [{ path: 'a', reason: 'it changed while it was read' }]);
});
