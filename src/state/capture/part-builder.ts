import { bytesOfHex } from '../../common/bytes.ts';
import { BlockWriter } from '../format/block.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { writeEntry } from '../format/entry.ts';
import type { Entry, Extent, FolderPath } from '../format/index.ts';
import { encodePart } from '../format/manifest-part.ts';
import type { KnownBlock, PartTotals, StatCache } from '../plan/stat-cache.ts';
import { LINKED, readRecords, type TrackedBlock, type TrackedRecord, TrackedWriter } from '../plan/tracked.ts';
import type { OwnerNames } from './owner-names.ts';

/** A block as it will stand in the stat cache. */
export type CacheRow = Pick<KnownBlock, 'key' | 'count' | 'linked' | 'body'> & { readonly path: FolderPath };

/** Says where the segments of this capture lie: a pack's number and the frame. */
export interface SegmentFinder {
  packOf(segment: number): number;
  frameOf(segment: number): number;
}

const NO_TOTALS: PartTotals = {
  entries: 0,
  files: 0,
  folders: 0,
  symlinks: 0,
  hardlinks: 0,
  specials: 0,
  bytes: 0,
};

/** One part under way: blocks as CBOR, what they refer to, and their rows for the cache. */
export class PartBuilder {
  readonly #cache: StatCache;
  readonly #segments: SegmentFinder;
  readonly #names: OwnerNames;
  readonly #block = new BlockWriter();
  readonly #entry = new CborWriter();
  readonly #records = new TrackedWriter();
  readonly #blocks = new CborWriter();
  readonly #indexByPack = new Map<number, number>();
  readonly #users = new Map<number, Uint8Array>();
  readonly #groups = new Map<number, Uint8Array>();
  number = 0;
  rows: CacheRow[] = [];
  totals: { -readonly [K in keyof PartTotals]: number } = { ...NO_TOTALS };

  constructor(cache: StatCache, segments: SegmentFinder, names: OwnerNames) {
    this.#cache = cache;
    this.#segments = segments;
    this.#names = names;
  }

  /** Begins another part in the same memory. */
  begin(number: number): void {
    this.number = number;
    this.rows = [];
    this.totals = { ...NO_TOTALS };
    this.#blocks.reset();
    this.#indexByPack.clear();
    this.#users.clear();
    this.#groups.clear();
  }

  get bytes(): number {
    return this.#blocks.length;
  }

  /** Numbers of the packs that it refers to, in the order of its list. */
  get packs(): number[] {
    return [...this.#indexByPack.keys()];
  }

  add(block: TrackedBlock): void {
    this.#block.begin(block.path);
    this.#records.reset();
    let linked = false;
    for (const record of readRecords(block.body)) {
      linked ||= (record.flags & LINKED) !== 0;
      this.#add(record);
    }
    this.#blocks.raw(this.#block.view());
    const { path, key, count } = block;
    this.rows.push({ path, key: Buffer.from(key), count, linked, body: Buffer.from(this.#records.view()) });
  }

  encode(): Buffer {
    return encodePart(
      {
        packs: this.packs.map((pack) => bytesOfHex(this.#cache.packs.get(pack)!.id)),
        userNames: this.#users,
        groupNames: this.#groups,
      },
      { count: this.rows.length, cbor: this.#blocks.view() },
    );
  }

  #add(record: TrackedRecord): void {
    const entries = record.entries();
    const packs = record.part > 0 ? this.#cache.parts.get(record.part)!.packs : undefined;
    this.#entry.reset();
    for (const entry of entries) writeEntry(this.#entry, this.#placed(entry, packs));
    this.#block.raw(this.#entry.view(), entries.length);
    this.#records.again(record, record.flags & LINKED, this.number, this.#entry.view());
    this.#count(entries[0]!);
  }

  #count(entry: Entry): void {
    const { totals } = this;
    totals.entries += 1;
    if (entry.kind === 'file') {
      totals.files += 1;
      totals.bytes += entry.sizeBytes;
    } else if (entry.kind === 'folder') totals.folders += 1;
    else if (entry.kind === 'symlink') totals.symlinks += 1;
    else if (entry.kind === 'hardlink') totals.hardlinks += 1;
    else if (entry.kind !== 'ancestor') totals.specials += 1;
  }

  #placed(entry: Entry, packs: readonly number[] | undefined): Entry {
    if ('uid' in entry) {
      this.#name(this.#users, this.#names.users, entry.uid);
      this.#name(this.#groups, this.#names.groups, entry.gid);
      for (const { tag, id } of [...(entry.extras?.accessAcl ?? []), ...(entry.extras?.defaultAcl ?? [])]) {
        if (id === undefined) continue;
        if (tag === USER_TAG) this.#name(this.#users, this.#names.users, id);
        else this.#name(this.#groups, this.#names.groups, id);
      }
    }
    if (!('extents' in entry)) return entry;
    return { ...entry, extents: entry.extents.map((extent) => this.#place(extent, packs)) };
  }

  #place(extent: Extent, packs: readonly number[] | undefined): Extent {
    const { offset, length, hash } = extent;
    const isNew = packs === undefined && extent.pack === 0;
    const number = packs ? packs[extent.pack]! : isNew ? this.#segments.packOf(extent.segment) : extent.pack - 1;
    const segment = isNew ? this.#segments.frameOf(extent.segment) : extent.segment;
    let index = this.#indexByPack.get(number);
    if (index === undefined) {
      index = this.#indexByPack.size;
      this.#indexByPack.set(number, index);
    }
    return { pack: index, segment, offset, length, hash };
  }

  #name(into: Map<number, Uint8Array>, known: ReadonlyMap<number, Uint8Array>, id: number): void {
    const name = known.get(id);
    if (name && !into.has(id)) into.set(id, name);
  }
}

const USER_TAG = 2;
