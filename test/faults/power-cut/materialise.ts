import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { close, makeFifo, openFolderAt, setTime, setTimeOfLink, setXattr } from '../../../src/state/fs/calls.ts';
import type { Inode, Item, Tree } from './operations.ts';

/** Makes disks as they are after a cut in folders of those paths, in which nothing else stays. */
export function materialise(tree: Tree, paths: readonly string[]): void {
  const made = new Map<Inode, Buffer>();
  for (const [volume, root] of tree.roots.entries()) {
    empty(paths[volume]!);
    place(tree, root, Buffer.from(paths[volume]!), made);
  }
}

/** The folder itself may be where a disk is mounted. */
function empty(path: string): void {
  if (!existsSync(path)) return;
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    rmSync(Buffer.concat([Buffer.from(`${path}/`), name]), { recursive: true, force: true });
  }
}

function place(tree: Tree, inode: Inode, path: Buffer, made: Map<Inode, Buffer>): void {
  const item = tree.items.get(inode)!;
  const { kind, target } = item.made;
  const known = made.get(inode);
  if (known && kind !== 'folder') {
    linkSync(known, path);
    return;
  }
  made.set(inode, path);
  if (kind === 'symlink') symlinkSync(target, path);
  else if (kind === 'file') writeFileSync(path, item.data);
  else if (kind === 'fifo') beside(path, (folder, name) => makeFifo(folder, name));
  else mkdirSync(path, { recursive: true });
  for (const [name, below] of tree.folders.get(inode) ?? []) {
    place(tree, below, Buffer.concat([path, Buffer.from('/'), Buffer.from(name, 'latin1')]), made);
  }
  dress(path, item);
}

function dress(path: Buffer, { made, metadata }: Item): void {
  const { mode, uid, gid, mtimeNs, xattrs } = metadata;
  if (made.kind === 'symlink') {
    lchownSync(path, uid, gid);
    if (mtimeNs !== undefined) beside(path, (folder, name) => setTimeOfLink(folder, name, mtimeNs));
    return;
  }
  chownSync(path, uid, gid);
  if (made.kind === 'file' || made.kind === 'folder') {
    const fd = openSync(path, 'r');
    try {
      for (const [name, value] of Object.entries(xattrs)) setXattr(fd, Buffer.from(name, 'latin1'), value);
      chmodSync(path, mode);
      if (mtimeNs !== undefined) setTime(fd, mtimeNs);
    } finally {
      closeSync(fd);
    }
  } else {
    chmodSync(path, mode);
    if (mtimeNs !== undefined) beside(path, (folder, name) => setTimeOfLink(folder, name, mtimeNs));
  }
}

/** Acts on an item by its folder and name. */
function beside(path: Buffer, act: (folder: number, name: Buffer) => void): void {
  const cut = path.lastIndexOf('/');
  const folder = openFolderAt(path.subarray(0, cut));
  try {
    act(folder, path.subarray(cut + 1));
  } finally {
    close(folder);
  }
}
