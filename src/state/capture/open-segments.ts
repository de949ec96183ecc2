import type { Extent } from '../format/index.ts';
import { SegmentBuilder } from '../format/segment.ts';

/** A segment's plaintext, in memory that is used again for the next one. */
export interface Segment {
  /** Counts the segments of a capture from 0; not always in the order in which they are yielded. */
  readonly number: number;
  readonly plain: Uint8Array;
  /** It holds small files and tails, not a block of a large file. */
  readonly gathered: boolean;
}

/** A segment that is being filled: its number is given with its first data. */
class OpenSegment {
  readonly builder = new SegmentBuilder();
  number: number | undefined;
}

/** Whose bytes are added: the entry's number, where in the file, and their hash. */
interface Piece {
  readonly entry: number;
  readonly fileOffset: number;
  readonly hash: Uint8Array;
}

/** The two segments under way: one gathers small files and tails, one holds a whole block of a large file. */
export class OpenSegments {
  readonly #gathered = new OpenSegment();
  readonly #block = new OpenSegment();
  #next = 0;
  #lastGathered: number | undefined;

  /** Whose piece is the last one in the gathered segment, by the entry's number; undefined while that is empty. */
  get gatheredLast(): number | undefined {
    return this.#gathered.number === undefined ? undefined : this.#lastGathered;
  }

  /** Memory for that many bytes that belong together; what was gathered is yielded first if they do not fit. */
  *gatheredRoom(length: number): Generator<Segment, Buffer> {
    if (!this.#gathered.builder.fits(length)) yield* this.#close(this.#gathered);
    return this.#gathered.builder.room(length);
  }

  blockRoom(length: number): Buffer {
    return this.#block.builder.room(length);
  }

  /** Takes the first `length` bytes of the room that was given. */
  addGathered(piece: Piece, length: number): Extent {
    this.#lastGathered = piece.entry;
    return this.#add(this.#gathered, piece, length);
  }

  *addBlock(piece: Piece, length: number): Generator<Segment, Extent> {
    const extent = this.#add(this.#block, piece, length);
    yield* this.#close(this.#block);
    return extent;
  }

  /** Ends the gathered segment; another can be begun. */
  *end(): Generator<Segment, void> {
    yield* this.#close(this.#gathered);
  }

  #add(segment: OpenSegment, { entry, fileOffset, hash }: Piece, length: number): Extent {
    segment.number ??= this.#next++;
    const offset = segment.builder.add({ entry, fileOffset, length, hash });
    return { pack: 0, segment: segment.number, offset, length, hash };
  }

  *#close(segment: OpenSegment): Generator<Segment, void> {
    if (segment.number === undefined) return;
    yield { number: segment.number, plain: segment.builder.plain(), gathered: segment === this.#gathered };
    segment.builder.reset();
    segment.number = undefined;
  }
}
