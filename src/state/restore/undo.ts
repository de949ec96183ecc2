import { failpoint } from '../../common/failpoint.ts';
import {
  close,
  openHandle,
  openToRead,
  removeFile,
  removeFolder,
  rename,
  renameNew,
  setModeOfHandle,
  statOf,
} from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { ReportBuilder } from '../fs/report.ts';
import { showPath } from '../fs/show-path.ts';
import { throwIfStopped } from '../threads/stop.ts';
import type { Amendments } from './amendments.ts';
import { unlock } from './apply-metadata.ts';
import type { Became } from './became.ts';
import { freeConflictName } from './conflict-name.ts';
import { type Decision, type FolderDecision, type ItemDecision, type Numbered, readDecisions } from './decision-log.ts';
import { isMade } from './decisions.ts';
import type { ExtrasSpool } from './extras-spool.ts';
import type { FolderOrigin } from './folder-table.ts';
import { giveBack, isAsRestored } from './give-back.ts';
import { openUp } from './open-up.ts';
import { isSameInode, preImageName } from './pre-images.ts';
import { statIfThere } from './present.ts';
import type { Tree } from './tree.ts';
import type { UndoPlaces } from './undo-places.ts';

export interface UndoParts {
  readonly tree: Tree;
  readonly places: UndoPlaces;
  readonly amendments: Amendments;
  readonly became: Became;
  /** What folders had beside mode, owner and time waits there. */
  readonly extras: ExtrasSpool;
  readonly planFile: string;
  /** The restore never came to its end, where it syncs everything. */
  readonly isCutShort: boolean;
  /** Marks what cannot have its name back: see `conflictName`. */
  readonly label: string;
}

/**
 * Takes a restore back, by its plan: what it made goes, unless somebody changed it since; what it replaced comes back.
 * Each step can be repeated, so that an undo that was cut short is run again. No link is followed.
 */
export class Undo {
  readonly #parts: UndoParts;
  /** Folders whose mode had to change for us. */
  readonly #openedUp = new Set<number>();
  readonly kept = new ReportBuilder();
  removed = 0;
  putBack = 0;

  constructor(parts: UndoParts) {
    this.#parts = parts;
  }

  /** Finds the folders of the restore that are still there. */
  findFolders(): void {
    for (const decision of readDecisions(this.#parts.planFile)) {
      if (decision.kind === 'folder') this.#findFolder(decision);
    }
  }

  undoItems(onItem: () => void): void {
    for (const decision of readDecisions(this.#parts.planFile)) {
      if (decision.kind === 'folder' || !isMade(decision)) continue;
      throwIfStopped();
      this.#undoItem(decision);
      onItem();
    }
  }

  /** Children first. */
  undoFolders(onFolder: () => void): void {
    const { folders } = this.#parts.tree;
    for (let folder = folders.count - 1; folder >= 0; folder--) {
      throwIfStopped();
      if (folders.isBase(folder)) continue;
      const origin = folders.origin(folder);
      if (origin === 'there') this.#giveBack(folder);
      else if (origin !== 'lost') this.#removeFolder(folder);
      onFolder();
    }
  }

  /** The target itself, when nothing else is to be done in it. */
  undoTarget(): void {
    const { tree, extras } = this.#parts;
    const former = tree.folders.given(0);
    const own = extras.get(tree.folders.extrasAt(0));
    if (former && own) giveBack(tree.target.base, former, own);
  }

  #findFolder({ parent, name, action, isBase, given, former, number }: Numbered<FolderDecision>): void {
    const { tree, places, amendments, extras } = this.#parts;
    const { folders } = tree;
    const folder = folders.add({
      parent,
      name: amendments.nameOf(number) ?? name,
      given: former ?? given,
      extrasAt: former ? extras.add(former) : 0,
      isBase,
      origin: originOf(action),
      place: 0,
      decision: number,
    });
    if (isBase) {
      folders.setPlace(folder, places.of(statOf(tree.target.base).dev, 0, tree.target.base));
      return;
    }
    folders.setPlace(folder, folders.place(parent));
    if (folders.isLost(folder)) return;
    const above = tree.open(parent);
    const stats = statIfThere(above, folders.name(folder));
    if (!stats?.isDirectory()) {
      folders.lose(folder);
      return;
    }
    if (openUp(above, folders.name(folder), true)) this.#openedUp.add(folder);
    folders.setPlace(folder, places.of(stats.dev, folder, tree.open(folder)));
  }

  #undoItem(planned: Numbered<ItemDecision>): void {
    const { tree, amendments, became } = this.#parts;
    const decision = became.of(planned);
    const { folder, number } = decision;
    const amended = amendments.nameOf(number);
    if (decision.action === 'replace') this.#putBack(decision, folder, decision.name, amended ? undefined : decision);
    if (decision.action === 'replace' && !amended) return;
    if (tree.folders.isLost(folder)) return;
    const name = amended ?? decision.name;
    const above = tree.open(folder);
    const there = statIfThere(above, name);
    if (!there) return;
    if (isAsRestored(there, decision, this.#parts.isCutShort)) {
      removeItem(above, name);
      failpoint('undo.item-removed');
      this.removed += 1;
    } else {
      this.kept.add(tree.show(folder, name), 'was changed since it was restored, and stays');
    }
  }

  /** Brings what was replaced back; `ours` is what stands in its place, if the restore got that far. */
  #putBack(decision: Numbered<Decision>, folder: number, name: Uint8Array, ours: ItemDecision | undefined): void {
    const { tree, places } = this.#parts;
    const from = places.preImages(tree.folders.place(folder));
    if (from === undefined) return;
    const kept = preImageName(decision.number);
    const former = statIfThere(from, kept);
    // It was never replaced, or is back already.
    if (!former) return;
    if (tree.folders.isLost(folder)) {
      this.kept.add(tree.show(folder, name), 'cannot be put back: its folder is gone; it stays where pre-images are');
      return;
    }
    const above = tree.open(folder);
    const there = statIfThere(above, name);
    if (there && isSameInode(there, former)) {
      removeFile(from, kept);
      return;
    }
    this.putBack += 1;
    if (!there) {
      renameNew(from, kept, above, name);
      return;
    }
    if (ours && isAsRestored(there, ours, this.#parts.isCutShort)) {
      this.removed += 1;
      unlockItem(above, name, there.isFile());
      if (!former.isDirectory()) {
        rename(from, kept, above, name);
        failpoint('undo.item-put-back');
        return;
      }
      removeFile(above, name);
      failpoint('undo.item-cleared');
      renameNew(from, kept, above, name);
      return;
    }
    const isTaken = (other: Buffer) => statIfThere(above, other) !== undefined;
    const other = freeConflictName(name, this.#parts.label, former.isDirectory(), isTaken);
    renameNew(from, kept, above, other);
    this.kept.add(
      tree.show(folder, name),
      `was changed since it was restored, and stays; what was there before is “${showPath(other)}”`,
    );
  }

  #removeFolder(folder: number): void {
    const { tree, places } = this.#parts;
    const { folders } = tree;
    const parent = folders.parent(folder);
    if (!folders.isLost(folder)) {
      if (places.isHost(folder)) this.#clearHost(folder);
      const name = folders.name(folder);
      try {
        removeFolder(tree.open(parent), name);
        failpoint('undo.folder-removed');
        this.removed += 1;
      } catch (error) {
        this.#keepFolder(folder, error);
      }
    }
    if (folders.origin(folder) !== 'replaces') return;
    const decision = { number: folders.decision(folder) } as Numbered<FolderDecision>;
    this.#putBack(decision, parent, folders.name(folder), undefined);
  }

  #keepFolder(folder: number, error: unknown): void {
    const { tree } = this.#parts;
    const { folders } = tree;
    const code = codeOf(error);
    if (code === 'ENOENT') return;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EBUSY' && code !== 'EPERM' && code !== 'EACCES')
      throw error;
    const isFull = code === 'ENOTEMPTY' || code === 'EEXIST';
    this.kept.add(tree.showFolder(folder), isFull ? 'holds something, and stays' : `stays: ${reasonOf(error)}`);
    const given = folders.given(folder);
    if (!given || !this.#openedUp.has(folder)) return;
    const handle = openHandle(tree.open(folders.parent(folder)), folders.name(folder));
    try {
      setModeOfHandle(handle, given.mode);
    } finally {
      close(handle);
    }
  }

  #giveBack(folder: number): void {
    const { tree, places, extras } = this.#parts;
    const { folders } = tree;
    if (folders.isLost(folder)) return;
    if (places.isHost(folder)) this.#clearHost(folder);
    const former = folders.given(folder);
    const own = extras.get(folders.extrasAt(folder));
    if (former && own) giveBack(tree.open(folder), former, own);
    failpoint('undo.folder-given-back');
  }

  #clearHost(folder: number): void {
    const left = this.#parts.places.clear(folder);
    if (left !== undefined) this.kept.add(left, 'holds what could not be put back');
  }
}

function originOf(action: FolderDecision['action']): FolderOrigin {
  if (action === 'merge' || action === 'leave') return 'there';
  if (action === 'replace') return 'replaces';
  return action === 'create' || action === 'keep-both' ? 'new' : 'lost';
}

/** Removes what is not a folder, marked as immutable or not. */
function removeItem(folder: number, name: Uint8Array): void {
  try {
    removeFile(folder, name);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    unlockItem(folder, name, true);
    removeFile(folder, name);
  }
}

function unlockItem(folder: number, name: Uint8Array, isFile: boolean): void {
  if (!isFile || process.geteuid?.() !== 0) return;
  const fd = openToRead(folder, name);
  try {
    unlock(fd);
  } finally {
    close(fd);
  }
}
