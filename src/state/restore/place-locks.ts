import { failpoint } from '../../common/failpoint.ts';
import { close, openToRead, statOf } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import type { PlacerParts } from './file-placer.ts';
import { timesMatch } from './keeps.ts';
import type { LockList } from './late-list.ts';

/** Marks files as immutable or append-only, when every link to them is made. */
export function placeLocks(list: LockList, { tree, places, inPlace, setter }: PlacerParts): void {
  for (const file of list.read()) {
    if (tree.folders.isLost(file.folder)) continue;
    const shown = () => tree.show(file.folder, file.name);
    let fd: number;
    try {
      fd = openToRead(tree.open(file.folder), inPlace.nameOf(file));
    } catch (error) {
      // It was given up, and listed.
      if (codeOf(error) === 'ENOENT') continue;
      throw error;
    }
    try {
      const stats = statOf(fd);
      const { keeps } = places.at(tree.folders.place(file.folder));
      if (stats.isFile() && timesMatch(stats.mtimeNs, file.mtimeNs, keeps)) {
        setter.lock(fd, file.flags, shown);
        failpoint('restore.file-locked');
      }
    } finally {
      close(fd);
    }
  }
}
