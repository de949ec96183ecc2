import { randomBytes } from 'node:crypto';
import type { StateId } from '../../common/ids.ts';
import { DIRECT_PACK_BYTES, MANIFEST_PART_BYTES } from '../../common/limits.ts';
import type { OwnerNames } from '../capture/owner-names.ts';
import { PartBuilder } from '../capture/part-builder.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { digest } from '../format/digest.ts';
import { writeEntry } from '../format/entry.ts';
import { KIND } from '../format/frame-cipher.ts';
import { GroupMarks } from '../format/group-marks.ts';
import type { PackReference, PartReference, Totals } from '../format/index.ts';
import { frameBody, PackWriter } from '../format/pack-writer.ts';
import type { StatCache } from '../plan/stat-cache.ts';
import { LINKED, readRecords, type TrackedBlock, TrackedWriter } from '../plan/tracked.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { EntrySizesWriter } from './entry-sizes.ts';
import { LinkIdentitiesWriter } from './link-identities.ts';
import type { PlanFolder } from './plan-folder.ts';

export interface PlanWriterOptions {
  readonly folder: PlanFolder;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  readonly names: OwnerNames;
  /** An empty one: a plan refers to no pack. */
  readonly cache: StatCache;
}

/** Files have no extents yet, so nobody asks where a segment lies. */
const NO_SEGMENTS = {
  packOf: (): never => {
    throw new Error('a plan has no segments');
  },
  frameOf: (): never => {
    throw new Error('a plan has no segments');
  },
};

/**
 * Seals what a scan found into packs of manifest parts: files with their planned size and no extents, and each further
 * name of a file as a hard link to the first.
 */
export class PlanWriter {
  readonly #options: PlanWriterOptions;
  readonly #builder: PartBuilder;
  readonly #sizes: EntrySizesWriter;
  readonly #links: LinkIdentitiesWriter;
  readonly #groups = new GroupMarks();
  readonly #linked = new TrackedWriter();
  readonly #entry = new CborWriter(4096);
  readonly #buffer = new Uint8Array(DIRECT_PACK_BYTES);
  readonly #parts: PartReference[] = [];
  readonly #packs: PackReference[] = [];
  readonly #totals = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, specials: 0, bytes: 0 };
  #pack: PackWriter | undefined;

  constructor(options: PlanWriterOptions) {
    this.#options = options;
    this.#builder = new PartBuilder(options.cache, NO_SEGMENTS, options.names);
    this.#builder.begin(0);
    this.#sizes = new EntrySizesWriter(options.folder.sizesFile);
    this.#links = new LinkIdentitiesWriter(options.folder.linksFile);
  }

  write(blocks: Iterable<TrackedBlock>): { parts: PartReference[]; packs: PackReference[]; totals: Totals } {
    try {
      for (const block of blocks) {
        throwIfStopped();
        this.#builder.add(this.#withLinks(block));
        if (this.#builder.bytes > MANIFEST_PART_BYTES) this.#seal();
      }
      if (this.#builder.rows.length > 0) this.#seal();
      this.#finish();
      this.#sizes.finish();
      this.#links.finish();
    } finally {
      this.#sizes.close();
      this.#links.close();
    }
    return { parts: this.#parts, packs: this.#packs, totals: this.#totals };
  }

  /** The scan has every name of a file as the file; here only the first one of the walk is. */
  #withLinks(block: TrackedBlock): TrackedBlock {
    const records = this.#linked;
    records.reset();
    for (const record of readRecords(block.body)) {
      const [entry] = record.entries();
      const isFile = entry?.kind === 'file';
      if (!isFile || entry.group === 0 || this.#groups.add(entry.group)) {
        this.#sizes.add(isFile ? entry.sizeBytes : undefined);
        if (isFile && entry.group > 0) this.#links.set(entry.group, record.ino);
        records.copy(record);
        continue;
      }
      const { name, mode, uid, gid, mtimeNs, group } = entry;
      this.#entry.reset();
      writeEntry(this.#entry, { kind: 'hardlink', name, mode, uid, gid, mtimeNs, group });
      this.#sizes.add(undefined);
      records.again(record, LINKED, 0, this.#entry.view());
    }
    return { ...block, body: records.view() };
  }

  #seal(): void {
    const { totals } = this.#builder;
    const plain = this.#builder.encode();
    const body = frameBody(KIND.manifest, plain);
    if (this.#pack && !this.#pack.fits(body)) this.#finish();
    const { stateKey, stateId } = this.#options;
    this.#pack ??= new PackWriter(this.#buffer, stateKey, stateId, randomBytes, DIRECT_PACK_BYTES);
    const frame = this.#pack.add(body);
    // Memory of its own: as part of a pool each one would take 64 KiB along to the main thread.
    const hash = Uint8Array.from(digest(plain));
    this.#parts.push({ pack: this.#packs.length, frame, hash, entries: totals.entries });
    for (const name of Object.keys(this.#totals) as (keyof Totals)[]) this.#totals[name] += totals[name];
    this.#builder.begin(0);
  }

  #finish(): void {
    if (!this.#pack) return;
    const { id, sizeBytes } = this.#pack.finish();
    this.#options.folder.writePack(this.#packs.length, this.#buffer.subarray(0, sizeBytes));
    this.#packs.push({ id, sizeBytes });
    this.#pack = undefined;
  }
}
