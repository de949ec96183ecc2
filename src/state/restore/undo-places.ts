import {
  close,
  namesIn,
  openFolder,
  openFolderAt,
  pathOfFolder,
  removeFile,
  removeFolder,
  statOf,
} from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import type { PlaceNames } from './places.ts';
import { PRE_IMAGES } from './places.ts';

/** A file system beneath the target, as `Place` is. */
interface UndoPlace {
  readonly device: bigint;
  readonly host: number;
  readonly top: number;
  readonly preImages: number | undefined;
}

/** The file systems that an undo reaches, and the pre-images that lie on each; makes no folder. */
export class UndoPlaces {
  readonly #places: UndoPlace[] = [];
  readonly #names: PlaceNames;
  readonly #undo: number;

  constructor(names: PlaceNames, undoDir: string) {
    this.#names = names;
    this.#undo = openFolderAt(Buffer.from(undoDir));
  }

  /** The index of the file system of an open folder; `host` is its number. */
  of(device: bigint, host: number, folder: number): number {
    const known = this.#places.findIndex((place) => place.device === device);
    if (known >= 0) return known;
    const inUndo = statOf(this.#undo).dev === device;
    const preImages = inUndo ? openIfThere(this.#undo, PRE_IMAGES) : openIfThere(folder, this.#names.hidden);
    this.#places.push({ device, host, top: openFolderAt(Buffer.from(pathOfFolder(folder))), preImages });
    return this.#places.length - 1;
  }

  preImages(index: number): number | undefined {
    return this.#places[index]!.preImages;
  }

  isHost(folder: number): boolean {
    return this.#places.some(({ host }) => host === folder);
  }

  /** Removes what a restore made for itself in the top folder of a file system. Returns where pre-images are left. */
  clear(host: number): string | undefined {
    const place = this.#places.find((one) => one.host === host);
    if (!place) return undefined;
    // The target's own journal has more in it, and goes by itself.
    if (host !== 0) removeTmp(place.top, this.#names.journal);
    const left = place.preImages !== undefined && namesIn(place.preImages).length > 0;
    if (left) return pathOfFolder(place.preImages!);
    removeIfThere(place.top, this.#names.hidden);
    return undefined;
  }

  /** Removes the folder of pre-images in HOME if it is empty. */
  clearHome(): void {
    removeIfThere(this.#undo, PRE_IMAGES);
  }

  close(): void {
    for (const { top, preImages } of this.#places) {
      close(top);
      if (preImages !== undefined) close(preImages);
    }
    close(this.#undo);
  }
}

function openIfThere(folder: number, name: Uint8Array): number | undefined {
  try {
    return openFolder(folder, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function removeIfThere(folder: number, name: Uint8Array): void {
  try {
    removeFolder(folder, name);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTEMPTY') throw error;
  }
}

function removeTmp(top: number, name: Uint8Array): void {
  const tmp = openIfThere(top, name);
  if (tmp === undefined) return;
  try {
    for (const entry of namesIn(tmp)) removeFile(tmp, entry);
  } finally {
    close(tmp);
  }
  removeFolder(top, name);
}
