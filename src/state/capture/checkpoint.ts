import { CHECKPOINT_MS, MANIFEST_PART_BYTES } from '../../common/limits.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { writeEntry } from '../format/entry.ts';
import type { Entry } from '../format/index.ts';
import type { StatCache } from '../plan/stat-cache.ts';
import { LINKED, readRecords, type TrackedBlock, TrackedWriter } from '../plan/tracked.ts';
import type { OwnerNames } from './owner-names.ts';
import { PartBuilder, type SegmentFinder } from './part-builder.ts';
import { readPlanFrom } from './read-plan.ts';

const CUT_BYTES = 8 * MANIFEST_PART_BYTES;

export interface CheckpointOptions {
  readonly cache: StatCache;
  readonly names: OwnerNames;
  /** The entries that the gatherer has written so far, and what brings them all to the file. */
  readonly entriesPath: string;
  readonly flush: () => void;
  /** The block that the gatherer has not written yet, as far as it goes. */
  readonly pending: () => TrackedBlock | undefined;
  readonly segments: SegmentFinder;
  /** Whether the holder has acknowledged the pack that a segment lies in. */
  readonly isStored: (segment: number) => boolean;
}

/**
 * Remembers in the stat cache what the holder has stored of a capture that is under way: if it is interrupted or killed,
 * the next one refers to that instead of sending it again.
 */
export class Checkpoint {
  readonly #options: CheckpointOptions;
  readonly #builder: PartBuilder;
  readonly #kept = new TrackedWriter();
  readonly #entry = new CborWriter(4096);
  #offset = 0;
  #lastMs = performance.now();

  constructor(options: CheckpointOptions) {
    this.#options = options;
    this.#builder = new PartBuilder(options.cache, options.segments, options.names);
  }

  /** Cheap: now and then it remembers. */
  maybe(): void {
    if (performance.now() - this.#lastMs < CHECKPOINT_MS) return;
    this.now();
    this.#lastMs = performance.now();
  }

  now(): void {
    const { cache, entriesPath, flush, pending } = this.#options;
    flush();
    const builder = this.#builder;
    builder.begin(cache.nextPart());
    cache.begin();
    let cut: TrackedBlock | undefined;
    for (const { block, end } of readPlanFrom(entriesPath, this.#offset)) {
      cut = this.#cutAtStored(block);
      if (cut) break;
      if (!block.same) builder.add(block);
      this.#offset = end;
      if (builder.bytes < CUT_BYTES) continue;
      this.#put(builder);
      builder.begin(cache.nextPart());
    }
    const last = cut ?? pending();
    if (last) builder.add(this.#cutAtStored(last) ?? last);
    this.#put(builder);
    cache.commit();
  }

  /** The block up to what the holder has stored, the file in which that ends included; undefined where it has all. */
  #cutAtStored(block: TrackedBlock): TrackedBlock | undefined {
    const kept = this.#kept;
    kept.reset();
    for (const record of readRecords(block.body)) {
      const entries = record.part > 0 ? [] : record.entries();
      const stored = storedPart(entries, this.#options.isStored);
      if (!stored) {
        kept.copy(record);
        continue;
      }
      this.#entry.reset();
      for (const entry of stored) writeEntry(this.#entry, entry);
      // It matches no stat: the file is read again, and what is stored of it is not sent again.
      kept.add(record.name, record.flags & LINKED, 0, undefined, false, this.#entry.view());
      return { ...block, count: kept.count, body: kept.view() };
    }
    return undefined;
  }

  /** As a part that was never sealed: its entries can be used, the part cannot. */
  #put({ rows, number, totals, packs }: PartBuilder): void {
    if (rows.length === 0) return;
    const { cache } = this.#options;
    cache.addPart({ number, sealed: undefined, blocks: rows.length, totals, packs });
    for (const [position, { path, ...row }] of rows.entries()) cache.putBlock(path, { ...row, part: number, position });
  }
}

/** Of a file's entries, those up to the first extent that is not stored; undefined where all are. */
function storedPart(entries: readonly Entry[], isStored: (segment: number) => boolean): Entry[] | undefined {
  const kept: Entry[] = [];
  for (const entry of entries) {
    if (!('extents' in entry)) return undefined;
    const end = entry.extents.findIndex(({ pack, segment }) => pack === 0 && !isStored(segment));
    if (end >= 0) return [...kept, { ...entry, extents: entry.extents.slice(0, end), goesOn: false }];
    kept.push(entry);
  }
  return undefined;
}
