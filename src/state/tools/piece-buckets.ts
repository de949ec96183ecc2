import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPOOL_BUFFER_BYTES } from '../../common/limits.ts';
import type { Extent } from '../format/index.ts';
import { recordRuns } from '../fs/record-runs.ts';

/** A piece of a file in a pack: which file, and where it lies. */
export interface Piece {
  readonly folder: number;
  readonly name: Uint8Array;
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
  readonly hash: Uint8Array;
}

const HASH_AT = 16;
const NAME_LENGTH_AT = 48;
const NAME_AT = 49;
const FIRST_BYTES = 512;

/** Pieces sorted by pack, in scratch files: what one pack holds is in memory at a time. */
export class PieceBuckets {
  readonly #folder: string;
  readonly #open = new Map<number, { bytes: Buffer; used: number }>();
  /** What is taken, used or not. */
  #takenBytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(pack: number, folder: number, name: Uint8Array, extent: Extent): void {
    const needed = NAME_AT + name.length;
    let bucket = this.#open.get(pack);
    if (!bucket) {
      bucket = { bytes: Buffer.allocUnsafeSlow(FIRST_BYTES), used: 0 };
      this.#open.set(pack, bucket);
      this.#takenBytes += FIRST_BYTES;
    }
    if (bucket.used + needed > bucket.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(bucket.bytes.length * 2);
      bucket.bytes.copy(larger, 0, 0, bucket.used);
      this.#takenBytes += bucket.bytes.length;
      bucket.bytes = larger;
    }
    writePiece(bucket.bytes, bucket.used, folder, name, extent);
    bucket.used += needed;
    if (this.#takenBytes > SPOOL_BUFFER_BYTES) this.#flush();
  }

  /**
   * The pieces of a pack, ordered by frame. Ask for each pack once. They come in runs, each ordered by itself, where they are
   * too many for memory.
   */
  *take(pack: number): Generator<Iterable<Piece>, void> {
    this.#flush();
    for (const records of recordRuns(this.#path(pack), bytesAt)) {
      const places: number[] = [];
      for (let at = 0; at < records.length; at += bytesAt(records, at)) places.push(at);
      places.sort((a, b) => records.readUInt32LE(a + 4) - records.readUInt32LE(b + 4));
      yield pieces(records, places);
    }
  }

  #flush(): void {
    for (const [pack, { bytes, used }] of this.#open) appendFileSync(this.#path(pack), bytes.subarray(0, used));
    this.#open.clear();
    this.#takenBytes = 0;
  }

  #path(pack: number): string {
    return join(this.#folder, `bucket${pack}`);
  }
}

const bytesAt = (records: Buffer, at: number): number => NAME_AT + records[at + NAME_LENGTH_AT]!;

function writePiece(out: Buffer, at: number, folder: number, name: Uint8Array, extent: Extent): void {
  out.writeUInt32LE(folder, at);
  out.writeUInt32LE(extent.segment, at + 4);
  out.writeUInt32LE(extent.offset, at + 8);
  out.writeUInt32LE(extent.length, at + 12);
  out.set(extent.hash, at + HASH_AT);
  out[at + NAME_LENGTH_AT] = name.length;
  out.set(name, at + NAME_AT);
}

function* pieces(records: Buffer, places: readonly number[]): Generator<Piece, void> {
  for (const at of places) {
    yield {
      folder: records.readUInt32LE(at),
      frame: records.readUInt32LE(at + 4),
      offset: records.readUInt32LE(at + 8),
      length: records.readUInt32LE(at + 12),
      hash: records.subarray(at + HASH_AT, at + HASH_AT + 32),
      name: records.subarray(at + NAME_AT, at + NAME_AT + records[at + NAME_LENGTH_AT]!),
    };
  }
}
