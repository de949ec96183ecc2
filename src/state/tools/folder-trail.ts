const SLASH = Buffer.from('/');
const TOP = Buffer.alloc(0);

/**
 * The folder that a manifest is in, as its order goes by: the entries of a folder all come before its subfolders, so only
 * the folders above need to be kept.
 */
export class FolderTrail {
  readonly #above: { readonly number: number; readonly path: Buffer }[] = [];

  /** Goes into a folder; the top one has no parent. Returns its path, without a slash in front. */
  enter(number: number, parent: number | undefined, name: Uint8Array): Buffer {
    while (this.#above.length > 0 && this.#above.at(-1)!.number !== parent) this.#above.pop();
    const path = parent === undefined ? TOP : this.pathOf(name);
    this.#above.push({ number, path });
    return path;
  }

  /** The path of an entry of the folder that was entered last. */
  pathOf(name: Uint8Array): Buffer {
    return joinPath(this.#above.at(-1)?.path ?? TOP, name);
  }
}

/** The path of an item in a folder; the top folder's own path is empty. */
function joinPath(folder: Buffer, name: Uint8Array): Buffer {
  return folder.length > 0 ? Buffer.concat([folder, SLASH, name]) : Buffer.from(name);
}
