import { failpoint } from '../../common/failpoint.ts';
import { throwIfStopped } from '../threads/stop.ts';
import type { MetadataSetter } from './apply-metadata.ts';
import type { ExtrasSpool } from './extras-spool.ts';
import type { Places } from './places.ts';
import type { Tree } from './tree.ts';

interface FinishParts {
  readonly tree: Tree;
  readonly setter: MetadataSetter;
  readonly extras: ExtrasSpool;
  readonly places: Places;
}

/**
 * Owner, mode, ACLs, attributes and time of every folder, children first, flags last. The mode keeps setgid and the
 * sticky bit.
 */
export function finishFolders({ tree, setter, extras, places }: FinishParts, onFolder: () => void): void {
  const { folders } = tree;
  for (let folder = folders.count - 1; folder >= 0; folder--) {
    if (folder % 32 === 0) throwIfStopped();
    const given = folders.given(folder);
    if (!given || folders.isLost(folder)) continue;
    const fd = tree.open(folder);
    const own = extras.get(folders.extrasAt(folder));
    const shown = () => tree.showFolder(folder);
    setter.folder(fd, given, own, places.at(folders.place(folder)).keeps, shown);
    if (!folders.isBase(folder)) setter.folderTime(fd, given, own, shown);
    failpoint('restore.folder-finished');
    onFolder();
  }
  tree.close();
}

/**
 * Prepares the target's own time, where it stands for a captured folder, to be set last of all: removing the journal
 * changes it.
 */
export function lastOfTarget({ tree, setter, extras }: FinishParts): () => void {
  const { folders, target } = tree;
  const last: (() => void)[] = [];
  for (let folder = 0; folder < folders.count; folder++) {
    if (!folders.isBase(folder)) continue;
    const given = folders.given(folder);
    const own = extras.get(folders.extrasAt(folder));
    if (given && !folders.isLost(folder)) last.push(() => setter.folderTime(target.base, given, own, () => '.'));
  }
  return () => {
    for (const set of last) set();
  };
}
