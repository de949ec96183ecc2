import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import {
  close,
  makeFolder,
  namesIn,
  openFolder,
  openFolderAt,
  pathOfFolder,
  removeFile,
  removeFolder,
  setMode,
  statOf,
  syncFileSystem,
} from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import { dropAcls } from './apply-metadata.ts';
import { type Keeps, probeKeeps } from './keeps.ts';
import { saysNotKept } from './losses.ts';
import type { OwnerPolicy } from './owner-policy.ts';

const TMP = Buffer.from('tmp');
/** In a restore’s own folder: the pre-images of what lies on the same file system. */
export const PRE_IMAGES = Buffer.from('replaced');
const PLACE_INDEX_MAX = 255;

/** One file system beneath the target: where unfinished items and pre-images of it lie, as a rename needs. */
export interface Place {
  readonly device: bigint;
  /** The folder, by number, that is the top of this file system beneath the target; 0 is the target. */
  readonly host: number;
  /** That folder, open. */
  readonly top: number;
  /** Unfinished items. */
  readonly tmp: number;
  readonly keeps: Keeps;
  /** Pre-images, by the number of their decision; made where there is no such folder yet. */
  preImages: number | undefined;
}

export interface PlaceNames {
  /** In the top folder of every file system but the target's own. */
  readonly journal: Buffer;
  /** Holds pre-images in the top folder of a file system that `undoDir` is not on. */
  readonly hidden: Buffer;
}

export const hiddenNameOf = (restoreId: string) => Buffer.from(`.resettle-undo-${restoreId}`);

/** The file systems that a restore reaches: the target's own first, then what is mounted beneath it. */
export class Places {
  readonly #places: Place[] = [];
  readonly #names: PlaceNames;
  readonly #undoDir: number | undefined;
  readonly #owners: OwnerPolicy;

  constructor(names: PlaceNames, undoDir: string | undefined, owners: OwnerPolicy) {
    this.#names = names;
    this.#owners = owners;
    this.#undoDir = undoDir === undefined ? undefined : openFolderAt(Buffer.from(undoDir));
  }

  /** The target's own; its temporary folder lies in the journal. */
  addBase(base: number, journal: number): void {
    this.#add(statOf(base).dev, 0, base, openOwn(journal, TMP));
  }

  at(index: number): Place {
    return this.#places[index]!;
  }

  get all(): readonly Place[] {
    return this.#places;
  }

  /** The index of the file system of an open folder that was there. */
  of(device: bigint, host: number, folder: number): number {
    const known = this.#places.findIndex((place) => place.device === device);
    return known >= 0 ? known : this.#add(device, host, folder, openOwn(folder, this.#names.journal));
  }

  /** The folder of a place's pre-images. */
  preImagesOf(place: Place): number {
    if (place.preImages !== undefined) return place.preImages;
    const inUndo = this.#undoDir !== undefined && statOf(this.#undoDir).dev === place.device;
    place.preImages = inUndo ? openOwn(this.#undoDir!, PRE_IMAGES) : openOwn(place.top, this.#names.hidden);
    return place.preImages;
  }

  /** Where pre-images of the target's own file system are. */
  get shownPreImages(): string | undefined {
    const fd = this.#places[0]?.preImages;
    return fd === undefined ? undefined : pathOfFolder(fd);
  }

  /** Everything that was written to any of them is on disk. */
  sync(): void {
    for (const { top, preImages } of this.#places) {
      syncFileSystem(top);
      if (preImages !== undefined) syncFileSystem(preImages);
    }
  }

  /** Removes the temporary folders outside the journal, and folders of pre-images that hold none. */
  clear(): void {
    for (const place of this.#places) {
      const { host, top, tmp, preImages } = place;
      if (host !== 0) {
        for (const name of namesIn(tmp)) removeFile(tmp, name);
        removeFolder(top, this.#names.journal);
      }
      if (preImages !== undefined && namesIn(preImages).length === 0) {
        close(preImages);
        place.preImages = undefined;
        removeIfThere(this.#undoDir, PRE_IMAGES);
        removeIfThere(top, this.#names.hidden);
      }
    }
  }

  close(): void {
    for (const { top, tmp, preImages } of this.#places) {
      close(top);
      close(tmp);
      if (preImages !== undefined) close(preImages);
    }
    if (this.#undoDir !== undefined) close(this.#undoDir);
  }

  #add(device: bigint, host: number, folder: number, tmp: number): number {
    if (this.#places.length > PLACE_INDEX_MAX)
      throw new ResettleError('failed', 'too many file systems are mounted beneath the target');
    // Of its own: the caller closes the other one.
    const top = openFolderAt(Buffer.from(pathOfFolder(folder)));
    this.#places.push({ device, host, top, tmp, keeps: probe(tmp, this.#owners), preImages: undefined });
    return this.#places.length - 1;
  }
}

function probe(tmp: number, owners: OwnerPolicy): Keeps {
  try {
    return probeKeeps(tmp, owners);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeFile(tmp, Buffer.from('probe'));
    return probeKeeps(tmp, owners);
  }
}

function removeIfThere(folder: number | undefined, name: Uint8Array): void {
  try {
    if (folder !== undefined) removeFolder(folder, name);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTEMPTY') throw error;
  }
}

/** Makes or opens a folder of our own: closed to others, and nothing is inherited from it. */
export function openOwn(folder: number, name: Uint8Array): number {
  try {
    makeFolder(folder, name);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const fd = openFolder(folder, name);
  // A setgid bit or a default ACL of the target's would be handed on to new files.
  try {
    setMode(fd, 0o700);
  } catch (error) {
    if (!saysNotKept(codeOf(error))) throw error;
  }
  dropAcls(fd);
  return fd;
}

/** The names of a restore's folder in HOME. */
export const undoFile = (undoDir: string, name: 'plan' | 'restore.json' | 'lock') => join(undoDir, name);
