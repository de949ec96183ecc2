import type { BigIntStats } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { MANIFEST_BLOCK_BYTES } from '../../common/limits.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { writeEntry } from '../format/entry.ts';
import { GroupMarks } from '../format/group-marks.ts';
import type { Entry, Extent, FileEntry, FolderPath } from '../format/index.ts';
import { BlockSpoolWriter } from '../fs/block-spool.ts';
import { reasonOf } from '../fs/errno.ts';
import type { Known } from '../plan/known.ts';
import type { LeftOutList } from '../plan/left-out.ts';
import { isSettled, metadataOf } from '../plan/metadata.ts';
import { pathOfNames } from '../plan/roots.ts';
import type { SourceTree } from '../plan/source-tree.ts';
import {
  BEFORE,
  LINKED,
  READ,
  readRecords,
  spoolBlock,
  type TrackedBlock,
  type TrackedRecord,
  TrackedWriter,
} from '../plan/tracked.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { Before } from './before.ts';
import { fileEntries } from './file-entries.ts';
import { FileReader, type ReadFile } from './file-reader.ts';
import { OpenSegments, type Segment } from './open-segments.ts';
import { type Content, ContentReader } from './read-content.ts';
import { SeenContent } from './seen-content.ts';

const EMPTY = Buffer.alloc(0);

export interface GathererOptions {
  readonly roots: readonly FolderPath[];
  readonly tree: SourceTree;
  readonly entriesPath: string;
  readonly leftOut: LeftOutList;
  readonly known: Known;
  readonly settleMs: number;
  /** Where copies of live databases are made. */
  readonly scratchDir: string;
  /** Hears of every file, and of every piece of a large one. */
  readonly onRead: (bytes: number, files: number) => void;
}

/**
 * Reads content in the order of the plan and yields segments; writes the entries, now with their extents, to a second
 * scratch file. An extent of new bytes names its segment by number: where that was sealed is known later.
 */
export class Gatherer {
  readonly #options: GathererOptions;
  readonly #files: FileReader;
  readonly #spool: BlockSpoolWriter;
  readonly #records = new TrackedWriter();
  readonly #entry = new CborWriter(4096);
  readonly #open = new OpenSegments();
  readonly #reader: ContentReader;
  readonly #groups = new GroupMarks();
  #path: FolderPath = [];
  #key: Uint8Array | undefined;
  #nextEntry = 0;
  #closed = false;
  /** The block under way is in the scratch file. */
  #written = true;
  /** The file whose content is being read. */
  #reading: { readonly record: TrackedRecord; readonly planned: FileEntry } | undefined;
  #readFiles = 0;
  #readBytes = 0;

  constructor(options: GathererOptions) {
    this.#options = options;
    const { roots, tree, scratchDir, settleMs, leftOut } = options;
    const onLack = (path: FolderPath, name: Uint8Array, reason: string) =>
      leftOut.add(pathOfNames([...path, name]), reason);
    this.#files = new FileReader({ roots, tree, scratchDir, settleMs, throwIfStopped, onLack });
    this.#spool = new BlockSpoolWriter(options.entriesPath);
    this.#reader = new ContentReader(
      this.#open,
      (bytes) => options.onRead(this.#readBytes + bytes, this.#readFiles),
      new SeenContent(),
    );
  }

  /** Brings every entry that was written to the scratch file. */
  readonly flush = (): void => {
    if (!this.#closed) this.#spool.flush();
  };

  /** The block under way, and of a large file what was read so far. */
  readonly pending = (): TrackedBlock | undefined => {
    if (this.#closed || this.#written || (this.#records.count === 0 && !this.#reading)) return undefined;
    const body = new TrackedWriter();
    for (const record of readRecords(this.#records.view())) body.copy(record);
    if (this.#reading) {
      const { record, planned } = this.#reading;
      this.#entry.reset();
      for (const entry of fileEntries(planned, this.#reader.soFar())) writeEntry(this.#entry, entry);
      body.add(record.name, record.flags & LINKED, 0, undefined, false, this.#entry.view());
    }
    return { path: this.#path, key: this.#key ?? EMPTY, count: body.count, same: undefined, body: body.view() };
  };

  /** A stage for a pipe: blocks of the plan in, segments out. */
  readonly segments = (plan: Iterable<TrackedBlock>): Iterable<Segment> => this.#segments(plan);

  *#segments(plan: Iterable<TrackedBlock>): Generator<Segment, void> {
    try {
      for (const block of plan) yield* this.#block(block);
      yield* this.#open.end();
    } finally {
      this.#files.close();
      // Where the capture ends early, what there is of the block under way is wanted by its last checkpoint.
      const rest = this.pending();
      if (rest) spoolBlock(this.#spool, rest);
      this.#closed = true;
      this.#spool.close();
    }
  }

  *#block(block: TrackedBlock): Generator<Segment, void> {
    if (block.same) {
      this.#nextEntry += block.count;
      spoolBlock(this.#spool, block);
      return;
    }
    this.#path = block.path;
    this.#files.enter(block.path);
    this.#key = block.key;
    this.#records.reset();
    this.#written = false;
    for (const record of readRecords(block.body)) {
      // What stands beside a database that was copied is in the copy.
      if (this.#files.isInCopy(record.name)) continue;
      if (record.flags & READ) yield* this.#file(record);
      else this.#keep(record);
      if (this.#records.bytes > MANIFEST_BLOCK_BYTES) {
        this.#write();
        this.#key = undefined;
        this.#records.reset();
      }
    }
    if (this.#records.count > 0 || this.#key !== undefined) this.#write();
    this.#written = true;
  }

  #write(): void {
    const { count } = this.#records;
    const body = count > 0 ? this.#records.view() : EMPTY;
    spoolBlock(this.#spool, { path: this.#path, key: this.#key ?? EMPTY, count, same: undefined, body });
  }

  #keep(record: TrackedRecord): void {
    const [entry] = record.flags & LINKED ? record.entries() : [];
    if (entry?.kind === 'file') this.#groups.add(entry.group);
    this.#key ??= Buffer.from(record.name);
    this.#records.copy(record);
    this.#nextEntry += 1;
  }

  *#file(record: TrackedRecord): Generator<Segment, void> {
    const [planned, ...before] = record.entries() as [FileEntry, ...Entry[]];
    const { name, mode, uid, gid, mtimeNs, group } = planned;
    if (this.#groups.has(group)) {
      this.#add(record, [{ kind: 'hardlink', name, mode, uid, gid, mtimeNs, group }], undefined);
      return;
    }
    let read: ReadFile;
    try {
      read = yield* this.#files.read(name, planned.sizeBytes, (fd, sizeBytes) =>
        this.#read(fd, record, { ...planned, sizeBytes }, before),
      );
      this.#reading = undefined;
    } catch (error) {
      if (error instanceof ResettleError) throw error;
      this.#reading = undefined;
      this.#leaveOut(name, reasonOf(error));
      return;
    }
    const { content, extras, unsettled } = read;
    if (content.changed) this.#leaveOut(name, 'it changed while it was read');
    if (group > 0) this.#groups.add(group);
    const { stats, sizeBytes, changed } = content;
    const file = { ...planned, ...metadataOf(stats), ...(extras && { extras }), sizeBytes, changed };
    this.#add(record, fileEntries(file, content), changed || unsettled ? undefined : stats);
    this.#readFiles += 1;
    this.#readBytes += sizeBytes;
    this.#options.onRead(this.#readBytes, this.#readFiles);
  }

  *#read(fd: number, record: TrackedRecord, planned: FileEntry, before: readonly Entry[]): Generator<Segment, Content> {
    this.#reading = { record, planned };
    return yield* this.#reader.read(fd, this.#nextEntry, planned.sizeBytes, this.#before(record, before));
  }

  #leaveOut(name: Uint8Array, reason: string): void {
    this.#options.leftOut.add(pathOfNames([...this.#path, name]), reason);
  }

  /** Where the bytes lie that the last capture read of that file. */
  #before(record: TrackedRecord, entries: readonly Entry[]): Before | undefined {
    const { known } = this.#options;
    const packs = record.flags & BEFORE ? known.cache.parts.get(record.part)?.packs : undefined;
    if (!packs) return undefined;
    return new Before(entries, (extent: Extent) => {
      const number = packs[extent.pack];
      return number !== undefined && known.hasPack(number) ? { ...extent, pack: number + 1 } : undefined;
    });
  }

  /** `stats` undefined: the file is looked at again at the next capture. */
  #add(record: TrackedRecord, entries: readonly Entry[], stats: BigIntStats | undefined): void {
    this.#entry.reset();
    for (const entry of entries) writeEntry(this.#entry, entry);
    const settledBeforeNs = BigInt(Date.now() - this.#options.settleMs) * 1_000_000n;
    const settled = stats !== undefined && isSettled(stats, settledBeforeNs);
    this.#key ??= Buffer.from(record.name);
    this.#records.add(record.name, record.flags & LINKED, 0, stats, settled, this.#entry.view());
    this.#nextEntry += 1;
  }
}
