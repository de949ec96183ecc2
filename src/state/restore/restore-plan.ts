import { hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { damaged } from '../format/damaged.ts';
import type { HardlinkEntry, SpecialEntry, SymlinkEntry } from '../format/entry.ts';
import type { Entry, Extent, FolderPath, Metadata } from '../format/index.ts';
import { close } from '../fs/calls.ts';
import { type Buckets, NO_PACK } from './buckets.ts';
import type { LinkList } from './link-list.ts';
import type { CheckedFile, ManifestVisitor } from './manifest-checker.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import type { PresentFiles } from './present-files.ts';
import type { Tree } from './tree.ts';

interface CurrentFile {
  /** In place already: nothing is needed. */
  kept: boolean;
  /** What an earlier run left of it. */
  partial: number | undefined;
  doneBytes: number;
}

export interface PlanParts {
  readonly tree: Tree;
  readonly owners: OwnerPolicy;
  readonly present: PresentFiles;
  readonly buckets: Buckets;
  readonly links: LinkList;
  /** The one root whose contents go straight into the target, or undefined. */
  readonly stripped: FolderPath | undefined;
  readonly packIds: readonly string[];
  readonly onFile: (keptBytes: number) => void;
}

/** Turns a manifest into what is to be done: folders, extents by pack, links. Leaves out what is in place already. */
export class RestorePlan implements ManifestVisitor {
  readonly #parts: PlanParts;
  readonly #indexOfPack: Map<string, number>;
  /** Bytes that are there already of files that still need more, by entry. */
  readonly partials = new Map<number, number>();
  #current: CurrentFile = { kept: false, partial: undefined, doneBytes: 0 };
  /** How many names of the stripped root lead to the folder that comes now. */
  #depth = 0;

  constructor(parts: PlanParts) {
    this.#parts = parts;
    this.#indexOfPack = new Map(parts.packIds.map((id, index) => [id, index]));
  }

  folder(parent: number | undefined, name: Uint8Array, metadata: Metadata | undefined): number {
    const { tree, stripped } = this.#parts;
    const isBase = parent === undefined || (stripped !== undefined && this.#depth++ < stripped.length);
    return tree.folders.add(parent ?? 0, name, metadata, isBase);
  }

  entry(folder: number, entry: Entry): void {
    const { tree, stripped, owners } = this.#parts;
    if (tree.folders.isBase(folder)) {
      if (tree.target.journalName.equals(entry.name)) throw damaged('the manifest holds the name of our own journal');
      if (stripped && folder < stripped.length) this.#checkStripped(stripped, folder, entry);
    }
    if (entry.kind === 'file' || entry.kind === 'symlink') owners.noteOwner(entry);
    if (entry.kind === 'file') owners.noteFile(() => tree.show(folder, entry.name), entry.mode);
  }

  /** Above the one root there is nothing but the way to it: else two folders would fall into one. */
  #checkStripped(stripped: FolderPath, folder: number, entry: Entry): void {
    const isWay = Buffer.compare(entry.name, stripped[folder]!) === 0;
    const isLast = folder === stripped.length - 1;
    if (!isWay || (!isLast && entry.kind !== 'ancestor')) {
      throw damaged('the manifest holds items beside the one root that it names');
    }
  }

  fileStart(file: CheckedFile): void {
    const { tree, present } = this.#parts;
    const current: CurrentFile = { kept: false, partial: undefined, doneBytes: 0 };
    if (tree.target.resumed) {
      if (!file.entry.goesOn && file.entry.extents.length <= 1) current.kept = present.isInPlace(file);
      else current.partial = present.openPartial(file);
    }
    this.#current = current;
  }

  extent(file: CheckedFile, fileOffset: number, extent: Extent, pack: Uint8Array): void {
    const index = this.#indexOfPack.get(hexOf(pack));
    if (index === undefined) throw damaged('the manifest refers to a pack that the descriptor does not name');
    const current = this.#current;
    if (current.kept) return;
    if (current.partial !== undefined && this.#parts.present.holds(current.partial, fileOffset, extent)) {
      current.doneBytes += extent.length;
      return;
    }
    this.#parts.buckets.add(index, file, fileOffset, extent);
  }

  fileEnd(file: CheckedFile): void {
    const current = this.#current;
    const { sizeBytes } = file.entry;
    if (current.partial !== undefined) {
      close(current.partial);
      if (current.doneBytes < sizeBytes) this.partials.set(file.number, current.doneBytes);
    }
    if (!current.kept && current.doneBytes === sizeBytes) this.#parts.buckets.add(NO_PACK, file, 0, undefined);
    if (current.kept) this.#parts.onFile(sizeBytes);
  }

  symlink(number: number, folder: number, entry: SymlinkEntry): void {
    this.#parts.links.addSymlink(number, folder, entry);
  }

  hardlink(_number: number, folder: number, entry: HardlinkEntry): void {
    this.#parts.links.addHardlink(folder, entry);
  }

  special(_number: number, folder: number, entry: SpecialEntry): void {
    this.#parts.owners.withhold(this.#parts.tree.show(folder, entry.name), 'special files are not restored');
  }
}

/** The one captured root. Throws `usage` when there are several. */
export function onlyRoot(roots: readonly FolderPath[]): FolderPath {
  const [root, ...others] = roots;
  if (root && others.length === 0) return root;
  throw new ResettleError('usage', `this snapshot holds ${roots.length} captured paths, so none can be stripped`, {
    hint: 'restore it with its paths as they are',
  });
}
