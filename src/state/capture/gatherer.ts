import { ENTRY_EXTENTS_MAX, MANIFEST_PART_BYTES } from '../../common/limits.ts';
import { BlockWriter } from '../format/block.ts';
import type { Entry, FileEntry, FolderBlock, FolderPath, Totals } from '../format/index.ts';
import { BlockSpoolWriter } from '../fs/block-spool.ts';
import { close, openToRead, statOf } from '../fs/calls.ts';
import { reasonOf } from '../fs/errno.ts';
import type { LeftOutList } from '../plan/left-out.ts';
import { RootWalker } from '../plan/root-walker.ts';
import { pathOfNames } from '../plan/roots.ts';
import { metadataOf } from '../plan/scan.ts';
import { GroupNumbers } from './group-numbers.ts';
import { OpenSegments, type Segment } from './open-segments.ts';
import { type Content, readContent } from './read-content.ts';

const BLOCK_CUT_BYTES = MANIFEST_PART_BYTES / 2;

/**
 * Reads content in the order of the plan and yields segments; writes the entries, now with their extents, to a second
 * scratch file. An extent names its segment by number: where that was sealed is known later.
 */
export class Gatherer {
  readonly totals: { -readonly [K in keyof Totals]: number } = {
    files: 0,
    folders: 0,
    symlinks: 0,
    hardlinks: 0,
    specials: 0,
    bytes: 0,
  };
  readonly #walker: RootWalker;
  readonly #spool: BlockSpoolWriter;
  readonly #leftOut: LeftOutList;
  readonly #onFile: (bytes: number, files: number) => void;
  readonly #out = new BlockWriter();
  readonly #open = new OpenSegments();
  readonly #groups = new GroupNumbers();
  #nextEntry = 0;

  constructor(
    roots: readonly FolderPath[],
    entriesPath: string,
    leftOut: LeftOutList,
    onFile: (bytes: number, files: number) => void,
  ) {
    this.#walker = new RootWalker(roots);
    this.#spool = new BlockSpoolWriter(entriesPath);
    this.#leftOut = leftOut;
    this.#onFile = onFile;
  }

  /** A stage for a pipe: blocks of the plan in, segments out. */
  readonly segments = (plan: Iterable<FolderBlock>): Iterable<Segment> => this.#segments(plan);

  *#segments(plan: Iterable<FolderBlock>): Generator<Segment, void> {
    try {
      for (const block of plan) yield* this.#folder(block);
      yield* this.#open.end();
    } finally {
      this.#walker.close();
      this.#spool.close();
    }
  }

  *#folder(block: FolderBlock): Generator<Segment, void> {
    this.#out.begin(block.path);
    for (const entry of block.entries) {
      if (entry.kind === 'file') yield* this.#file(block.path, entry);
      else this.#keep(entry);
      if (this.#out.bytes > BLOCK_CUT_BYTES) {
        this.#spool.add(this.#out.view());
        this.#out.begin(block.path);
      }
    }
    this.#spool.add(this.#out.view());
  }

  #keep(entry: Entry): void {
    if (entry.kind === 'folder') this.totals.folders += 1;
    if (entry.kind === 'symlink') this.totals.symlinks += 1;
    if (entry.kind === 'hardlink') this.totals.hardlinks += 1;
    if (entry.kind !== 'more') this.#nextEntry += 1;
    this.#out.entry(entry);
  }

  *#file(path: FolderPath, planned: FileEntry): Generator<Segment, void> {
    const captured = planned.group > 0 ? this.#groups.get(planned.group) : 0;
    if (captured > 0) {
      const { name, mode, uid, gid, mtimeNs } = planned;
      this.#keep({ kind: 'hardlink', name, mode, uid, gid, mtimeNs, group: captured });
      return;
    }
    let content: Content;
    try {
      content = yield* this.#read(path, planned);
    } catch (error) {
      this.#leftOut.add(pathOfNames([...path, planned.name]), reasonOf(error));
      return;
    }
    if (content.changed) this.#leftOut.add(pathOfNames([...path, planned.name]), 'it changed while it was read');
    const group = planned.group > 0 ? this.#groups.give(planned.group) : 0;
    this.#keepFile(planned.name, content, group);
    this.totals.files += 1;
    this.totals.bytes += content.sizeBytes;
    this.#onFile(this.totals.bytes, this.totals.files);
  }

  *#read(path: FolderPath, planned: FileEntry): Generator<Segment, Content> {
    const fd = openToRead(this.#walker.enter(path), planned.name);
    try {
      if (!statOf(fd).isFile()) throw new Error('it is not a file any more');
      return yield* readContent(fd, this.#nextEntry, planned.sizeBytes, this.#open);
    } finally {
      close(fd);
    }
  }

  /** Writes a file's entry, and further ones where it has too many extents for one. */
  #keepFile(name: Uint8Array, content: Content, group: number): void {
    const { stats, extents, sizeBytes, changed } = content;
    const pieces = Math.max(1, Math.ceil(extents.length / ENTRY_EXTENTS_MAX));
    for (let piece = 0; piece < pieces; piece++) {
      const some = extents.slice(piece * ENTRY_EXTENTS_MAX, (piece + 1) * ENTRY_EXTENTS_MAX);
      const goesOn = piece + 1 < pieces;
      if (piece === 0) {
        this.#keep({ kind: 'file', name, ...metadataOf(stats), sizeBytes, extents: some, group, changed, goesOn });
      } else {
        this.#keep({ kind: 'more', name, extents: some, goesOn });
      }
    }
  }
}
