import type { StateId } from '../../common/ids.ts';
import { DIRECT_PACK_BYTES } from '../../common/limits.ts';
import type { PlanSummary } from '../capture/index.ts';
import { damaged } from '../format/damaged.ts';
import type { EncodedEntries } from '../format/entry-set.ts';
import {
  decodePart,
  digest,
  type FileEntry,
  type FolderPath,
  openDescriptor,
  openSealedPart,
  type PackReference,
  type PartReference,
  readPack,
} from '../format/index.ts';
import type { Frame } from '../format/pack-reader.ts';
import { hasAllSizes } from './entry-sizes.ts';
import { hasAllLinks, inodeOfGroup } from './link-identities.ts';
import type { PlanFolder } from './plan-folder.ts';

/** A file of the plan: its number, and the folder that it lies in. */
export interface PlannedFile {
  readonly entry: number;
  readonly path: FolderPath;
  readonly planned: FileEntry;
}

/** A plan that lies in its folder, every pack of it checked. */
export class OpenedPlan {
  readonly folder: PlanFolder;
  readonly descriptor: Uint8Array;
  readonly summary: PlanSummary;
  readonly packs: readonly PackReference[];
  readonly roots: readonly FolderPath[];
  /** How many entries it has. */
  readonly entries: number;
  readonly #parts: readonly PartReference[];
  readonly #stateId: StateId;
  readonly #stateKey: Uint8Array;

  /** Throws `not-found`, `damaged`, and `refused` where the key is another one. */
  static async open(folder: PlanFolder, stateId: StateId, stateKey: Uint8Array): Promise<OpenedPlan> {
    const descriptor = folder.readDescriptor();
    const header = await openDescriptor(descriptor);
    if (header.stateId !== stateId) throw damaged('a plan is that of another state');
    const { roots, parts } = openSealedPart(header, stateKey);
    const plan = new OpenedPlan(folder, descriptor, { packs: header.packs, roots, parts }, stateId, stateKey);
    plan.#check();
    return plan;
  }

  private constructor(
    folder: PlanFolder,
    descriptor: Uint8Array,
    about: { packs: readonly PackReference[]; roots: readonly FolderPath[]; parts: readonly PartReference[] },
    stateId: StateId,
    stateKey: Uint8Array,
  ) {
    this.folder = folder;
    this.descriptor = descriptor;
    this.summary = folder.readSummary();
    this.packs = about.packs;
    this.roots = about.roots;
    this.#parts = about.parts;
    this.entries = about.parts.reduce((sum, { entries }) => sum + entries, 0);
    this.#stateId = stateId;
    this.#stateKey = stateKey;
  }

  /** Reads a pack into the front of a buffer. Throws `damaged` where it is not that pack. */
  readPack(index: number, into: Uint8Array): Uint8Array {
    const { id, sizeBytes } = this.packs[index]!;
    const bytes = this.folder.readPack(index, sizeBytes, into);
    if (digest(bytes).toString('hex') !== id) throw damaged(`pack ${index} of a plan is not the one that was planned`);
    return bytes;
  }

  /** Which inode the file of a link group was when it was planned. Throws `damaged`. */
  inodeOf(group: number): bigint {
    return inodeOfGroup(this.folder.linksFile, group);
  }

  /** The files among those entries, in order; parts that none of them stands in are not opened. Throws `damaged`. */
  *files(wanted: EncodedEntries): Generator<PlannedFile, void> {
    const frames = new PartFrames(this, this.#stateId, this.#stateKey);
    let entry = 0;
    for (const part of this.#parts) {
      const end = entry + part.entries;
      if (!wanted.mayHave(entry, end)) {
        entry = end;
        continue;
      }
      for (const { path, entries } of decodePart(frames.plain(part)).blocks) {
        for (const planned of entries) {
          if (wanted.has(entry) && planned.kind === 'file') yield { entry, path, planned };
          entry += 1;
        }
      }
      if (entry !== end) throw damaged('a part of a plan has another number of entries than said');
    }
  }

  #check(): void {
    const buffer = new Uint8Array(DIRECT_PACK_BYTES);
    for (const index of this.packs.keys()) this.readPack(index, buffer);
    if (!hasAllSizes(this.folder.sizesFile, this.entries)) throw damaged('the sizes of a plan are missing');
    if (!hasAllLinks(this.folder.linksFile)) throw damaged('the inodes of a plan are missing');
  }
}

/** Opens parts in their order, each pack once. */
class PartFrames {
  readonly #plan: OpenedPlan;
  readonly #stateId: StateId;
  readonly #stateKey: Uint8Array;
  readonly #buffer = new Uint8Array(DIRECT_PACK_BYTES);
  #pack = -1;
  #frames: Iterator<Frame> | undefined;

  constructor(plan: OpenedPlan, stateId: StateId, stateKey: Uint8Array) {
    this.#plan = plan;
    this.#stateId = stateId;
    this.#stateKey = stateKey;
  }

  plain({ pack, frame, hash }: PartReference): Uint8Array {
    if (pack !== this.#pack) {
      this.#frames = readPack(this.#plan.readPack(pack, this.#buffer), this.#stateKey, this.#stateId);
      this.#pack = pack;
    }
    for (let next = this.#frames!.next(); !next.done; next = this.#frames!.next()) {
      if (next.value.number !== frame) continue;
      const plain = next.value.plain();
      if (digest(plain).equals(hash)) return plain;
      break;
    }
    throw damaged('a part of a plan is not where it should be');
  }
}
