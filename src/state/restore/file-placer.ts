import { ftruncateSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { close, createFile, openToWrite, removeFile, rename, setMode, setTime, statOf } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';
import type { ExtentRecord } from './extent-record.ts';
import type { LinkInodes } from './link-inodes.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import { tmpName } from './tmp-name.ts';
import type { Tree } from './tree.ts';

/**
 * Writes files beside the tree and renames each into its place when it is whole: data, owner, mode, time, rename.
 * What is in place is therefore always a whole, verified file.
 */
export class FilePlacer {
  readonly #tree: Tree;
  readonly #owners: OwnerPolicy;
  readonly #inodes: LinkInodes;
  /** Bytes done of the files that are under way, by entry. */
  readonly #doneBytes: Map<number, number>;
  readonly #newFilesAreOurs: boolean;
  #open: { entry: number; fd: number } | undefined;
  files = 0;
  bytes = 0;

  constructor(tree: Tree, owners: OwnerPolicy, inodes: LinkInodes, partials: Map<number, number>) {
    this.#tree = tree;
    this.#owners = owners;
    this.#inodes = inodes;
    this.#doneBytes = partials;
    this.#newFilesAreOurs = this.#probe();
    for (const done of partials.values()) this.bytes += done;
  }

  /** Places a file that needs no pack: an empty one, or one whose bytes are all there. */
  withoutPack(record: ExtentRecord): void {
    this.#attempt(record, () => {
      const fd = record.sizeBytes === 0 ? this.#create(record.entry) : openToWrite(this.#tmp, tmpName(record.entry));
      this.bytes += record.sizeBytes;
      this.#finish(fd, record);
    });
  }

  /** Takes verified bytes of a file, and places it when they were the last. */
  write(record: ExtentRecord, data: Uint8Array): void {
    this.#attempt(record, () => {
      if (data.length === record.sizeBytes) {
        const fd = this.#create(record.entry);
        writeAll(fd, data, 0);
        this.bytes += data.length;
        this.#finish(fd, record);
        return;
      }
      const fd = this.#openPartial(record.entry);
      writeAll(fd, data, record.fileOffset);
      this.bytes += data.length;
      const done = this.#doneBytes.get(record.entry)! + data.length;
      this.#doneBytes.set(record.entry, done);
      if (done === record.sizeBytes) {
        this.#doneBytes.delete(record.entry);
        this.#open = undefined;
        this.#finish(fd, record);
      }
    });
  }

  /** Entries of files that were begun and never became whole. */
  get unfinished(): number {
    return this.#doneBytes.size;
  }

  close(): void {
    if (this.#open) close(this.#open.fd);
    this.#open = undefined;
  }

  get #tmp(): number {
    return this.#tree.target.tmp;
  }

  #attempt(record: ExtentRecord, place: () => void): void {
    try {
      place();
    } catch (error) {
      if (error instanceof ResettleError) throw error;
      const shown = this.#tree.show(record.folder, record.name);
      throw new ResettleError('failed', `cannot restore ${shown}: ${reasonOf(error)}`, {
        hint: 'mend that and run the same restore again: it goes on where it stopped',
        cause: error,
      });
    }
  }

  #openPartial(entry: number): number {
    if (this.#open?.entry === entry) return this.#open.fd;
    this.close();
    let fd: number;
    if (this.#doneBytes.has(entry)) {
      fd = openToWrite(this.#tmp, tmpName(entry));
    } else {
      fd = this.#create(entry);
      this.#doneBytes.set(entry, 0);
    }
    this.#open = { entry, fd };
    return fd;
  }

  #create(entry: number): number {
    const name = tmpName(entry);
    try {
      return createFile(this.#tmp, name);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      removeFile(this.#tmp, name);
      return createFile(this.#tmp, name);
    }
  }

  #finish(fd: number, record: ExtentRecord): void {
    try {
      const isNew = record.sizeBytes === record.length || record.sizeBytes === 0;
      // What an earlier run left may be longer than it should be.
      if (!isNew) ftruncateSync(fd, record.sizeBytes);
      if (!isNew || !this.#newFilesAreOurs || !this.#owners.isOurs(record)) this.#owners.setOwner(fd, record);
      setMode(fd, this.#owners.fileMode(record.mode));
      setTime(fd, record.mtimeNs);
      if (record.group > 0) {
        const { dev, ino } = statOf(fd);
        this.#inodes.set(record.group, { folder: record.folder, name: record.name, dev, ino });
      }
    } finally {
      close(fd);
    }
    rename(this.#tmp, tmpName(record.entry), this.#tree.open(record.folder), record.name);
    this.files += 1;
  }

  /** Whether new files get our own owner and group, as they do but where a mount says otherwise. */
  #probe(): boolean {
    const name = Buffer.from('probe');
    const fd = createFile(this.#tmp, name);
    const { uid, gid } = statOf(fd);
    close(fd);
    removeFile(this.#tmp, name);
    return this.#owners.isOurs({ uid: Number(uid), gid: Number(gid) });
  }
}
