import { asBuffer } from '../../common/bytes.ts';
import { ENTRIES_MAX, PATH_DEPTH_MAX } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import type { HardlinkEntry, Hole, MoreEntry, SpecialEntry, SymlinkEntry } from '../format/entry.ts';
import { GroupMarks } from '../format/group-marks.ts';
import type { Entry, Extent, FileEntry, FolderBlock, ManifestPart, Metadata, Totals } from '../format/index.ts';
import { type PendingFolder, PendingFolders } from './pending-folders.ts';

/** A file as it is told: its number, its folder's number, its first entry. */
export interface CheckedFile {
  readonly number: number;
  readonly folder: number;
  /** As it was read, where that is known. */
  readonly entry: FileEntry;
  /** Nobody has read it yet: it is what a scan saw, and nothing is known of its content. */
  readonly isPlanned: boolean;
}

/** What is known of files that a plan names, whose content stands nowhere in it. */
export interface KnownContent {
  /** A file as it was read, and its further pieces; none where nobody has read it. */
  of(entry: number): Iterable<FileEntry | MoreEntry>;
}

/** Hears of what a manifest holds, in order, each item checked. Nothing is final before `end` of the checker. */
export interface ManifestVisitor {
  /** A folder; the top one has no parent. Returns its number. */
  folder(parent: number | undefined, name: Uint8Array, metadata: Metadata | undefined): number;
  /** Hears of each entry of a folder before it is told further; may refuse it. */
  entry(folder: number, entry: Entry): void;
  fileStart(file: CheckedFile): void;
  /** Holes of the file, before the extents of the same run. */
  holes(file: CheckedFile, holes: readonly Hole[]): void;
  extent(file: CheckedFile, fileOffset: number, extent: Extent, pack: Uint8Array): void;
  fileEnd(file: CheckedFile): void;
  symlink(number: number, folder: number, entry: SymlinkEntry): void;
  hardlink(number: number, folder: number, entry: HardlinkEntry): void;
  special(number: number, folder: number, entry: SpecialEntry): void;
}

interface OpenFolder {
  readonly number: number;
  readonly name: Uint8Array;
  /** Where the folders in it begin among those that are pending, and those that did not come yet. */
  readonly first: number;
  next: number;
  /** Where they end: nothing more is announced once one of them has come. */
  end: number;
  lastName: Uint8Array | undefined;
}

const NO_NAME = new Uint8Array(0);
const NO_PACKS = [NO_NAME];

/**
 * Checks the order and the sums of a manifest: folders depth first, each announced by its parent, names ascending and
 * so never twice, extents and holes that cover each file exactly, hard links after their
 * file. Throws `damaged`.
 */
export class ManifestChecker {
  readonly #visitor: ManifestVisitor;
  readonly #known: KnownContent | undefined;
  readonly #stack: OpenFolder[] = [];
  readonly #pending: PendingFolders;
  readonly #totals = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, specials: 0, bytes: 0 };
  #nextEntry = 0;
  readonly #groups = new GroupMarks();
  #file: CheckedFile | undefined;
  #fileOffset = 0;

  /**
   * `known`: it is the manifest of a plan, whose files have no extents. `scratch`: a file that is not there yet, for what
   * would take too much memory.
   */
  constructor(
    visitor: ManifestVisitor,
    { known, scratch }: { known?: KnownContent | undefined; scratch?: string } = {},
  ) {
    this.#visitor = visitor;
    this.#known = known;
    this.#pending = new PendingFolders(scratch);
  }

  part(part: ManifestPart, entries: number): void {
    const first = this.#nextEntry;
    // Each part brings a folder or an entry, or reading them would take as long as somebody likes.
    if (part.blocks.length === 0) throw damaged('a manifest part holds nothing');
    for (const block of part.blocks) this.#block(block, part.packs);
    if (this.#nextEntry - first !== entries) throw damaged('a manifest part has another number of entries than said');
  }

  end(totals: Totals): void {
    if (this.#file) throw damaged('the manifest ends within a file');
    if (this.#stack.length === 0) throw damaged('the manifest is empty');
    while (this.#stack.length > 0) this.#leave();
    for (const [name, total] of Object.entries(this.#totals)) {
      if (totals[name as keyof Totals] !== total) throw damaged(`the manifest’s total of ${name} is not what was said`);
    }
  }

  /** Lets the scratch file go. */
  close(): void {
    this.#pending.close();
  }

  #block(block: FolderBlock, packs: readonly Uint8Array[]): void {
    const folder = this.#enter(block.path, block.entries.length);
    for (const entry of block.entries) this.#entry(folder, entry, packs);
  }

  /** The folder of a block: the current one again, or the next in the order of a walk. */
  #enter(path: readonly Uint8Array[], entryCount: number): OpenFolder {
    if (this.#stack.length === 0) {
      if (path.length !== 0) throw damaged('the manifest does not begin with its top folder');
      return this.#push(undefined, NO_NAME, undefined);
    }
    if (path.length === this.#stack.length - 1 && this.#isPath(path)) {
      // Else few bytes would make a manifest that takes days to read.
      if (entryCount === 0) throw damaged('a folder of the manifest goes on with nothing');
      return this.#stack.at(-1)!;
    }
    if (this.#file) throw damaged('a folder begins within a file');
    // The top folder is the parent of all, and never of itself.
    while (this.#stack.length > Math.max(1, path.length)) this.#leave();
    const parent = this.#stack.at(-1)!;
    const announced = parent.next < parent.end ? this.#pending.at(parent.next) : undefined;
    const name = path.at(-1);
    if (
      path.length !== this.#stack.length ||
      !announced ||
      !name ||
      !asBuffer(announced.folder.name).equals(name) ||
      !this.#isPath(path)
    ) {
      throw damaged('a folder of the manifest comes before its parent, or twice');
    }
    parent.next = announced.next;
    const { folder } = announced;
    return this.#push(parent.number, name, folder.kind === 'folder' ? folder : undefined);
  }

  #push(parent: number | undefined, name: Uint8Array, metadata: Metadata | undefined): OpenFolder {
    if (this.#stack.length > PATH_DEPTH_MAX) throw damaged('the manifest goes too deep');
    const number = this.#visitor.folder(parent, name, metadata);
    const { end } = this.#pending;
    const folder: OpenFolder = { number, name, first: end, next: end, end, lastName: undefined };
    this.#stack.push(folder);
    return folder;
  }

  #leave(): void {
    const folder = this.#stack.pop()!;
    if (folder.next !== folder.end) throw damaged('a folder of the manifest is missing');
    this.#pending.truncate(folder.first);
  }

  /** Whether the names above are those of the open folders, as far as both go. */
  #isPath(path: readonly Uint8Array[]): boolean {
    return this.#stack.slice(1).every((folder, at) => path[at] && asBuffer(folder.name).equals(path[at]));
  }

  #entry(folder: OpenFolder, entry: Entry, packs: readonly Uint8Array[]): void {
    if (entry.kind === 'more') {
      this.#more(folder, entry, packs);
      return;
    }
    if (this.#file) throw damaged('a file of the manifest does not go on');
    if (folder.lastName && Buffer.compare(folder.lastName, entry.name) >= 0) {
      throw damaged('the names of a folder are not in order, or one comes twice');
    }
    folder.lastName = entry.name;
    this.#visitor.entry(folder.number, entry);
    const number = this.#nextEntry++;
    if (number > ENTRIES_MAX) throw damaged('the manifest has too many entries');
    switch (entry.kind) {
      case 'file':
        this.#startFile({ number, folder: folder.number, entry, isPlanned: false }, packs);
        return;
      case 'folder':
        this.#totals.folders += 1;
        this.#announce(folder, entry);
        return;
      case 'ancestor':
        this.#announce(folder, entry);
        return;
      case 'symlink':
        this.#totals.symlinks += 1;
        this.#visitor.symlink(number, folder.number, entry);
        return;
      case 'hardlink':
        if (!this.#groups.has(entry.group)) throw damaged('a hard link comes before its file');
        this.#totals.hardlinks += 1;
        this.#visitor.hardlink(number, folder.number, entry);
        return;
      case 'fifo':
      case 'character':
      case 'block':
        this.#totals.specials += 1;
        this.#visitor.special(number, folder.number, entry);
        return;
    }
  }

  #announce(folder: OpenFolder, entry: PendingFolder): void {
    this.#pending.push(entry);
    folder.end = this.#pending.end;
  }

  #startFile(file: CheckedFile, packs: readonly Uint8Array[]): void {
    const { entry } = file;
    if (entry.group > 0 && !this.#groups.add(entry.group)) throw damaged('two files have the same link group');
    this.#totals.files += 1;
    this.#totals.bytes += entry.sizeBytes;
    if (!Number.isSafeInteger(this.#totals.bytes)) throw damaged('the files of the manifest are too large');
    if (this.#known) {
      this.#plannedFile(file, this.#known);
      return;
    }
    this.#file = file;
    this.#fileOffset = 0;
    this.#visitor.fileStart(file);
    this.#extents(file, entry, packs);
  }

  #plannedFile(planned: CheckedFile, known: KnownContent): void {
    const { extents, holes, goesOn, name, group } = planned.entry;
    if (extents.length > 0 || holes || goesOn) throw damaged('a plan holds content');
    let file = { ...planned, isPlanned: true };
    for (const piece of known.of(planned.number)) {
      if (piece.kind === 'file') {
        file = { ...planned, entry: { ...piece, name, group } };
        this.#visitor.fileStart(file);
        this.#file = file;
        this.#fileOffset = 0;
      }
      this.#extents(file, piece, NO_PACKS);
    }
    if (this.#file) throw damaged('what is known of a file does not end');
    if (!file.isPlanned) return;
    this.#visitor.fileStart(file);
    this.#visitor.fileEnd(file);
  }

  #more(folder: OpenFolder, entry: Extract<Entry, { kind: 'more' }>, packs: readonly Uint8Array[]): void {
    const file = this.#file;
    if (!file || file.folder !== folder.number || !asBuffer(file.entry.name).equals(entry.name)) {
      throw damaged('the manifest goes on with a file that it did not begin');
    }
    this.#extents(file, entry, packs);
  }

  #extents(
    file: CheckedFile,
    piece: { extents: readonly Extent[]; holes?: readonly Hole[] | undefined; goesOn: boolean },
    packs: readonly Uint8Array[],
  ): void {
    const holes = new HoleSkipper(piece.holes ?? []);
    if (piece.holes) this.#visitor.holes(file, piece.holes);
    for (const extent of piece.extents) {
      this.#fileOffset = holes.skip(this.#fileOffset);
      if (this.#fileOffset + extent.length > file.entry.sizeBytes) throw damaged('a file has more bytes than its size');
      this.#visitor.extent(file, this.#fileOffset, extent, packs[extent.pack]!);
      this.#fileOffset += extent.length;
    }
    this.#fileOffset = holes.skip(this.#fileOffset);
    if (this.#fileOffset > file.entry.sizeBytes) throw damaged('a file has more bytes than its size');
    if (!holes.atEnd) throw damaged('a hole of a file lies within its bytes');
    if (piece.goesOn) {
      if (piece.extents.length === 0 && !piece.holes) throw damaged('a file goes on without an extent');
      return;
    }
    if (this.#fileOffset !== file.entry.sizeBytes) throw damaged('a file has fewer bytes than its size');
    this.#file = undefined;
    this.#visitor.fileEnd(file);
  }
}

/** Goes over the holes of one piece of a file. */
class HoleSkipper {
  readonly #holes: readonly Hole[];
  #next = 0;

  constructor(holes: readonly Hole[]) {
    this.#holes = holes;
  }

  /** Where the next bytes lie: behind the hole that begins at `offset`, if one does. */
  skip(offset: number): number {
    const hole = this.#holes[this.#next];
    if (hole?.offset !== offset) return offset;
    this.#next += 1;
    return this.skip(offset + hole.length);
  }

  get atEnd(): boolean {
    return this.#next === this.#holes.length;
  }
}
