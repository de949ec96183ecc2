import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { makeFolder, setMode } from '../fs/calls.ts';
import { codeOf, reasonOf, SystemCallError } from '../fs/errno.ts';
import { throwIfStopped } from '../threads/stop.ts';
import type { InPlace } from './in-place.ts';
import { concernsOneItem, type Losses, saysNotKept } from './losses.ts';
import { openUp } from './open-up.ts';
import type { Places } from './places.ts';
import { statIfThere } from './present.ts';
import type { Tally } from './tally.ts';
import type { Tree } from './tree.ts';

const ANCESTOR_MODE = 0o755;

interface FolderParts {
  readonly tree: Tree;
  readonly places: Places;
  readonly inPlace: InPlace;
  readonly losses: Losses;
  readonly tally: Tally;
}

/** Makes every folder that is not there, closed to others until it gets its own mode, and opens those that are. */
export function makeFolders(parts: FolderParts): void {
  const { folders } = parts.tree;
  for (let folder = 0; folder < folders.count; folder++) {
    if (folder % 32 === 0) throwIfStopped();
    if (folders.isBase(folder)) continue;
    if (folders.isLost(folders.parent(folder)) && !folders.isLost(folder)) lose(folder, parts);
    if (!folders.isLost(folder)) make(folder, parts);
  }
}

function make(folder: number, parts: FolderParts): void {
  const { folders } = parts.tree;
  folders.setPlace(folder, folders.place(folders.parent(folder)));
  const origin = folders.origin(folder);
  try {
    if (origin === 'there' && enter(folder, parts)) return;
    if (origin === 'replaces') clear(folder, parts);
    makeNew(folder, parts);
  } catch (error) {
    if (error instanceof ResettleError) throw error;
    const shown = parts.tree.showFolder(folder);
    if (!concernsOneItem(codeOf(error))) {
      throw new ResettleError('failed', `cannot make the folder ${shown}: ${reasonOf(error)}`, {
        hint: 'mend that and run the same restore again: it goes on where it stopped',
        cause: error,
      });
    }
    parts.losses.add(() => shown, `not restored: ${reasonOf(error)}`);
    lose(folder, parts);
  }
}

function lose(folder: number, { tree, tally }: FolderParts): void {
  tree.folders.lose(folder);
  if (tree.folders.given(folder)) tally.counts.folders -= 1;
}

/** Opens a folder that was there to what is to come into it. False where it went away since. */
function enter(folder: number, { tree, places }: FolderParts): boolean {
  const { folders } = tree;
  const above = tree.open(folders.parent(folder));
  const stats = statIfThere(above, folders.name(folder));
  if (!stats?.isDirectory()) return false;
  openUp(above, folders.name(folder), tree.target.resumed);
  const { device } = places.at(folders.place(folder));
  if (stats.dev !== device) folders.setPlace(folder, places.of(stats.dev, folder, tree.open(folder)));
  return true;
}

/** Moves what a folder replaces to the pre-images. */
function clear(folder: number, { tree, inPlace }: FolderParts): void {
  const { folders } = tree;
  inPlace.clear(folders.decision(folder), folders.parent(folder), folders.name(folder));
}

function makeNew(folder: number, { tree, inPlace }: FolderParts): void {
  const { folders } = tree;
  const parent = folders.parent(folder);
  const above = tree.open(parent);
  const name = folders.name(folder);
  try {
    makeFolder(above, name);
  } catch (error) {
    // The folder above is open: so some file systems refuse a name.
    if (codeOf(error) === 'ENOENT') throw new SystemCallError('mkdir', 'EINVAL');
    if (codeOf(error) !== 'EEXIST') throw error;
    if (tree.target.resumed && statIfThere(above, name)?.isDirectory()) {
      openUp(above, name, true);
      return;
    }
    folders.rename(folder, inPlace.otherName({ folder: parent, name, decision: folders.decision(folder) }, true));
    makeFolder(tree.open(parent), folders.name(folder));
  }
  failpoint('restore.folder-made');
  if (folders.given(folder) === undefined) setAncestorMode(tree.open(folder));
}

function setAncestorMode(fd: number): void {
  try {
    setMode(fd, ANCESTOR_MODE);
  } catch (error) {
    if (!saysNotKept(codeOf(error))) throw error;
  }
}
