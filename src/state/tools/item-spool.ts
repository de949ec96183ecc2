import { join } from 'node:path';
import { PathSpool } from './path-spool.ts';

const SLASH = Buffer.from('/');
const FOLDER_BYTES = 4;
/** The number of the folder above of one that has none. */
const NO_FOLDER = 0xffff_ffff;

/**
 * Folders by number, each as its name and the folder that it lies in, and items by any number, in scratch files. A path is
 * put together when it is asked for: whole ones of a deep tree would take 260 KB each.
 */
export class ItemSpool {
  readonly #folders: PathSpool;
  readonly #items: PathSpool;

  /** `scratch`: a folder in which there is none yet. */
  constructor(scratch: string) {
    this.#folders = new PathSpool(join(scratch, 'folders'));
    this.#items = new PathSpool(join(scratch, 'items'));
  }

  setFolder(number: number, parent: number | undefined, name: Uint8Array): void {
    this.#folders.set(number, encoded(parent ?? NO_FOLDER, name));
  }

  setItem(number: number, folder: number, name: Uint8Array): void {
    this.#items.set(number, encoded(folder, name));
  }

  /** The path of an item that was set, without a slash in front. */
  item(number: number): Buffer {
    const { folder, name } = decoded(this.#items.get(number));
    return this.pathIn(folder, name);
  }

  /** The path of something in a folder that was set, without a slash in front. */
  pathIn(folder: number, name: Uint8Array): Buffer {
    const names: Uint8Array[] = [];
    for (let at = folder; at !== NO_FOLDER; ) {
      const above = decoded(this.#folders.get(at));
      if (above.folder !== NO_FOLDER) names.push(above.name);
      at = above.folder;
    }
    return Buffer.concat([...names.reverse(), name].flatMap((one, at) => (at === 0 ? [one] : [SLASH, one])));
  }

  close(): void {
    this.#folders.close();
    this.#items.close();
  }
}

function encoded(folder: number, name: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FOLDER_BYTES + name.length);
  bytes.writeUInt32LE(folder);
  bytes.set(name, FOLDER_BYTES);
  return bytes;
}

const decoded = (bytes: Buffer) => ({ folder: bytes.readUInt32LE(), name: bytes.subarray(FOLDER_BYTES) });
