import { chmodSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { close, makeFolder, openHandle, setMode, setTime, statOf } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { PathCursor } from '../fs/path-cursor.ts';
import { showPath } from '../fs/show-path.ts';
import { FolderTable } from './folder-table.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import type { Target } from './target.ts';

/** The folders of a restore, on disk: made first, opened while files are placed, given their metadata last. */
export class Tree {
  readonly folders = new FolderTable();
  readonly target: Target;
  readonly #cursor: PathCursor;

  constructor(target: Target) {
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

  /** Makes every folder, closed to others until it gets its own mode. */
  make(): void {
    for (let folder = 0; folder < this.folders.count; folder++) {
      if (!this.folders.isBase(folder)) this.#make(folder);
    }
  }

  /** Owner, mode and time of every folder, children first. The mode keeps setgid and the sticky bit. */
  finish(owners: OwnerPolicy, onFolder: () => void): void {
    for (let folder = this.folders.count - 1; folder >= 0; folder--) {
      const metadata = this.folders.metadata(folder);
      if (!metadata) continue;
      owners.noteOwner(metadata);
      const fd = this.open(folder);
      owners.setOwner(fd, metadata);
      setMode(fd, metadata.mode);
      if (!this.folders.isBase(folder)) setTime(fd, metadata.mtimeNs);
      onFolder();
    }
    this.close();
  }

  /** The target's own time, where it stands for a captured folder: last of all, as removing the journal changes it. */
  finishTarget(): void {
    for (let folder = 0; folder < this.folders.count && this.folders.isBase(folder); folder++) {
      const metadata = this.folders.metadata(folder);
      if (metadata) setTime(this.target.base, metadata.mtimeNs);
    }
  }

  close(): void {
    this.#cursor.close();
  }

  #make(folder: number): void {
    const parent = this.open(this.folders.parent(folder));
    const name = this.folders.name(folder);
    const ancestor = this.folders.metadata(folder) === undefined;
    try {
      makeFolder(parent, name);
      if (ancestor) setMode(this.open(folder), 0o755);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || !this.target.resumed) throw this.#inTheWay(folder, error);
      this.#reopen(parent, folder, name);
    }
  }

  /** A folder of an earlier run may have its final mode: it must be open to us again. */
  #reopen(parent: number, folder: number, name: Uint8Array): void {
    const handle = openHandle(parent, name);
    try {
      const stats = statOf(handle);
      if (!stats.isDirectory()) throw this.#inTheWay(folder, new Error('something else is there'));
      if ((stats.mode & 0o700n) !== 0o700n) chmodSync(`/proc/self/fd/${handle}`, 0o700);
    } finally {
      close(handle);
    }
  }

  #inTheWay(folder: number, error: unknown): ResettleError {
    const shown = this.show(this.folders.parent(folder), this.folders.name(folder));
    return new ResettleError('failed', `cannot make the folder ${shown}: ${reasonOf(error)}`, { cause: error });
  }
}
