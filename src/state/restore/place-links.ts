import { damaged } from '../format/damaged.ts';
import {
  close,
  linkHandle,
  makeSymlink,
  openHandle,
  readLink,
  removeFile,
  rename,
  setTimeOfLink,
  statOf,
  statOfItem,
} from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import type { LinkInodes } from './link-inodes.ts';
import type { HardlinkItem, LinkList, SymlinkItem } from './link-list.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import { tmpName } from './tmp-name.ts';
import type { Tree } from './tree.ts';

/** Makes symbolic and hard links, after every file and before the folders get their final mode. */
export function placeLinks(links: LinkList, tree: Tree, owners: OwnerPolicy, inodes: LinkInodes): void {
  for (const item of links.read()) {
    if (item.kind === 'symlink') placeSymlink(item, tree, owners);
    else placeHardlink(item, tree, inodes);
  }
}

function isInPlace(item: SymlinkItem, folder: number, owners: OwnerPolicy): boolean {
  try {
    const stats = statOfItem(folder, item.name);
    return (
      stats.isSymbolicLink() &&
      stats.mtimeNs === item.mtimeNs &&
      owners.matches(stats, { ...item, mode: 0 }) &&
      readLink(folder, item.name).equals(item.target)
    );
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function placeSymlink(item: SymlinkItem, tree: Tree, owners: OwnerPolicy): void {
  const folder = tree.open(item.folder);
  if (tree.target.resumed && isInPlace(item, folder, owners)) return;
  const { tmp } = tree.target;
  const name = tmpName(item.number);
  try {
    makeSymlink(item.target, tmp, name);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeFile(tmp, name);
    makeSymlink(item.target, tmp, name);
  }
  owners.setOwnerOfLink(tmp, name, item);
  setTimeOfLink(tmp, name, item.mtimeNs);
  rename(tmp, name, folder, item.name);
}

function placeHardlink(item: HardlinkItem, tree: Tree, inodes: LinkInodes): void {
  const inode = inodes.get(item.group);
  if (!inode) throw damaged('a hard link leads to a file that was not restored');
  const handle = openHandle(tree.open(inode.folder), inode.name);
  try {
    // The very inode that this run made or verified: nobody put another in its place since.
    const stats = statOf(handle);
    if (stats.dev !== inode.dev || stats.ino !== inode.ino) {
      throw new Error('a file was exchanged while the restore was running');
    }
    const folder = tree.open(item.folder);
    try {
      linkHandle(handle, folder, item.name);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || !tree.target.resumed) throw error;
      const present = statOfItem(folder, item.name);
      if (present.dev === inode.dev && present.ino === inode.ino) return;
      removeFile(folder, item.name);
      linkHandle(handle, folder, item.name);
    }
  } finally {
    close(handle);
  }
}
