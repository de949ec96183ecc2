import { asBuffer } from '../../common/bytes.ts';
import { EXPORT_HOLES_MAX } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import type { Hole } from '../format/entry.ts';
import { digest, type Extent, type FileEntry } from '../format/index.ts';
import { TAR_BLOCK_BYTES, tarPadding } from './tar-header.ts';
import { tarItem } from './tar-item.ts';
import { GapCounter, planSparse } from './tar-sparse.ts';
import type { WalkEvent } from './walk-manifest.ts';

/** Bytes handed on at a time. */
const PIECE_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/** What an archive will hold, known after a first walk. */
export interface TarSurvey {
  readonly files: number;
  readonly bytes: number;
  /** Items whose inode flags a tar archive does not carry. */
  readonly flagged: number;
  /** Of files that go on beyond one entry, by the entry's number: all their holes. */
  readonly holes: ReadonlyMap<number, readonly Hole[]>;
  /** Files that are written without their holes, since there were too many to keep in mind. */
  readonly filled: number;
}

/** The first walk: checks the whole manifest, and finds what has to be known before a file's first byte is written. */
export async function surveyForTar(walk: AsyncIterable<WalkEvent>): Promise<TarSurvey> {
  const holes = new Map<number, Hole[]>();
  const survey = { files: 0, bytes: 0, flagged: 0, filled: 0 };
  let left = EXPORT_HOLES_MAX;
  /** The number of the file that goes on, and its holes unless they are too many. */
  let current: { readonly number: number; list: Hole[] | undefined } | undefined;
  for await (const event of walk) {
    if (event.type === 'item') {
      const { entry } = event;
      if (entry.kind !== 'hardlink' && entry.extras && entry.extras.flags !== 0) survey.flagged += 1;
      if (entry.kind !== 'file') continue;
      survey.files += 1;
      survey.bytes += entry.sizeBytes;
      current = entry.goesOn ? { number: event.number!, list: [] } : undefined;
    } else if (event.type === 'holes' && current?.list) {
      left -= event.holes.length;
      if (left < 0) current.list = undefined;
      else for (const { offset, length } of event.holes) current.list.push({ offset, length });
    } else if (event.type === 'file-end' && current) {
      if (!current.list) survey.filled += 1;
      else if (current.list.length > 0) holes.set(current.number, current.list);
      current = undefined;
    }
  }
  return { ...survey, holes };
}

export interface TarSource {
  /** The data of a segment. */
  segment(event: Extract<WalkEvent, { type: 'extent' }>): Uint8Array;
  readonly survey: TarSurvey;
  /** Hears of every file that is written, with its size in bytes. */
  onFile(bytes: number): void;
}

/**
 * The archive of a snapshot in pieces, in the order of its manifest: a folder before what is in it, a file before the
 * links to it. Each piece of a file is checked against its hash. Throws `damaged`.
 */
export async function* tarOf(walk: AsyncIterable<WalkEvent>, source: TarSource): AsyncGenerator<Buffer, void> {
  const out = new Pieces();
  let file: OpenFile | undefined;
  for await (const event of walk) {
    if (event.type === 'item') {
      file = begin(out, event, source.survey);
    } else if (event.type === 'extent') {
      yield* out.zeros(file!.gapBefore(event.fileOffset));
      out.add(extentData(event.extent, source.segment(event)));
      file!.end = event.fileOffset + event.extent.length;
    } else if (event.type === 'file-end') {
      const { sizeBytes } = file!.entry;
      yield* out.zeros(file!.gapBefore(sizeBytes));
      out.add(tarPadding(file!.memberBytes));
      source.onFile(sizeBytes);
    }
    yield* out.full();
  }
  out.add(Buffer.alloc(2 * TAR_BLOCK_BYTES));
  yield out.rest();
}

interface OpenFile {
  readonly entry: FileEntry;
  readonly memberBytes: number;
  end: number;
  gapBefore(offset: number): number;
}

function begin(out: Pieces, event: Extract<WalkEvent, { type: 'item' }>, survey: TarSurvey): OpenFile | undefined {
  const { entry, path, linkTo, userName, groupName } = event;
  const holes = entry.kind === 'file' ? holesOf(entry, event.number!, survey) : [];
  const sparse = entry.kind === 'file' ? planSparse(entry.sizeBytes, holes) : undefined;
  out.add(tarItem({ path, entry, linkTo, userName, groupName, sparse }));
  if (entry.kind !== 'file') return undefined;
  if (sparse) out.add(sparse.map);
  const gaps = new GapCounter(sparse?.holes ?? []);
  return {
    entry,
    memberBytes: sparse?.memberBytes ?? entry.sizeBytes,
    end: 0,
    gapBefore(offset) {
      return gaps.zeros(this.end, offset);
    },
  };
}

function holesOf(entry: FileEntry, number: number, survey: TarSurvey): readonly Hole[] {
  return entry.goesOn ? (survey.holes.get(number) ?? []) : (entry.holes ?? []);
}

function extentData({ offset, length, hash }: Extent, segment: Uint8Array): Uint8Array {
  const data = segment.subarray(offset, offset + length);
  if (data.length !== length || !digest(data).equals(asBuffer(hash))) {
    throw damaged('a piece of a file has another hash than the manifest says');
  }
  return data;
}

/** Gathers bytes into pieces of one size: a header and a small file are too little to hand on. */
class Pieces {
  #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #used = 0;
  #ready: Buffer[] = [];

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, PIECE_BYTES - this.#used);
      this.#piece.set(bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
      if (this.#used === PIECE_BYTES) this.#ready.push(this.rest());
    }
  }

  /** Adds that many zeros, however many: what is full is handed on meanwhile. */
  *zeros(count: number): Generator<Buffer, void> {
    for (let left = count; left > 0; left -= PIECE_BYTES) {
      this.add(ZEROS.subarray(0, Math.min(left, PIECE_BYTES)));
      yield* this.full();
    }
  }

  *full(): Generator<Buffer, void> {
    yield* this.#ready;
    this.#ready = [];
  }

  /** What is gathered, however little. */
  rest(): Buffer {
    const piece = this.#piece.subarray(0, this.#used);
    this.#piece = Buffer.allocUnsafe(PIECE_BYTES);
    this.#used = 0;
    return piece;
  }
}
