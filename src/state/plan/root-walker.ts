import type { FolderPath } from '../format/index.ts';
import { close, openFolderAt } from '../fs/calls.ts';
import { PathCursor } from '../fs/path-cursor.ts';
import { pathOfNames, startsWith } from './roots.ts';
import { DOCUMENTS_NAME, type SourceTree } from './source-tree.ts';

const DOCUMENTS = Buffer.from(DOCUMENTS_NAME);

/**
 * Opens folders by their whole path. Above and at the parent of a given root, links of this machine are followed as the
 * person wrote them; beneath it never, and in another machine's root nowhere: they would lead to this one. Works fastest
 * when paths come in the order of a walk.
 */
export class RootWalker {
  readonly #roots: readonly FolderPath[];
  readonly #tree: SourceTree;
  #root: FolderPath | undefined;
  #top: number | undefined;
  #base: PathCursor | undefined;
  #folder: number | undefined;
  #cursor: PathCursor | undefined;

  constructor(roots: readonly FolderPath[], tree: SourceTree) {
    this.#roots = roots;
    this.#tree = tree;
  }

  /** An open descriptor of that folder, good until the next call. */
  enter(path: FolderPath): number {
    if (!this.#root || !startsWith(path, this.#root)) {
      const root = this.#roots.find((candidate) => startsWith(path, candidate));
      this.#change(root ? root.slice(0, -1) : path, root ?? path, root);
    }
    if (!this.#root || !this.#cursor) return this.#folder!;
    return this.#cursor.enter(path.slice(Math.max(0, this.#root.length - 1)));
  }

  /** The same of the folder that holds a given root. */
  enterAbove(root: FolderPath): number {
    this.#change(root.slice(0, -1), root, undefined);
    return this.#folder!;
  }

  close(): void {
    this.#cursor?.close();
    this.#base?.close();
    if (this.#top !== undefined) close(this.#top);
    this.#cursor = undefined;
    this.#base = undefined;
    this.#top = undefined;
    this.#folder = undefined;
    this.#root = undefined;
  }

  /** `within` tells whose folder it is: the machine's, or that of the documents. */
  #change(folder: FolderPath, within: FolderPath, root: FolderPath | undefined): void {
    this.close();
    const { documents } = this.#tree;
    const isDocuments = documents !== undefined && within.length > 0 && DOCUMENTS.equals(within[0]!);
    const machine = isDocuments ? documents : this.#tree.root;
    if (machine === '/') {
      this.#top = openFolderAt(pathOfNames(folder));
      this.#folder = this.#top;
    } else {
      this.#top = openFolderAt(Buffer.from(machine));
      this.#base = new PathCursor(this.#top);
      this.#folder = this.#base.enter(folder);
    }
    if (!root) return;
    this.#root = root;
    this.#cursor = new PathCursor(this.#folder);
  }
}
