import { PathCursor } from '../fs/path-cursor.ts';
import { showPath } from '../fs/show-path.ts';
import { FolderTable } from './folder-table.ts';
import type { Target } from './target.ts';

/** The folders of a restore, on disk. */
export class Tree {
  readonly folders = new FolderTable();
  readonly target: Pick<Target, 'base' | 'resumed'>;
  readonly #cursor: PathCursor;

  constructor(target: Pick<Target, 'base' | 'resumed'>) {
    this.target = target;
    this.#cursor = new PathCursor(target.base);
  }

  /** An open descriptor of that folder, good until the next call. */
  open(folder: number): number {
    return this.#cursor.enter(this.folders.path(folder));
  }

  /** The path of an item for people, from the target on. */
  show(folder: number, name: Uint8Array): string {
    return [...this.folders.path(folder), name].map(showPath).join('/');
  }

  showFolder(folder: number): string {
    return this.folders.path(folder).map(showPath).join('/') || '.';
  }

  close(): void {
    this.#cursor.close();
  }
}
