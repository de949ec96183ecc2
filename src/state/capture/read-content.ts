import { type BigIntStats, readSync } from 'node:fs';
import { REREAD_BYTES_MAX, SEGMENT_DATA_BYTES } from '../../common/limits.ts';
import { digest } from '../format/digest.ts';
import type { Hole } from '../format/entry.ts';
import type { Extent } from '../format/index.ts';
import { statOf } from '../fs/calls.ts';
import { dataRuns, mayHaveHoles } from '../plan/data-runs.ts';
import type { OpenSegments, Segment } from './open-segments.ts';
import type { SeenContent } from './seen-content.ts';

/** A file that changed while it was read is read again this many times. */
const READS_MAX = 3;

/** What was read of a file: metadata and content belong together unless `changed`. */
export interface Content {
  readonly stats: BigIntStats;
  readonly extents: readonly Extent[];
  /** Ascending; with the extents they cover the file. */
  readonly holes: readonly Hole[];
  readonly sizeBytes: number;
  readonly changed: boolean;
}

/** Says which bytes of the file need not be gathered: they lie somewhere already. Asked in file order. */
export interface KnownBytes {
  find(fileOffset: number, length: number, hash: Uint8Array): Extent | undefined;
}

interface Piece {
  readonly fileOffset: number;
  readonly extent: Extent;
}

export function readUpTo(fd: number, into: Buffer, position: number): number {
  let read = 0;
  while (read < into.length) {
    const got = readSync(fd, into, read, into.length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return read;
}

function same(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** Reads files into segments; bytes that lie where the last capture found them are referred to, not gathered. */
export class ContentReader {
  readonly #segments: OpenSegments;
  readonly #seen: SeenContent | undefined;
  readonly #onPiece: (bytes: number) => void;
  /** Of the large file that is being read, or was last. */
  #pieces: Piece[] = [];
  #rereadBytesLeft = REREAD_BYTES_MAX;

  /** `onPiece` hears how far a large file was read. Without `seen` the same bytes are gathered as often as they come. */
  constructor(segments: OpenSegments, onPiece: (bytes: number) => void, seen?: SeenContent) {
    this.#segments = segments;
    this.#seen = seen;
    this.#onPiece = onPiece;
  }

  /** What was read of the file under way: nothing of a small one. */
  soFar(): Pick<Content, 'extents' | 'holes'> {
    const last = this.#pieces.at(-1);
    return {
      extents: this.#pieces.map(({ extent }) => extent),
      holes: holesBetween(this.#pieces, last ? last.fileOffset + last.extent.length : 0),
    };
  }

  /**
   * Reads an open file, at most `plannedBytes` of it, so that a file that grows cannot overrun what was reserved.
   * `changed` when it was not the same before and after, or has grown beyond the plan.
   */
  *read(fd: number, entry: number, plannedBytes: number, before: KnownBytes | undefined): Generator<Segment, Content> {
    this.#pieces = [];
    const stats = statOf(fd);
    const isWhole = plannedBytes <= SEGMENT_DATA_BYTES && !mayHaveHoles(stats);
    return isWhole
      ? yield* this.#readSmall(fd, entry, plannedBytes, stats, before)
      : yield* this.#readLarge(fd, entry, plannedBytes, stats, before);
  }

  *#readSmall(
    fd: number,
    entry: number,
    plannedBytes: number,
    first: BigIntStats,
    before: KnownBytes | undefined,
  ): Generator<Segment, Content> {
    const room = yield* this.#segments.gatheredRoom(plannedBytes);
    let stats = first;
    let sizeBytes = 0;
    let steady = false;
    for (let attempt = 0; attempt < READS_MAX && !steady; attempt++) {
      const earlier = stats;
      sizeBytes = readUpTo(fd, room, 0);
      stats = statOf(fd);
      steady = same(earlier, stats);
    }
    const extents: Extent[] = [];
    if (sizeBytes > 0) {
      const hash = digest(room.subarray(0, sizeBytes));
      const known = before?.find(0, sizeBytes, hash) ?? this.#seen?.find(hash, sizeBytes);
      extents.push(known ?? this.#added(this.#segments.addGathered({ entry, fileOffset: 0, hash }, sizeBytes)));
    }
    return { stats, extents, holes: [], sizeBytes, changed: !steady || stats.size !== BigInt(sizeBytes) };
  }

  *#readLarge(
    fd: number,
    entry: number,
    plannedBytes: number,
    first: BigIntStats,
    before: KnownBytes | undefined,
  ): Generator<Segment, Content> {
    const sparse = mayHaveHoles(first);
    const pieces = this.#pieces;
    const runs = sparse ? dataRuns(fd, plannedBytes) : [{ start: 0, end: plannedBytes }];
    for (const { fileOffset, length } of cutRuns(runs)) {
      const piece = yield* this.#piece(fd, entry, fileOffset, length, false, (hash, size) =>
        before?.find(fileOffset, size, hash),
      );
      if (piece) pieces.push(piece);
      this.#onPiece(fileOffset + length);
      if (piece?.extent.length !== length) break;
    }
    let stats = statOf(fd);
    let steady = same(first, stats);
    for (let attempt = 1; attempt < READS_MAX && !steady && !sparse; attempt++) {
      const again = yield* this.#readAgain(fd, entry, plannedBytes, pieces);
      if (!again) break;
      ({ stats, steady } = again);
    }
    const last = pieces.at(-1);
    const end = last ? last.fileOffset + last.extent.length : 0;
    const sizeBytes = sparse ? Math.max(end, Math.min(plannedBytes, Number(stats.size))) : end;
    return {
      stats,
      extents: pieces.map(({ extent }) => extent),
      holes: holesBetween(pieces, sizeBytes),
      sizeBytes,
      changed: !steady || stats.size !== BigInt(sizeBytes),
    };
  }

  /**
   * Goes once more over a file that changed, and seals the blocks that differ: what is there then belongs to one moment
   * if nothing changed meanwhile. Undefined where the file became shorter, or too much has been read again already.
   */
  *#readAgain(
    fd: number,
    entry: number,
    plannedBytes: number,
    pieces: Piece[],
  ): Generator<Segment, { stats: BigIntStats; steady: boolean } | undefined> {
    const earlier = statOf(fd);
    if (earlier.size < BigInt(plannedBytes)) return undefined;
    let at = 0;
    for (const { fileOffset, length } of cutRuns([{ start: 0, end: plannedBytes }])) {
      const known = pieces[at];
      const piece = yield* this.#piece(fd, entry, fileOffset, length, true, (hash, size) => {
        const isSame = known && known.extent.length === size && Buffer.compare(known.extent.hash, hash) === 0;
        if (!isSame) this.#rereadBytesLeft -= size;
        return isSame ? known.extent : undefined;
      });
      if (!piece) return undefined;
      // What was gathered last is what the file is said to hold, in any case.
      pieces[at++] = piece;
      if (this.#rereadBytesLeft < 0) return undefined;
    }
    const stats = statOf(fd);
    return { stats, steady: same(earlier, stats) };
  }

  /**
   * Reads one piece; what `find` knows already is not gathered. Undefined at the end of the file, and, where `whole` is
   * wanted, for one that the file ends in.
   */
  *#piece(
    fd: number,
    entry: number,
    fileOffset: number,
    length: number,
    whole: boolean,
    find: (hash: Uint8Array, length: number) => Extent | undefined,
  ): Generator<Segment, Piece | undefined> {
    const isBlock = length === SEGMENT_DATA_BYTES;
    const room = isBlock ? this.#segments.blockRoom(length) : yield* this.#segments.gatheredRoom(length);
    const size = readUpTo(fd, room, fileOffset);
    if (size === 0 || (whole && size < length)) return undefined;
    const hash = digest(room.subarray(0, size));
    const known = find(hash, size) ?? this.#seen?.find(hash, size);
    if (known) return { fileOffset, extent: known };
    const piece = { entry, fileOffset, hash };
    const extent = isBlock ? yield* this.#segments.addBlock(piece, size) : this.#segments.addGathered(piece, size);
    return { fileOffset, extent: this.#added(extent) };
  }

  #added(extent: Extent): Extent {
    this.#seen?.add(extent);
    return extent;
  }
}

/** Cuts runs of data at multiples of SEGMENT_DATA_BYTES. */
function* cutRuns(
  runs: Iterable<{ start: number; end: number }>,
): Generator<{ fileOffset: number; length: number }, void> {
  for (const { start, end } of runs) {
    for (let at = start; at < end; ) {
      const next = Math.min(end, (Math.floor(at / SEGMENT_DATA_BYTES) + 1) * SEGMENT_DATA_BYTES);
      yield { fileOffset: at, length: next - at };
      at = next;
    }
  }
}

function holesBetween(pieces: readonly Piece[], sizeBytes: number): Hole[] {
  const holes: Hole[] = [];
  let at = 0;
  for (const { fileOffset, extent } of pieces) {
    if (fileOffset > at) holes.push({ offset: at, length: fileOffset - at });
    at = fileOffset + extent.length;
  }
  if (sizeBytes > at) holes.push({ offset: at, length: sizeBytes - at });
  return holes;
}
