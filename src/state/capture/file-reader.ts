import { asBuffer } from '../../common/bytes.ts';
import type { Extras } from '../format/extras.ts';
import type { FolderPath } from '../format/index.ts';
import { close, openToRead, statOf } from '../fs/calls.ts';
import { reasonOf } from '../fs/errno.ts';
import type { Identities } from '../plan/identities.ts';
import { extrasOf } from '../plan/metadata.ts';
import { RootWalker } from '../plan/root-walker.ts';
import type { SourceTree } from '../plan/source-tree.ts';
import { copyDatabase, type DatabaseCopy, isCompanion, isDatabase } from './database.ts';
import type { Segment } from './open-segments.ts';
import { type Content, readUpTo } from './read-content.ts';

const DATABASE_PAGE_MIN_BYTES = 512;

export interface FileReaderOptions {
  readonly roots: readonly FolderPath[];
  readonly tree: SourceTree;
  /** Where copies of live databases are made. */
  readonly scratchDir: string;
  readonly settleMs?: number | undefined;
  /** What is never read, whatever name it has now. */
  readonly excluded?: Identities | undefined;
  /** Called while a database is copied; a `ResettleError` of it ends the reading. */
  readonly throwIfStopped: () => void;
  /** Hears what a file that was read all the same lacks, or could not be had of it. */
  readonly onLack: (path: FolderPath, name: Uint8Array, reason: string) => void;
}

/** How the bytes of an open file are read: `fd` is the file or the copy of a database, `file` always the file. */
export type ReadBytes = (fd: number, sizeBytes: number, file: number) => Generator<Segment, Content>;

export interface ReadFile {
  readonly content: Content;
  /** It is a copy of a database that is in use: the file's own stat says nothing of what was read. */
  readonly unsettled: boolean;
  readonly extras: Extras | undefined;
}

/** Opens files in the order of a plan; of a database that is in use, what it held at one moment is read. */
export class FileReader {
  readonly #options: FileReaderOptions;
  readonly #walker: RootWalker;
  #path: FolderPath = [];
  /** Names of this folder's databases that were copied, as latin1, and of those that were read as plain files. */
  readonly #copied = new Set<string>();
  readonly #plain = new Set<string>();

  constructor(options: FileReaderOptions) {
    this.#options = options;
    this.#walker = new RootWalker(options.roots, options.tree);
  }

  close(): void {
    this.#walker.close();
  }

  /** Goes to a folder, or stays there. */
  enter(path: FolderPath): void {
    if (!isSamePath(path, this.#path)) {
      this.#copied.clear();
      this.#plain.clear();
    }
    this.#path = path;
  }

  /** Whether this stands beside a database of the same folder that was copied: what it holds is in the copy. */
  isInCopy(name: Uint8Array): boolean {
    return isCompanion(name, this.#copied);
  }

  /**
   * Whether this stands beside a database that was not read since the folder was entered: then that was read at another
   * time, and this does not fit to it any more.
   */
  standsByOther(name: Uint8Array): boolean {
    if (isCompanion(name, this.#plain)) return false;
    const database = asBuffer(name).subarray(0, asBuffer(name).lastIndexOf('-'));
    if (!isCompanion(name, new Set([database.toString('latin1')]))) return false;
    try {
      const fd = openToRead(this.#walker.enter(this.#path), database);
      try {
        const stats = statOf(fd);
        return stats.isFile() && mayBeDatabase(fd, Number(stats.size));
      } finally {
        close(fd);
      }
    } catch {
      return false;
    }
  }

  /** Reads a file: `plannedBytes` of it, or, where that is undefined, what there is. Throws where it cannot be read. */
  *read(name: Uint8Array, plannedBytes: number | undefined, readBytes: ReadBytes): Generator<Segment, ReadFile> {
    const fd = openToRead(this.#walker.enter(this.#path), name);
    try {
      const stats = statOf(fd);
      if (!stats.isFile()) throw new Error('it is not a file any more');
      if (this.#options.excluded?.has(stats)) throw new Error('it is excluded');
      const sizeBytes = plannedBytes ?? Number(stats.size);
      return { ...(yield* this.#content(fd, name, sizeBytes, readBytes)), extras: this.#extras(fd, name) };
    } finally {
      close(fd);
    }
  }

  *#content(
    fd: number,
    name: Uint8Array,
    sizeBytes: number,
    readBytes: ReadBytes,
  ): Generator<Segment, Omit<ReadFile, 'extras'>> {
    if (!mayBeDatabase(fd, sizeBytes)) return { content: yield* readBytes(fd, sizeBytes, fd), unsettled: false };
    const text = asBuffer(name).toString('latin1');
    this.#plain.add(text);
    let copy = this.#copy(name);
    if (copy.kind === 'idle') {
      const content = yield* readBytes(fd, sizeBytes, fd);
      if (!content.changed) return { content, unsettled: false };
      copy = this.#copy(name);
    }
    if (copy.kind !== 'copied') {
      if (copy.kind === 'inconsistent') this.#lacks(name, copy.reason);
      return { content: yield* readBytes(fd, sizeBytes, fd), unsettled: false };
    }
    try {
      const content = yield* readBytes(copy.fd, copy.sizeBytes, fd);
      this.#copied.add(text);
      return { content: { ...content, stats: copy.stats }, unsettled: true };
    } finally {
      copy.close();
    }
  }

  #copy(name: Uint8Array): DatabaseCopy {
    const { scratchDir, settleMs, throwIfStopped } = this.#options;
    return copyDatabase(this.#walker.enter(this.#path), name, scratchDir, { settleMs, throwIfStopped });
  }

  #extras(fd: number, name: Uint8Array): Extras | undefined {
    try {
      return extrasOf(fd);
    } catch (error) {
      this.#lacks(name, `its extended attributes: ${reasonOf(error)}`);
      return undefined;
    }
  }

  #lacks(name: Uint8Array, reason: string): void {
    this.#options.onLack(this.#path, name, reason);
  }
}

/** A database has whole pages of at least 512 bytes; few other files have that, so few are looked into. */
function mayBeDatabase(fd: number, sizeBytes: number): boolean {
  if (sizeBytes < DATABASE_PAGE_MIN_BYTES || sizeBytes % DATABASE_PAGE_MIN_BYTES !== 0) return false;
  const head = Buffer.alloc(16);
  return readUpTo(fd, head, 0) === head.length && isDatabase(head);
}

function isSamePath(a: FolderPath, b: FolderPath): boolean {
  return a.length === b.length && a.every((name, at) => Buffer.compare(name, b[at]!) === 0);
}
