import type { FolderPath } from '../format/index.ts';
import { close, openFolderAt } from '../fs/calls.ts';
import { PathCursor } from '../fs/path-cursor.ts';
import { pathOfNames, startsWith } from './roots.ts';

/**
 * Opens folders by their whole path. Above and at the parent of a given root, links are followed as the person wrote
 * them; beneath it never. Works fastest when paths come in the order of a walk.
 */
export class RootWalker {
  readonly #roots: readonly FolderPath[];
  #root: FolderPath | undefined;
  #base: number | undefined;
  #cursor: PathCursor | undefined;

  constructor(roots: readonly FolderPath[]) {
    this.#roots = roots;
  }

  /** An open descriptor of that folder, good until the next call. */
  enter(path: FolderPath): number {
    if (!this.#root || !startsWith(path, this.#root)) this.#change(path);
    if (!this.#root || !this.#cursor) return this.#base!;
    return this.#cursor.enter(path.slice(Math.max(0, this.#root.length - 1)));
  }

  close(): void {
    this.#cursor?.close();
    if (this.#base !== undefined) close(this.#base);
    this.#cursor = undefined;
    this.#base = undefined;
    this.#root = undefined;
  }

  #change(path: FolderPath): void {
    this.close();
    const root = this.#roots.find((candidate) => startsWith(path, candidate));
    this.#base = openFolderAt(pathOfNames(root ? root.slice(0, -1) : path));
    if (!root) return;
    this.#root = root;
    this.#cursor = new PathCursor(this.#base);
  }
}
