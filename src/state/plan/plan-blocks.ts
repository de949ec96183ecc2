import type { BigIntStats } from 'node:fs';
import type { FolderPath } from '../format/index.ts';
import { BlockSpoolWriter } from '../fs/block-spool.ts';
import type { Known } from './known.ts';
import { CachedFolder } from './stat-cache.ts';
import { spoolBlock, type TrackedRecord, TrackedWriter } from './tracked.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Writes the blocks of a plan beside those of the last capture: cut where they were cut then, so that a block in which
 * nothing changed is known as the same one, and its records need not be written again.
 */
export class PlanBlocks {
  readonly #known: Known;
  readonly #spool: BlockSpoolWriter;
  readonly #records = new TrackedWriter();
  #cached: CachedFolder | undefined;
  #path: FolderPath = [];
  /** The first block of a folder has an empty key; undefined until a later one has its first entry. */
  #key: Uint8Array | undefined = EMPTY;
  #isFirst = true;
  #kept = 0;
  /** Blocks that are the same ones, by part: if not all of a part are, they have to be sealed again. */
  readonly #sameOf = new Map<number, { blocks: number; bytes: number }>();
  longestPathBytes = 0;
  #changedBytes = 0;

  constructor(spoolPath: string, known: Known) {
    this.#spool = new BlockSpoolWriter(spoolPath);
    this.#known = known;
  }

  get bytes(): number {
    return this.#records.bytes;
  }

  get count(): number {
    return this.#records.count;
  }

  /** Bytes of blocks that will have to be sealed. */
  get changedBytes(): number {
    let bytes = this.#changedBytes;
    for (const [part, same] of this.#sameOf) {
      if (same.blocks < this.#known.cache.parts.get(part)!.blocks) bytes += same.bytes;
    }
    return bytes;
  }

  begin(path: FolderPath): void {
    this.#path = path;
    this.#cached = new CachedFolder(this.#known.cache.blocks(path));
    this.#isFirst = true;
    this.#start(EMPTY);
  }

  /** The last capture's record of that name, the next of the folder; begins the next block where it began then. */
  find(name: Uint8Array): TrackedRecord | undefined {
    const cached = this.#cached;
    if (!cached) return undefined;
    if (cached.begins(name)) {
      if (this.#records.count > 0) this.cut();
      cached.advance(name);
    }
    return cached.find(name);
  }

  /** Takes over a record that is as it was. */
  keep(record: TrackedRecord): void {
    this.#key ??= Buffer.from(record.name);
    this.#records.copy(record);
    this.#kept += 1;
  }

  add(
    name: Uint8Array,
    flags: number,
    part: number,
    stats: BigIntStats | undefined,
    settled: boolean,
    cbor: Uint8Array,
  ): void {
    this.#key ??= Buffer.from(name);
    this.#records.add(name, flags, part, stats, settled, cbor);
  }

  /** Ends the block; the folder goes on in another. */
  cut(): void {
    this.#write();
    this.#isFirst = false;
    this.#start(undefined);
  }

  /** Ends the folder. */
  end(): void {
    if (this.#records.count > 0 || this.#isFirst) this.#write();
    this.#cached?.close();
    this.#cached = undefined;
  }

  close(): void {
    this.#cached?.close();
    this.#spool.close();
  }

  #start(key: Uint8Array | undefined): void {
    this.#records.reset();
    this.#kept = 0;
    this.#key = key;
  }

  #write(): void {
    const { count } = this.#records;
    const block = this.#cached?.block;
    const key = this.#key ?? EMPTY;
    const same =
      block !== undefined &&
      count === block.count &&
      this.#kept === count &&
      Buffer.compare(block.key, key) === 0 &&
      this.#known.canStay(block);
    const body = same ? EMPTY : this.#records.view();
    const place = same ? { part: block.part, position: block.position } : undefined;
    const headBytes = spoolBlock(this.#spool, { path: this.#path, key, count, same: place, body });
    this.longestPathBytes = Math.max(this.longestPathBytes, headBytes);
    if (!same) {
      this.#changedBytes += body.length + headBytes;
      return;
    }
    const ofPart = this.#sameOf.get(block.part) ?? { blocks: 0, bytes: 0 };
    ofPart.blocks += 1;
    ofPart.bytes += block.body.length + headBytes;
    this.#sameOf.set(block.part, ofPart);
  }
}
