import assert from 'node:assert/strict';
import { DIRECT_BUFFERS, DIRECT_PACK_BYTES } from '../../../src/common/limits.ts';
import type { DirectAsk, DirectSink, Progress, SealedPack } from '../../../src/common/ports.ts';
import type { LineFrame } from '../../../src/state/capture/frame-line.ts';
import { EntrySet } from '../../../src/state/format/entry-set.ts';
import { decodeFileRecords, type FileRecord } from '../../../src/state/format/file-record.ts';
import { KIND } from '../../../src/state/format/frame-cipher.ts';
import {
  decodePart,
  digest,
  type Entry,
  type FileEntry,
  openDescriptor,
  openSealedPart,
  readPack,
} from '../../../src/state/format/index.ts';
import { decodeSegment } from '../../../src/state/format/segment.ts';
import { ManifestChecker, type ManifestVisitor } from '../../../src/state/restore/manifest-checker.ts';
import type { Sending } from '../../../src/state/send/index.ts';
import { identity } from './source-machine.ts';

const { stateId, stateKey } = identity;

/** Copies of packs in the order of `put`; never more at once than a receiver has buffers. */
export class Received implements DirectSink {
  readonly packs: { id: string; bytes: Uint8Array }[] = [];
  readonly progress: Progress[] = [];
  #open = 0;

  async put({ id, bytes }: SealedPack): Promise<number> {
    this.#open += 1;
    assert.ok(this.#open <= DIRECT_BUFFERS && bytes.length <= DIRECT_PACK_BYTES);
    assert.equal(digest(bytes).toString('hex'), id);
    this.packs.push({ id, bytes: bytes.slice() });
    await new Promise((resolve) => setImmediate(resolve));
    this.#open -= 1;
    return 0;
  }

  get on() {
    return {
      onProgress: (progress: Progress) => void this.progress.push(progress),
      signal: new AbortController().signal,
    };
  }
}

export interface PlannedEntry {
  readonly path: string;
  readonly entry: Entry;
}

const IGNORE: ManifestVisitor = {
  folder: () => 0,
  entry() {},
  fileStart() {},
  holes() {},
  extent() {},
  fileEnd() {},
  symlink() {},
  hardlink() {},
  special() {},
};

/** Asks for the plan and reads it as a receiver does: its entries by number. */
export async function planOf(sending: Sending): Promise<PlannedEntry[]> {
  const received = new Received();
  await sending.answer({ what: 'plan', entries: new Uint8Array(0), offsets: [] }, received, received.on);
  const header = await openDescriptor(sending.descriptor);
  const { parts, totals } = openSealedPart(header, stateKey);
  assert.deepEqual(
    received.packs.map(({ id, bytes }) => ({ id, sizeBytes: bytes.length })),
    header.packs,
  );
  const plains = received.packs.map(({ bytes }) =>
    [...readPack(bytes, stateKey, stateId)].map((frame) => frame.plain()),
  );
  const entries: PlannedEntry[] = [];
  const checker = new ManifestChecker(IGNORE);
  for (const { pack, frame, hash, entries: count } of parts) {
    const plain = plains[pack]![frame]!;
    assert.ok(digest(plain).equals(hash));
    const part = decodePart(plain);
    for (const { path, entries: inFolder } of part.blocks) {
      for (const entry of inFolder) {
        entries.push({ path: `/${[...path, entry.name].map((name) => Buffer.from(name)).join('/')}`, entry });
        if (entry.kind === 'file') assert.deepEqual([entry.extents, entry.changed], [[], false]);
      }
    }
    // As one whole hole a planned file is what the checker of manifests takes.
    const blocks = part.blocks.map((block) => ({ ...block, entries: block.entries.map(asHole) }));
    checker.part({ ...part, blocks }, count);
  }
  checker.end(totals);
  assert.deepEqual(
    { ...totals },
    {
      files: sending.plan.files,
      folders: sending.plan.folders,
      symlinks: sending.plan.symlinks,
      hardlinks: sending.plan.hardlinks,
      specials: sending.plan.specials,
      bytes: sending.plan.bytes,
    },
  );
  return entries;
}

function asHole(entry: Entry): Entry {
  if (entry.kind !== 'file' || entry.sizeBytes === 0) return entry;
  return { ...entry, holes: [{ offset: 0, length: entry.sizeBytes }] };
}

export function askFor(
  what: 'content' | 'compare',
  total: number,
  wanted: Iterable<number>,
  offsets: DirectAsk['offsets'] = [],
): DirectAsk {
  const set = new EntrySet(total);
  for (const entry of wanted) set.add(entry);
  return { what, entries: set.encode(), offsets };
}

interface Piece {
  readonly offset: number;
  readonly hash: Uint8Array;
  readonly data: Uint8Array;
}

/** What an answer said of one file. */
export interface AnsweredFile {
  begun?: FileEntry;
  file?: FileEntry;
  /** Lengths and hashes of all pieces, `more` included, and holes. */
  pieces: { offset: number; length: number; hash: Uint8Array }[];
  holes: { offset: number; length: number }[];
  left?: string;
  held?: true;
  /** Its bytes as they came, in that order. */
  sent: Piece[];
}

/** Reads an answer, and checks on the way that every record comes when it may. */
export function readAnswer(received: Received, recordsOnly = false): Map<number, AnsweredFile> {
  const frames = received.packs.flatMap(({ bytes }) =>
    [...readPack(bytes, stateKey, stateId)].map((frame) => ({ kind: frame.kind, plain: frame.plain() })),
  );
  return readFrames(frames, recordsOnly);
}

/** The same of frames that are in no pack yet. */
export function readFrames(frames: Iterable<LineFrame>, recordsOnly = false): Map<number, AnsweredFile> {
  const files = new Map<number, AnsweredFile>();
  const of = (entry: number): AnsweredFile => {
    const known = files.get(entry) ?? { pieces: [], holes: [], sent: [] };
    files.set(entry, known);
    return known;
  };
  let waiting: number[] = [];
  const done = new Set<number>();
  for (const { kind, plain } of frames) {
    if (kind === KIND.manifest) {
      for (const record of decodeFileRecords(plain)) if (take(of(record.entry), record)) waiting.push(record.entry);
      continue;
    }
    const { extents, data } = decodeSegment(plain);
    let at = 0;
    for (const { entry, fileOffset, length, hash } of extents) {
      const bytes = data.subarray(at, at + length);
      at += length;
      assert.ok(!done.has(entry), 'no bytes of a file come behind the segment that ended it');
      assert.ok(digest(bytes).equals(hash));
      assert.equal(of(entry).left, undefined, 'no bytes of a file come behind its leaving');
      of(entry).sent.push({ offset: fileOffset, hash, data: bytes });
    }
    for (const entry of waiting) {
      expectWhole(entry, of(entry));
      done.add(entry);
    }
    waiting = [];
  }
  if (!recordsOnly) for (const [entry, file] of files) expectWhole(entry, file);
  return files;
}

/** True for one whose pieces must be there with the next segment. */
function take(file: AnsweredFile, record: FileRecord): boolean {
  if (record.kind === 'begun') {
    assert.equal(file.sent.length, 0, 'begun comes before the first bytes');
    file.begun = record.file;
    return false;
  }
  assert.ok(!file.left && !file.held, 'nothing comes behind the last word on a file');
  if (record.kind === 'left') file.left = record.reason;
  else if (record.kind === 'held') file.held = true;
  else {
    if (record.kind === 'file') {
      assert.equal(file.file, undefined);
      file.file = record.file;
    }
    const holes = [...(record.file.holes ?? [])];
    const end = () => {
      const last = [...file.pieces, ...file.holes].sort((a, b) => a.offset - b.offset).at(-1);
      return last ? last.offset + last.length : 0;
    };
    const skip = () => {
      while (holes[0]?.offset === end()) file.holes.push(holes.shift()!);
    };
    for (const { length, hash, ...place } of record.file.extents) {
      assert.deepEqual(place, { pack: 0, segment: 0, offset: 0 });
      skip();
      file.pieces.push({ offset: end(), length, hash });
    }
    skip();
    assert.equal(holes.length, 0);
    if (!record.file.goesOn) assert.equal(end(), file.file!.sizeBytes);
    return true;
  }
  return false;
}

let offsets = new Map<number, number>();
/** From which offset on files were asked for: earlier pieces need not come. */
export function withOffsets<Result>(asked: DirectAsk['offsets'], work: () => Result): Result {
  offsets = new Map(asked.map(({ entry, offset }) => [entry, offset]));
  try {
    return work();
  } finally {
    offsets = new Map();
  }
}

function expectWhole(entry: number, file: AnsweredFile): void {
  const from = offsets.get(entry) ?? 0;
  for (const { offset, length, hash } of file.pieces) {
    if (offset < from) continue;
    const last = file.sent.findLast((piece) => piece.offset === offset);
    assert.ok(last && last.data.length === length && digest(last.data).equals(hash), `piece at ${offset} of ${entry}`);
  }
}

/** The bytes of a file as its pieces and holes give them. */
export function bytesOf(file: AnsweredFile, before: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(file.file!.sizeBytes);
  bytes.set(before.subarray(0, bytes.length));
  for (const { offset, data } of file.sent) bytes.set(data.subarray(0, Math.max(0, bytes.length - offset)), offset);
  return bytes;
}

/** Asks, and reads the answer. */
export async function answerOf(
  sending: Sending,
  ask: DirectAsk,
): Promise<{ files: Map<number, AnsweredFile>; received: Received }> {
  const received = new Received();
  await sending.answer(ask, received, received.on);
  return { files: withOffsets(ask.offsets, () => readAnswer(received, ask.what === 'compare')), received };
}
