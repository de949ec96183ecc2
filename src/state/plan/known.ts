import type { KnownBlock, StatCache } from './stat-cache.ts';
import type { TrackedRecord } from './tracked.ts';

/** What of an earlier capture can be referred to again. */
export class Known {
  readonly cache: StatCache;
  /** Numbers of packs that the holder does not have. */
  readonly #unusable = new Set<number>();
  /** Parts of which every pack is there, so that their records need no look of their own. */
  readonly #whole = new Set<number>();

  constructor(cache: StatCache, unusable: ReadonlySet<string>) {
    this.cache = cache;
    for (const [number, { id }] of cache.packs) if (unusable.has(id)) this.#unusable.add(number);
    for (const part of cache.parts.values()) {
      if (!part.packs.some((pack) => this.#unusable.has(pack))) this.#whole.add(part.number);
    }
  }

  /** Whether the bytes of a record's file are all there. */
  hasContent(record: TrackedRecord): boolean {
    if (this.#whole.has(record.part)) return true;
    const packs = this.cache.parts.get(record.part)?.packs;
    if (!packs) return false;
    return record
      .entries()
      .every((entry) => !('extents' in entry) || entry.extents.every(({ pack }) => this.hasPack(packs[pack]!)));
  }

  hasPack(number: number): boolean {
    return this.cache.packs.has(number) && !this.#unusable.has(number);
  }

  /** Whether the part of that block can be referred to as it is. */
  canStay(block: KnownBlock): boolean {
    const { sealed } = this.cache.parts.get(block.part) ?? {};
    return (
      this.cache.partsStand &&
      !block.linked &&
      sealed !== undefined &&
      this.hasPack(sealed.pack) &&
      this.#whole.has(block.part)
    );
  }
}
