import { closeSync, fsyncSync, openSync } from 'node:fs';
import {
  close,
  createFile,
  makeSymlink,
  openFolder,
  openToRead,
  removeFile,
  setMode,
  setOwner,
  setOwnerOfLink,
  setTimeOfLink,
  setXattr,
  setXattrOfItem,
  statOf,
  statOfItem,
} from '../../fs/calls.ts';
import { codeOf } from '../../fs/errno.ts';
import type { Xattr } from '../../fs/xattr.ts';
import { copyContent } from '../../restore/copy-file.ts';
import { giveBack } from '../../restore/give-back.ts';
import { saysNotKept } from '../../restore/losses.ts';
import type { NodeExtras, OwnedMode, Present } from './node.ts';

/** Say something of content that is other now; a system that wants them makes them anew. */
const OF_CONTENT = ['security.capability', 'security.ima', 'security.evm'];

/** An unfinished file, whole and on disk under its own name: content from a file, the rest by `give`. */
export function makeUnfinishedFile(folder: number, tmp: Buffer, from: string, give: (fd: number) => void): void {
  removeIfThere(folder, tmp);
  const fd = createFile(folder, tmp);
  try {
    const source = openSync(from, 'r');
    try {
      copyContent(source, fd);
    } finally {
      closeSync(source);
    }
    give(fd);
    fsyncSync(fd);
  } finally {
    close(fd);
  }
}

/** What a planned file gets: owner, mode, and the attributes and ACL of the file that it replaces. */
export function giveOwned({ mode, uid, gid }: OwnedMode, replaced: Present): (fd: number) => void {
  return (fd) => {
    setOwner(fd, uid, gid);
    if (replaced.kind === 'file') {
      for (const { name, value } of xattrsIn(replaced.extras)) {
        if (!OF_CONTENT.includes(Buffer.from(name).toString('latin1'))) tolerate(() => setXattr(fd, name, value));
      }
    }
    // After the ACL: the mode decides what its mask lets through.
    setMode(fd, mode);
  };
}

/** What a file or folder had, all of it. `mtimeNs`: another time than it had. */
export function giveFormer(
  before: OwnedMode & { readonly extras?: NodeExtras },
  mtimeNs?: bigint,
): (fd: number) => void {
  const { mode, uid, gid, extras } = before;
  return (fd) => {
    const time = mtimeNs ?? BigInt(extras?.mtimeNs ?? statOf(fd).mtimeNs);
    giveBack(fd, { mode, uid, gid, mtimeNs: time }, { xattrs: xattrsIn(extras), flags: extras?.flags ?? 0 });
  };
}

/** An unfinished link. `extras`: of one that was there before. */
export function makeUnfinishedLink(folder: number, tmp: Buffer, target: string, extras?: NodeExtras): void {
  removeIfThere(folder, tmp);
  makeSymlink(Buffer.from(target, 'base64'), folder, tmp);
  setOwnerOfLink(folder, tmp, extras?.uid ?? 0, extras?.gid ?? 0);
  if (!extras) return;
  for (const { name, value } of xattrsIn(extras)) tolerate(() => setXattrOfItem(folder, tmp, name, value));
  setTimeOfLink(folder, tmp, BigInt(extras.mtimeNs));
}

/** Changes a file or folder in its place, by an open descriptor of it. A folder is to be synced by whoever asks, with its like. */
export function inPlace(folder: number, name: Buffer, kind: 'file' | 'folder', change: (fd: number) => void): void {
  const fd = kind === 'folder' ? openFolder(folder, name) : openToRead(folder, name);
  try {
    change(fd);
    if (kind === 'file') fsyncSync(fd);
  } finally {
    close(fd);
  }
}

export function setOwned(fd: number, { mode, uid, gid }: OwnedMode): void {
  // A change of owner drops setuid and setgid.
  setOwner(fd, uid, gid);
  setMode(fd, mode);
}

export function removeIfThere(folder: number, name: Uint8Array): void {
  try {
    removeFile(folder, name);
  } catch (error) {
    const code = codeOf(error);
    // A read-only file system says so of what is not there, too.
    if (code !== 'ENOENT' && !(code === 'EROFS' && !isThere(folder, name))) throw error;
  }
}

function isThere(folder: number, name: Uint8Array): boolean {
  try {
    statOfItem(folder, name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

const xattrsIn = (extras: NodeExtras | undefined): Xattr[] =>
  (extras?.xattrs ?? []).map(([name, value]) => ({
    name: Buffer.from(name, 'base64'),
    value: Buffer.from(value, 'base64'),
  }));

function tolerate(set: () => void): void {
  try {
    set();
  } catch (error) {
    if (!saysNotKept(codeOf(error))) throw error;
  }
}
