import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { DIRECT_OFFSETS_MAX, SEGMENT_DATA_BYTES } from '../../common/limits.ts';
import type { DirectAsk } from '../../common/ports.ts';
import { fileEntries } from '../capture/file-entries.ts';
import { FileReader, type ReadFile } from '../capture/file-reader.ts';
import type { LineFrame } from '../capture/frame-line.ts';
import { OpenSegments, type Segment } from '../capture/open-segments.ts';
import { type Content, ContentReader, type KnownBytes } from '../capture/read-content.ts';
import { damaged } from '../format/damaged.ts';
import { EncodedEntries } from '../format/entry-set.ts';
import type { FileRecord } from '../format/file-record.ts';
import { KIND } from '../format/frame-cipher.ts';
import type { Extent, FileEntry, FolderPath } from '../format/index.ts';
import { statOf } from '../fs/calls.ts';
import { reasonOf } from '../fs/errno.ts';
import { mayHaveHoles } from '../plan/data-runs.ts';
import type { Identities } from '../plan/identities.ts';
import { extrasOf, metadataOf } from '../plan/metadata.ts';
import type { SourceTree } from '../plan/source-tree.ts';
import type { OpenedPlan, PlannedFile } from './opened-plan.ts';
import { RecordQueue } from './record-queue.ts';

export interface AnswerOptions {
  readonly plan: OpenedPlan;
  readonly tree: SourceTree;
  readonly excluded: Identities;
  readonly scratchDir: string;
  /** Called often; throws a `ResettleError` where nobody wants the answer any more. */
  readonly throwIfEnded: () => void;
  /** Hears of every file, and of every piece of a large one: planned bytes done, and files. */
  readonly onRead: (bytes: number, files: number) => void;
}

/** Bytes that are known to lie at the other side, by their place alone. */
const knownBelow = (offset: number): KnownBytes => ({
  find: (fileOffset, length, hash) =>
    fileOffset < offset ? { pack: 0, segment: 0, offset: 0, length, hash } : undefined,
});

/**
 * Answers one ask for content or for comparing: reads the files and yields frames, segments of their bytes and records of
 * what they are. The record of a file that has bytes in the gathered segment comes directly before that segment.
 */
export class AnswerFiles {
  readonly #options: AnswerOptions;
  readonly #wanted: EncodedEntries;
  readonly #offsets: ReadonlyMap<number, number>;
  readonly #files: FileReader;
  readonly #open = new OpenSegments();
  readonly #reader: ContentReader;
  /** All bytes that they tell of were sent: they may go at any time. */
  readonly #free = new RecordQueue();
  /** They wait for the gathered segment. */
  readonly #gathered = new RecordQueue();
  /** Nothing but records is wanted. */
  readonly #recordsOnly: boolean;
  #doneBytes = 0;
  #doneFiles = 0;
  /** Of the file that is being read. */
  #plannedBytes = 0;
  /** A database could not be copied as it was at one moment. */
  #lacking = false;

  /** Throws `damaged`. */
  constructor(ask: DirectAsk, options: AnswerOptions) {
    this.#options = options;
    this.#wanted = new EncodedEntries(ask.entries);
    this.#offsets = offsetsOf(ask.offsets);
    this.#recordsOnly = ask.what === 'compare';
    const { plan, tree, excluded, scratchDir, throwIfEnded, onRead } = options;
    this.#files = new FileReader({
      roots: plan.roots,
      tree,
      scratchDir,
      excluded,
      throwIfStopped: throwIfEnded,
      onLack: () => {
        this.#lacking = true;
      },
    });
    this.#reader = new ContentReader(this.#open, (bytes) => {
      throwIfEnded();
      onRead(this.#doneBytes + Math.min(bytes, this.#plannedBytes), this.#doneFiles);
    });
  }

  *frames(): Generator<LineFrame, void> {
    try {
      for (const file of this.#options.plan.files(this.#wanted)) {
        this.#options.throwIfEnded();
        yield* this.#file(file);
        if (this.#gathered.isFull) yield* this.#sent(this.#open.end());
        if (this.#free.isFull) yield* this.#free.frames();
        this.#doneBytes += file.planned.sizeBytes;
        this.#doneFiles += 1;
        this.#options.onRead(this.#doneBytes, this.#doneFiles);
      }
      yield* this.#sent(this.#open.end());
      yield* this.#free.frames();
    } finally {
      this.#files.close();
    }
  }

  *#file({ entry, path, planned }: PlannedFile): Generator<LineFrame, void> {
    const { name } = planned;
    this.#plannedBytes = planned.sizeBytes;
    this.#lacking = false;
    this.#files.enter(path);
    if (this.#files.isInCopy(name) || (!this.#isAlone(path, name) && this.#files.standsByOther(name))) {
      this.#free.add({ kind: 'held', entry });
      return;
    }
    let read: ReadFile;
    let begun = false;
    try {
      read = yield* this.#sent(
        this.#files.read(name, undefined, (fd, sizeBytes, file) => {
          this.#checkInode(planned, file);
          begun = true;
          return this.#content(entry, planned, fd, sizeBytes, file);
        }),
      );
    } catch (error) {
      if (error instanceof ResettleError) throw error;
      // What was read of it before goes out first, so that nothing of it comes behind this.
      if (begun) yield* this.#sent(this.#open.end());
      this.#free.add({ kind: 'left', entry, reason: reasonOf(error) || 'it cannot be read' });
      return;
    }
    const queue = this.#open.gatheredLast === entry ? this.#gathered : this.#free;
    for (const record of recordsOf(entry, planned, read, this.#lacking)) queue.add(record);
    // What a large file ends with does not wait for others: it is in its place when it has been read.
    if (queue === this.#gathered && read.content.sizeBytes > SEGMENT_DATA_BYTES) yield* this.#sent(this.#open.end());
  }

  /** Whether it was named by hand, and what it may be the log of was not: then it is not in the plan, and holds nothing. */
  #isAlone(path: FolderPath, name: Uint8Array): boolean {
    const isNamed = (last: Uint8Array) =>
      this.#options.plan.roots.some(
        (root) => root.length === path.length + 1 && root.every((one, at) => asBuffer(one).equals(path[at] ?? last)),
      );
    return isNamed(name) && !isNamed(asBuffer(name).subarray(0, asBuffer(name).lastIndexOf('-')));
  }

  /** Throws where another file has taken its place: the others of its names would become names of that one. */
  #checkInode({ group }: FileEntry, file: number): void {
    if (group === 0 || statOf(file).ino === this.#options.plan.inodeOf(group)) return;
    throw new Error('another file has taken its place, which has not its other names: send these anew');
  }

  *#content(
    entry: number,
    planned: FileEntry,
    fd: number,
    sizeBytes: number,
    file: number,
  ): Generator<Segment, Content> {
    if (!this.#recordsOnly && (sizeBytes > SEGMENT_DATA_BYTES || mayHaveHoles(statOf(fd)))) {
      this.#begin(entry, planned, sizeBytes, file);
    }
    const known = knownBelow(this.#recordsOnly ? Number.POSITIVE_INFINITY : (this.#offsets.get(entry) ?? 0));
    return yield* this.#reader.read(fd, entry, sizeBytes, known);
  }

  /** Tells of extras before the first bytes of a large file. */
  #begin(entry: number, planned: FileEntry, sizeBytes: number, fd: number): void {
    try {
      const extras = extrasOf(fd);
      if (!extras) return;
      const file = { ...planned, ...metadataOf(statOf(fd)), extras, sizeBytes };
      this.#free.add({ kind: 'begun', entry, file });
    } catch {
      // Whoever reads them at the end says why they cannot be had.
    }
  }

  /** Each segment with the records that go before it. */
  *#sent<Result>(segments: Generator<Segment, Result>): Generator<LineFrame, Result> {
    try {
      for (;;) {
        const next = segments.next();
        if (next.done) return next.value;
        yield* this.#free.frames();
        if (next.value.gathered) yield* this.#gathered.frames();
        yield { kind: KIND.content, plain: next.value.plain };
      }
    } finally {
      // Closes what it has open where the answer ends early.
      segments.return(undefined as Result);
    }
  }
}

function* recordsOf(
  entry: number,
  planned: FileEntry,
  { content, extras }: ReadFile,
  lacking: boolean,
): Generator<FileRecord, void> {
  const { stats, sizeBytes, holes } = content;
  // A direct stream has nowhere else to say that not all is as it was at one moment.
  const changed = content.changed || lacking;
  const file = { ...planned, ...metadataOf(stats), ...(extras && { extras }), sizeBytes, changed };
  const extents = content.extents.map(({ length, hash }): Extent => ({ pack: 0, segment: 0, offset: 0, length, hash }));
  for (const piece of fileEntries(file, { extents, holes })) {
    if (piece.kind === 'file') yield { kind: 'file', entry, file: piece };
    else if (piece.kind === 'more') yield { kind: 'more', entry, file: piece };
  }
}

/** Throws `damaged`. */
function offsetsOf(offsets: DirectAsk['offsets']): ReadonlyMap<number, number> {
  if (offsets.length > DIRECT_OFFSETS_MAX) throw damaged('an ask names too many files that are there in part');
  let last = -1;
  for (const { entry, offset } of offsets) {
    const fits = Number.isSafeInteger(entry) && entry > last && Number.isSafeInteger(offset) && offset >= 0;
    if (!fits || offset % SEGMENT_DATA_BYTES !== 0) throw damaged('an ask names an offset that no file is cut at');
    last = entry;
  }
  return new Map(offsets.map(({ entry, offset }) => [entry, offset]));
}
