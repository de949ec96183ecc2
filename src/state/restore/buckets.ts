import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPOOL_BUFFER_BYTES } from '../../common/limits.ts';
import type { Extent } from '../format/index.ts';
import { recordRuns } from '../fs/record-runs.ts';
import { frameOfRecord, type PlannedFile, recordBytes, recordBytesAt, writeRecord } from './extent-record.ts';

/** The bucket of files that need no pack. */
export const NO_PACK = -1;

/** Extents sorted by the pack that they need, in scratch files; little stays in memory. */
export class Buckets {
  readonly #folder: string;
  readonly #open = new Map<number, { bytes: Buffer; used: number }>();
  readonly #known = new Set<number>();
  #buffered = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A file of which no pack holds anything: all of its bytes are in its unfinished file, or it has none. */
  addReady(file: PlannedFile, isUnfinished: boolean): void {
    this.#add(NO_PACK, file, 0, { segment: isUnfinished ? 1 : 0, offset: 0, length: 0 });
  }

  add(pack: number, file: PlannedFile, fileOffset: number, extent: Extent): void {
    this.#add(pack, file, fileOffset, extent);
  }

  #add(pack: number, file: PlannedFile, fileOffset: number, extent: Parameters<typeof writeRecord>[4]): void {
    const needed = recordBytes(file.name);
    let bucket = this.#open.get(pack);
    if (!bucket) {
      bucket = { bytes: Buffer.allocUnsafeSlow(4096), used: 0 };
      this.#open.set(pack, bucket);
      this.#known.add(pack);
    }
    if (bucket.used + needed > bucket.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(bucket.bytes.length * 2);
      bucket.bytes.copy(larger, 0, 0, bucket.used);
      bucket.bytes = larger;
    }
    writeRecord(bucket.bytes, bucket.used, file, fileOffset, extent);
    bucket.used += needed;
    this.#buffered += needed;
    if (this.#buffered > SPOOL_BUFFER_BYTES) this.flush();
  }

  /** The packs that something is needed of, ascending. */
  packs(): number[] {
    return [...this.#known].filter((pack) => pack !== NO_PACK).sort((a, b) => a - b);
  }

  /** Writes what is in memory to the scratch files. */
  flush(): void {
    for (const [pack, { bytes, used }] of this.#open) appendFileSync(this.#path(pack), bytes.subarray(0, used));
    this.#open.clear();
    this.#buffered = 0;
  }

  /**
   * The records of a bucket, ordered by frame; the bucket is gone then. They come in runs, each ordered by itself, where
   * they are too many for memory: a snapshot may refer to the same bytes any number of times.
   */
  *take(pack: number): Generator<{ records: Buffer; offsets: Uint32Array }, void> {
    for (const records of recordRuns(this.#path(pack), recordBytesAt)) {
      const count = countRecords(records);
      const offsets = new Uint32Array(count);
      let sorted = true;
      for (let index = 0, at = 0, frame = 0; index < count; index++) {
        offsets[index] = at;
        sorted &&= frameOfRecord(records, at) >= frame;
        frame = frameOfRecord(records, at);
        at += recordBytesAt(records, at);
      }
      if (!sorted) offsets.sort((a, b) => frameOfRecord(records, a) - frameOfRecord(records, b));
      yield { records, offsets };
    }
  }

  #path(pack: number): string {
    return join(this.#folder, `bucket${pack}`);
  }
}

function countRecords(records: Buffer): number {
  let count = 0;
  for (let at = 0; at < records.length; at += recordBytesAt(records, at)) count += 1;
  return count;
}
