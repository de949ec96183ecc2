import { isUtf8 } from 'node:buffer';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { checkPath } from './component.ts';
import { deviceOfLinux, deviceOfMac } from './device-number.ts';
import { SystemCallError } from './errno.ts';
import type { FileCalls } from './file-calls.ts';
import {
  addHandle,
  checkedPathOf,
  dropHandle,
  isHandle,
  lstat,
  pathOf,
  pathOfItem,
  sameInode,
  statOfHandle,
} from './portable/handles.ts';
import { holdLock } from './portable/locks.ts';
import { lossesOn } from './portable/losses.ts';
import { lookAtFolder, openPresent } from './portable/open.ts';
import { renameNewByLink } from './rename-new.ts';
import { secondsOf } from './times.ts';

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants;

/** Node's times are doubles of seconds: near enough until 2262. */
const TIME_STEP_NS = 1000n;

const cannot = (call: string) => (): never => {
  throw new SystemCallError(call, 'ENOTSUP');
};

/** A second name for what is at a path, and for nothing that took its place. */
function link(from: Buffer, to: Buffer): void {
  const stats = lstat(from);
  // macOS would link what a link leads to.
  if (stats.isSymbolicLink() && process.platform !== 'linux') throw new SystemCallError('link', 'ENOTSUP');
  linkSync(from, to);
  if (sameInode(lstat(to), stats)) return;
  unlinkSync(to);
  throw new SystemCallError('link', 'ESTALE');
}

/** Plain Node only, by paths: folders and handles are numbers of a table, files are descriptors. */
export const portableCalls: FileCalls = {
  openFolder(folder, name) {
    const path = pathOfItem(folder, name);
    return addHandle(path, lookAtFolder(path), folder);
  },

  openFolderAt(path) {
    checkPath(path);
    const whole = realpathSync.native(Buffer.from(path), { encoding: 'buffer' });
    return addHandle(whole, lookAtFolder(whole));
  },

  openToRead: (folder, name) => openPresent(pathOfItem(folder, name), O_RDONLY),
  openToWrite: (folder, name) => openPresent(pathOfItem(folder, name), O_RDWR),
  createFile: (folder, name) => openSync(pathOfItem(folder, name), O_RDWR | O_CREAT | O_EXCL, 0o600),

  openHandle(folder, name) {
    const path = pathOfItem(folder, name);
    return addHandle(path, lstat(path), folder);
  },

  close(fd) {
    if (isHandle(fd)) dropHandle(fd);
    else closeSync(fd);
  },

  namesIn: (folder) => readdirSync(pathOf(folder), { encoding: 'buffer' }).sort(Buffer.compare),
  statOf: (fd) => (isHandle(fd) ? statOfHandle(fd) : fstatSync(fd, { bigint: true })),
  statOfItem: (folder, name) => lstat(pathOfItem(folder, name)),
  readLink: (folder, name) => readlinkSync(pathOfItem(folder, name), { encoding: 'buffer' }),

  pathOfFolder(folder) {
    const path = pathOf(folder);
    if (!isUtf8(path)) throw new SystemCallError('path', 'EILSEQ');
    return path.toString();
  },

  makeFolder(folder, name) {
    mkdirSync(pathOfItem(folder, name), 0o700);
  },

  makeSymlink(target, folder, name) {
    checkPath(target);
    symlinkSync(Buffer.from(target), pathOfItem(folder, name));
  },

  makeFifo: cannot('mknod'),
  makeDevice: cannot('mknod'),
  deviceOf: process.platform === 'linux' ? deviceOfLinux : deviceOfMac,

  linkHandle(handle, folder, name) {
    link(checkedPathOf(handle), pathOfItem(folder, name));
  },

  linkItem(fromFolder, from, toFolder, to) {
    link(pathOfItem(fromFolder, from), pathOfItem(toFolder, to));
  },

  rename(fromFolder, from, toFolder, to) {
    renameSync(pathOfItem(fromFolder, from), pathOfItem(toFolder, to));
  },

  renameNew(fromFolder, from, toFolder, to) {
    renameNewByLink(portableCalls, fromFolder, from, toFolder, to);
  },

  removeFile(folder, name) {
    unlinkSync(pathOfItem(folder, name));
  },

  removeFolder(folder, name) {
    rmdirSync(pathOfItem(folder, name));
  },

  setMode(fd, mode) {
    if (isHandle(fd)) chmodSync(checkedPathOf(fd), mode);
    else fchmodSync(fd, mode);
  },

  setModeOfHandle(handle, mode) {
    if (statOfHandle(handle).isSymbolicLink()) throw new SystemCallError('chmod', 'ENOTSUP');
    chmodSync(pathOf(handle), mode);
  },

  setOwner(fd, uid, gid) {
    if (isHandle(fd)) lchownSync(checkedPathOf(fd), uid, gid);
    else fchownSync(fd, uid, gid);
  },

  setOwnerOfLink(folder, name, uid, gid) {
    lchownSync(pathOfItem(folder, name), uid, gid);
  },

  setTime(fd, mtimeNs) {
    const atime = secondsOf(portableCalls.statOf(fd).atimeNs);
    if (isHandle(fd)) lutimesSync(pathOf(fd), atime, secondsOf(mtimeNs));
    else futimesSync(fd, atime, secondsOf(mtimeNs));
  },

  setTimeOfLink(folder, name, mtimeNs) {
    const path = pathOfItem(folder, name);
    lutimesSync(path, secondsOf(lstat(path).atimeNs), secondsOf(mtimeNs));
  },

  sameTime(a, b) {
    const difference = a > b ? a - b : b - a;
    return difference <= TIME_STEP_NS;
  },

  xattrsOf: () => [],
  xattrsOfItem: () => [],
  setXattr: cannot('setxattr'),
  setXattrOfItem: cannot('setxattr'),
  removeXattr: cannot('removexattr'),
  flagsOf: () => undefined,
  setFlags: cannot('ioctl'),

  nextData: (fd, offset) => (offset < fstatSync(fd).size ? offset : -1),

  nextHole(fd, offset) {
    const { size } = fstatSync(fd);
    return offset < size ? size : -1;
  },

  syncFolder(folder) {
    // Windows opens no folders, and needs no such thing.
    if (process.platform === 'win32') return;
    const fd = openSync(checkedPathOf(folder), O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },

  /** The folder only: Node cannot wait for a file system. `losses` says so. */
  syncFileSystem(folder) {
    portableCalls.syncFolder(folder);
  },

  holdLock,
  losses: () => lossesOn(process.platform),
};
