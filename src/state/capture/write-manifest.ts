import { hexOf } from '../../common/bytes.ts';
import { digest } from '../format/digest.ts';
import { KIND } from '../format/frame-cipher.ts';
import type { Known } from '../plan/known.ts';
import type { KnownPart, PartTotals, StatCache } from '../plan/stat-cache.ts';
import { assignPart, type TrackedBlock } from '../plan/tracked.ts';
import type { OwnerNames } from './owner-names.ts';
import type { PackLine } from './pack-line.ts';
import { type CacheRow, PartBuilder, type SegmentFinder } from './part-builder.ts';

/** A part of the new manifest: one that was sealed now, or one of the last snapshot again. */
export interface WrittenPart {
  readonly number: number;
  readonly pack: number;
  readonly frame: number;
  readonly hash: Uint8Array;
  readonly totals: PartTotals;
  /** Numbers of the packs that its files lie in. */
  readonly packs: readonly number[];
}

export interface ManifestOptions {
  readonly known: Known;
  readonly line: PackLine;
  /** The number of a pack of this capture, by its index in the line. */
  readonly numberOfPack: (index: number) => number;
  readonly segments: SegmentFinder;
  readonly names: OwnerNames;
  /** Where parts are cut. */
  readonly partBytes: number;
  /** Whether the cache shall remember. */
  readonly remember: boolean;
}

/**
 * Cuts the manifest into parts at folder blocks, and seals them into packs of their own. A part of the last snapshot of
 * which nothing changed is referred to.
 */
export class ManifestWriter {
  readonly #options: ManifestOptions;
  readonly #cache: StatCache;
  readonly #parts: { part: Omit<WrittenPart, 'pack'> & { pack?: number }; index: number; blocks: number }[] = [];
  /** Parts of the last snapshot by their hash. */
  readonly #byHash = new Map<string, KnownPart>();
  readonly #builder: PartBuilder;
  /** Blocks of one part of the last snapshot from its first on: perhaps all of it. */
  #run: TrackedBlock[] = [];

  constructor(options: ManifestOptions) {
    this.#options = options;
    this.#cache = options.known.cache;
    for (const part of this.#cache.parts.values()) {
      const usable = part.sealed && [part.sealed.pack, ...part.packs].every((pack) => options.known.hasPack(pack));
      if (usable) this.#byHash.set(hexOf(part.sealed!.hash), part);
    }
    this.#builder = new PartBuilder(this.#cache, options.segments, options.names);
    this.#builder.begin(this.#cache.nextPart());
  }

  async write(blocks: Iterable<TrackedBlock>): Promise<WrittenPart[]> {
    for (const block of blocks) {
      if (block.same) await this.#same(block, block.same);
      else {
        await this.#endRun();
        await this.#add(block);
      }
    }
    await this.#endRun();
    await this.#seal();
    this.#options.line.finish();
    return this.#parts.map(({ part, index, blocks: count }) => {
      if (part.pack !== undefined) return { ...part, pack: part.pack };
      const pack = this.#options.numberOfPack(index);
      const { number, frame, hash, totals, packs } = part;
      if (this.#options.remember) {
        this.#cache.addPart({ number, sealed: { pack, frame, hash }, blocks: count, totals, packs });
      }
      return { ...part, pack };
    });
  }

  async #same(block: TrackedBlock, { part, position }: NonNullable<TrackedBlock['same']>): Promise<void> {
    if (this.#run[0]?.same?.part !== part || position !== this.#run.length) await this.#endRun();
    if (position !== this.#run.length) {
      await this.#add(this.#recalled(block));
      return;
    }
    this.#run.push(block);
    const known = this.#cache.parts.get(part)!;
    if (this.#run.length < known.blocks) return;
    await this.#seal();
    this.#refer(known);
    this.#run = [];
  }

  /** The run did not become a whole part: its blocks are written again. */
  async #endRun(): Promise<void> {
    const run = this.#run;
    this.#run = [];
    for (const block of run) await this.#add(this.#recalled(block));
  }

  #recalled(block: TrackedBlock): TrackedBlock {
    const known = this.#cache.block(block.path, block.key);
    if (!known || known.part !== block.same?.part) throw new Error('the stat cache changed while it was in use');
    return { ...block, same: undefined, body: known.body };
  }

  async #add(block: TrackedBlock): Promise<void> {
    this.#builder.add(block);
    if (this.#builder.bytes > this.#options.partBytes) await this.#seal();
  }

  #refer(known: KnownPart): void {
    const { number, sealed, totals, packs, blocks } = known;
    const { pack, frame, hash } = sealed!;
    this.#parts.push({ part: { number, pack, frame, hash, totals, packs }, index: 0, blocks });
  }

  async #seal(): Promise<void> {
    const builder = this.#builder;
    if (builder.rows.length === 0) return;
    const plain = builder.encode();
    // Memory of its own: as part of a pool, each one would keep 64 KiB, and take them along to the main thread.
    const hash = Uint8Array.from(digest(plain));
    const known = this.#byHash.get(hexOf(hash));
    if (known) {
      this.#refer(known);
    } else {
      const { pack, frame } = await this.#options.line.seal(KIND.manifest, plain);
      const { totals, packs, number } = builder;
      this.#parts.push({ part: { number, frame, hash, totals, packs }, index: pack, blocks: builder.rows.length });
    }
    if (this.#options.remember) this.#remember(builder.rows, known?.number ?? builder.number);
    builder.begin(this.#cache.nextPart());
  }

  #remember(rows: readonly CacheRow[], part: number): void {
    for (const [position, { path, key, count, linked, body }] of rows.entries()) {
      assignPart(body, part);
      this.#cache.putBlock(path, { key, part, position, count, linked, body });
    }
  }
}
