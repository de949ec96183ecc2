import { bytesOfHex } from '../../common/bytes.ts';
import { MANIFEST_PART_BYTES } from '../../common/limits.ts';
import { BlockWriter } from '../format/block.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { digest } from '../format/digest.ts';
import { KIND } from '../format/frame-cipher.ts';
import type { Entry, Extent, FolderBlock, PartReference } from '../format/index.ts';
import { encodePart } from '../format/manifest-part.ts';
import { type OwnerNames, readOwnerNames } from './owner-names.ts';
import type { PackLine } from './pack-line.ts';
import { readPlan } from './read-plan.ts';
import type { SegmentPlaces } from './segment-places.ts';

/** One part under way: blocks as CBOR, and what they refer to. */
class PartBuilder {
  readonly #places: SegmentPlaces;
  readonly #packs: PackLine['packs'];
  readonly #names: OwnerNames;
  readonly #block = new BlockWriter();
  readonly #blocks = new CborWriter();
  readonly #indexByPack = new Map<number, number>();
  readonly #users = new Map<number, Uint8Array>();
  readonly #groups = new Map<number, Uint8Array>();
  #blockCount = 0;
  entries = 0;

  constructor(places: SegmentPlaces, packs: PackLine['packs'], names: OwnerNames) {
    this.#places = places;
    this.#packs = packs;
    this.#names = names;
  }

  get bytes(): number {
    return this.#blocks.length;
  }

  add(block: FolderBlock): void {
    this.#block.begin(block.path);
    for (const entry of block.entries) {
      this.#block.entry(this.#placed(entry));
      if (entry.kind !== 'more') this.entries += 1;
    }
    this.#blocks.raw(this.#block.view());
    this.#blockCount += 1;
  }

  encode(): Buffer {
    return encodePart(
      {
        packs: [...this.#indexByPack.keys()].map((pack) => bytesOfHex(this.#packs[pack]!.id)),
        userNames: this.#users,
        groupNames: this.#groups,
      },
      { count: this.#blockCount, cbor: this.#blocks.view() },
    );
  }

  #placed(entry: Entry): Entry {
    if ('uid' in entry) {
      this.#name(this.#users, this.#names.users, entry.uid);
      this.#name(this.#groups, this.#names.groups, entry.gid);
    }
    return 'extents' in entry ? { ...entry, extents: entry.extents.map((extent) => this.#place(extent)) } : entry;
  }

  #place(extent: Extent): Extent {
    const pack = this.#places.packOf(extent.segment);
    let index = this.#indexByPack.get(pack);
    if (index === undefined) {
      index = this.#indexByPack.size;
      this.#indexByPack.set(pack, index);
    }
    const { offset, length, hash } = extent;
    return { pack: index, segment: this.#places.frameOf(extent.segment), offset, length, hash };
  }

  #name(into: Map<number, Uint8Array>, known: ReadonlyMap<number, Uint8Array>, id: number): void {
    const name = known.get(id);
    if (name && !into.has(id)) into.set(id, name);
  }
}

/** Cuts the manifest into parts at folder blocks, and seals them into packs of their own. */
export async function writeManifest(
  entriesPath: string,
  places: SegmentPlaces,
  line: PackLine,
): Promise<PartReference[]> {
  const names = readOwnerNames();
  const parts: PartReference[] = [];
  let part = new PartBuilder(places, line.packs, names);
  const seal = async () => {
    const plain = part.encode();
    const { pack, frame } = await line.seal(KIND.manifest, plain);
    parts.push({ pack, frame, hash: digest(plain), entries: part.entries });
    part = new PartBuilder(places, line.packs, names);
  };
  for (const block of readPlan(entriesPath)) {
    part.add(block);
    if (part.bytes > MANIFEST_PART_BYTES) await seal();
  }
  if (part.bytes > 0) await seal();
  line.finish();
  return parts;
}
