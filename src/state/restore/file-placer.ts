import { ftruncateSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { Hole } from '../format/entry.ts';
import { close, createFile, openToWrite, removeFile, statOf } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';
import type { MetadataSetter } from './apply-metadata.ts';
import type { ExtentRecord } from './extent-record.ts';
import type { ExtrasSpool } from './extras-spool.ts';
import type { InPlace } from './in-place.ts';
import { timesMatch } from './keeps.ts';
import { type LinkInodes, PARKED } from './link-inodes.ts';
import { concernsOneItem, type Losses } from './losses.ts';
import type { Place, Places } from './places.ts';
import { holdsHoles, openIfThere } from './present.ts';
import type { Tally } from './tally.ts';
import { tmpName } from './tmp-name.ts';
import type { Tree } from './tree.ts';

export interface PlacerParts {
  readonly tree: Tree;
  readonly places: Places;
  readonly inPlace: InPlace;
  readonly setter: MetadataSetter;
  readonly extras: ExtrasSpool;
  readonly inodes: LinkInodes;
  readonly losses: Losses;
  readonly tally: Tally;
}

/** Whether an unfinished file of which bytes are done must be there: of one that is known by its holes alone nothing is. */
type Begun = 'there' | 'perhaps';

/**
 * Writes files beside the tree and moves each into its place when it is whole: data, metadata, rename. What is in place
 * is therefore always a whole, verified file. A file that the target cannot take is listed, and the others go on.
 */
export class FilePlacer {
  readonly #parts: PlacerParts;
  /** Bytes done of the files that are under way, holes among them, by entry. */
  readonly #doneBytes = new Map<number, number>();
  /** Files that the target cannot take. */
  readonly #lost = new Set<number>();
  #open: { entry: number; fd: number } | undefined;
  files = 0;
  bytes = 0;

  constructor(parts: PlacerParts) {
    this.#parts = parts;
  }

  /** So many bytes of an unfinished file are there already, of which more is to come. */
  isThere(entry: number, doneBytes: number): void {
    this.#doneBytes.set(entry, doneBytes);
    this.bytes += doneBytes;
  }

  /** Places a file that needs no pack: an empty one, one of holes, or one whose bytes are all there. */
  withoutPack(record: ExtentRecord): void {
    this.#attempt(record, () => {
      const isUnfinished = record.frame === 1;
      const fd = isUnfinished ? openToWrite(this.#tmp(record), tmpName(record.entry)) : this.#create(record);
      this.bytes += record.sizeBytes;
      this.#finish(fd, record, !isUnfinished && record.sizeBytes === 0);
    });
  }

  /** Takes verified bytes of a file, and places it when they were the last. */
  write(record: ExtentRecord, data: Uint8Array): void {
    if (this.#lost.has(record.entry)) return;
    this.#attempt(record, () => {
      if (data.length === record.sizeBytes) {
        const fd = this.#create(record);
        this.#closing(fd, () => writeAll(fd, data, 0));
        this.bytes += data.length;
        this.#finish(fd, record, true);
        return;
      }
      const fd = this.#writePart(record, data);
      if (this.#doneBytes.get(record.entry) === record.sizeBytes) {
        this.#doneBytes.delete(record.entry);
        this.#open = undefined;
        this.#finish(fd, record, false);
      }
    });
  }

  /** Takes bytes of a file whose end is not known yet: it waits in the temporary folder until `complete`. */
  part(record: ExtentRecord, data: Uint8Array): void {
    this.#attempt(record, () => this.#writePart(record, data, 'there'));
  }

  /** Places a file of which every byte was written by `part`. */
  complete(record: ExtentRecord): void {
    this.#attempt(record, () => {
      const fd = this.#openPartial(record, 'there');
      this.bytes += record.sizeBytes - this.#doneBytes.get(record.entry)!;
      this.#doneBytes.delete(record.entry);
      this.#open = undefined;
      this.#finish(fd, record, false);
    });
  }

  /** Whether the unfinished file reads as zeros where these holes are. */
  holdsHoles(record: ExtentRecord, holes: readonly Hole[]): boolean {
    const fd = openIfThere(this.#tmp(record), tmpName(record.entry));
    if (fd === undefined) return false;
    try {
      return holdsHoles(fd, holes);
    } finally {
      close(fd);
    }
  }

  /** Whether the target could not take that file, which is listed then. */
  isLost(entry: number): boolean {
    return this.#lost.has(entry);
  }

  /** Forgets what was written of a file. */
  discard(record: ExtentRecord): void {
    if (this.#open?.entry === record.entry) this.close();
    this.bytes -= this.#doneBytes.get(record.entry) ?? 0;
    this.#doneBytes.delete(record.entry);
    try {
      removeFile(this.#tmp(record), tmpName(record.entry));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** A file that will not come, though it was planned. */
  giveUp(record: ExtentRecord): void {
    const { tally } = this.#parts;
    this.discard(record);
    this.bytes += record.sizeBytes;
    this.files += 1;
    if (record.placing === 'park') return;
    tally.counts.files -= 1;
    tally.counts.bytes -= record.sizeBytes;
  }

  /** Entries of files that were begun and never became whole. */
  get unfinished(): number {
    return this.#doneBytes.size;
  }

  close(): void {
    if (this.#open) close(this.#open.fd);
    this.#open = undefined;
  }

  #writePart(record: ExtentRecord, data: Uint8Array, begun: Begun = 'perhaps'): number {
    const fd = this.#openPartial(record, begun);
    writeAll(fd, data, record.fileOffset);
    failpoint('restore.part-written');
    this.bytes += data.length;
    this.#doneBytes.set(record.entry, this.#doneBytes.get(record.entry)! + data.length);
    return fd;
  }

  #place(record: ExtentRecord): Place {
    return this.#parts.places.at(this.#parts.tree.folders.place(record.folder));
  }

  #tmp(record: ExtentRecord): number {
    return record.placing === 'park' ? this.#parts.places.at(0).tmp : this.#place(record).tmp;
  }

  #attempt(record: ExtentRecord, place: () => void): void {
    const { tree } = this.#parts;
    try {
      if (record.placing !== 'park' && tree.folders.isLost(record.folder)) {
        this.#lose(record, 'not restored: its folder was not made');
      } else {
        place();
      }
    } catch (error) {
      if (error instanceof ResettleError) throw error;
      if (concernsOneItem(codeOf(error))) {
        this.#lose(record, `not restored: ${reasonOf(error)}`);
        return;
      }
      throw new ResettleError('failed', `cannot restore ${tree.show(record.folder, record.name)}: ${reasonOf(error)}`, {
        hint: 'mend that and run the same restore again: it goes on where it stopped',
        cause: error,
      });
    }
  }

  /** Gives a file up, for good. */
  #lose(record: ExtentRecord, reason: string): void {
    const { tree, losses } = this.#parts;
    this.#lost.add(record.entry);
    losses.add(() => tree.show(record.folder, record.name), reason);
    this.giveUp(record);
  }

  #openPartial(record: ExtentRecord, begun: Begun): number {
    const { entry } = record;
    if (this.#open?.entry === entry) return this.#open.fd;
    this.close();
    const fd = this.#doneBytes.has(entry) ? this.#reopen(record, begun) : this.#create(record);
    if (!this.#doneBytes.has(entry)) {
      this.#doneBytes.set(entry, record.holeBytes);
      this.bytes += record.holeBytes;
    }
    this.#open = { entry, fd };
    return fd;
  }

  #reopen(record: ExtentRecord, begun: Begun): number {
    try {
      return openToWrite(this.#tmp(record), tmpName(record.entry));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || begun === 'there') throw error;
      return this.#create(record);
    }
  }

  #create(record: ExtentRecord): number {
    const name = tmpName(record.entry);
    const tmp = this.#tmp(record);
    let fd: number;
    try {
      fd = createFile(tmp, name);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      removeFile(tmp, name);
      fd = createFile(tmp, name);
    }
    const { setter, extras } = this.#parts;
    if (record.extrasAt !== 0) {
      this.#closing(fd, () => setter.beforeData(fd, extras.get(record.extrasAt), () => this.#shown(record)));
    }
    return fd;
  }

  #finish(fd: number, record: ExtentRecord, isExact: boolean): void {
    const { places, setter, extras, inodes, inPlace } = this.#parts;
    const isParked = record.placing === 'park';
    const place = isParked ? places.at(0) : this.#place(record);
    let inode: { dev: bigint; ino: bigint } | undefined;
    try {
      // It may end in a hole, and what an earlier run left may be longer than it should be.
      if (!isExact) ftruncateSync(fd, record.sizeBytes);
      setter.file(fd, record, extras.get(record.extrasAt), place.keeps, () => this.#shown(record));
      if (record.group > 0) inode = statOf(fd);
    } finally {
      close(fd);
    }
    failpoint('restore.file-whole');
    let name: Uint8Array = tmpName(record.entry);
    if (record.placing !== 'park') {
      name = inPlace.put(place.tmp, name, {
        folder: record.folder,
        name: record.name,
        action: record.placing,
        decision: record.decision,
        looksOurs: (stats) => stats.isFile() && timesMatch(stats.mtimeNs, record.mtimeNs, place.keeps),
      });
    }
    this.files += 1;
    if (inode) inodes.set(record.group, { folder: isParked ? PARKED : record.folder, name, ...inode });
  }

  #closing(fd: number, act: () => void): void {
    try {
      act();
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  #shown(record: ExtentRecord): string {
    return this.#parts.tree.show(record.folder, record.name);
  }
}
