import type { FileEntry } from '../format/index.ts';
import { close, rename, statOf } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import { type GivenHead, type MetadataSetter, unlock } from './apply-metadata.ts';
import type { ItemDecision, Numbered } from './decision-log.ts';
import type { PlannedFile } from './extent-record.ts';
import type { InPlace } from './in-place.ts';
import { timesMatch } from './keeps.ts';
import type { LinkInodes } from './link-inodes.ts';
import type { Place, Places } from './places.ts';
import { firstDataOffset, holdsExtent, holdsHoles, openIfThere, saysAbsent } from './present.ts';
import { tmpName } from './tmp-name.ts';
import type { Tree } from './tree.ts';

/** A large file that an earlier run began or finished, open to be verified. */
export interface Begun {
  readonly fd: number;
  /** It is in its place already. */
  readonly isInPlace: boolean;
}

/** What an earlier run of the same restore left, verified by content, never by size alone. */
export class LeftBehind {
  readonly #tree: Tree;
  readonly #places: Places;
  readonly #inPlace: InPlace;
  readonly #setter: MetadataSetter;
  readonly #inodes: LinkInodes;

  constructor(tree: Tree, places: Places, inPlace: InPlace, setter: MetadataSetter, inodes: LinkInodes) {
    this.#tree = tree;
    this.#places = places;
    this.#inPlace = inPlace;
    this.#setter = setter;
    this.#inodes = inodes;
  }

  /** Whether a file with at most one extent is in place as it should be. */
  isWhole(file: PlannedFile, { extents, holes }: Pick<FileEntry, 'extents' | 'holes'>): boolean {
    const fd = this.#openInPlace(file);
    if (fd === undefined) return false;
    try {
      const [extent] = extents;
      const right =
        this.#looksFinished(fd, file) &&
        (!extent || holdsExtent(fd, firstDataOffset(holes), extent)) &&
        holdsHoles(fd, holes ?? []);
      if (right) this.noteInode(fd, file);
      return right;
    } finally {
      close(fd);
    }
  }

  /** A large file that an earlier run began or finished; undefined when there is none. */
  open(file: PlannedFile): Begun | undefined {
    const unfinished = openIfThere(this.#place(file).tmp, tmpName(file.entry));
    if (unfinished !== undefined) return { fd: unfinished, isInPlace: false };
    if (file.placing === 'park') return undefined;
    const fd = this.#openInPlace(file);
    if (fd === undefined) return undefined;
    const stats = statOf(fd);
    const isOurs =
      stats.isFile() &&
      stats.size === BigInt(file.sizeBytes) &&
      timesMatch(stats.mtimeNs, file.mtimeNs, this.#place(file).keeps);
    if (isOurs) return { fd, isInPlace: true };
    close(fd);
    return undefined;
  }

  /** Whether all of a file's metadata is as it will be, so that nothing is left to be done to it. */
  isFinished({ fd, isInPlace }: Begun, file: PlannedFile): boolean {
    return isInPlace && this.#looksFinished(fd, file);
  }

  /** Makes a file in place an unfinished one again. */
  takeBack(begun: Begun, file: PlannedFile): void {
    if (!begun.isInPlace) return;
    if (process.geteuid?.() === 0) unlock(begun.fd);
    const name = this.#inPlace.nameOf(file);
    rename(this.#tree.open(file.folder), name, this.#place(file).tmp, tmpName(file.entry));
  }

  /** Tells where the file of a link group is. */
  noteInode(fd: number, file: Pick<PlannedFile, 'group' | 'folder' | 'name' | 'decision'>): void {
    if (file.group === 0) return;
    const { dev, ino } = statOf(fd);
    this.#inodes.set(file.group, { folder: file.folder, name: this.#inPlace.nameOf(file), dev, ino });
  }

  /** The same of a file that was there as captured before the restore. */
  noteKept({ group, folder, name }: Numbered<ItemDecision>, { dev, ino }: { dev: bigint; ino: bigint }): void {
    this.#inodes.set(group, { folder, name, dev, ino });
  }

  #looksFinished(fd: number, file: PlannedFile): boolean {
    const stats = statOf(fd);
    const given: GivenHead = file;
    return (
      stats.isFile() &&
      stats.size === BigInt(file.sizeBytes) &&
      this.#setter.matches(stats, given, this.#place(file).keeps)
    );
  }

  #openInPlace(file: PlannedFile): number | undefined {
    if (file.placing === 'park') return undefined;
    try {
      const item = { ...file, action: file.placing };
      if (!this.#inPlace.mayHoldOurs(item)) return undefined;
      return openIfThere(this.#tree.open(file.folder), this.#inPlace.nameOf(file));
    } catch (error) {
      if (!saysAbsent(codeOf(error))) throw error;
      return undefined;
    }
  }

  #place(file: PlannedFile): Place {
    return this.#places.at(this.#tree.folders.place(file.folder));
  }
}
