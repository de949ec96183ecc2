import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { deviceNumber, deviceOfLinux } from './device-number.ts';
import { codeOf, SystemCallError } from './errno.ts';
import type { FileCalls } from './file-calls.ts';
import { nextData, nextHole } from './linux/data-runs.ts';
import { flagsOf, setFlags } from './linux/flags.ts';
import { check, libc } from './linux/libc.ts';
import { pathOfDescriptor, pathOfItem, terminated, terminatedCopy, terminatedSecond } from './linux/names.ts';
import { removeXattr, setXattr, setXattrOfItem, xattrsOf, xattrsOfItem } from './linux/xattrs.ts';
import { renameNewByLink } from './rename-new.ts';
import { timesOf } from './times.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_REMOVEDIR = 0x200;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const RENAME_NOREPLACE = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
const { S_IFBLK, S_IFCHR, S_IFIFO } = constants;

const open = (folder: number, name: Uint8Array, flags: number, mode = 0) =>
  check(libc().openat(folder, terminated(name), flags | O_NOFOLLOW | O_CLOEXEC, mode), 'openat');

const makeNode = (folder: number, name: Uint8Array, mode: number, device: number) =>
  check(libc().mknodat(folder, terminated(name), mode | 0o600, device), 'mknodat');

/** Everything by descriptors: a handle, a folder and a file are each a descriptor of the process. */
export const linuxCalls: FileCalls = {
  openFolder: (folder, name) => open(folder, name, O_RDONLY | O_DIRECTORY),
  openToRead: (folder, name) => open(folder, name, O_RDONLY | O_NONBLOCK),
  openToWrite: (folder, name) => open(folder, name, O_RDWR | O_NONBLOCK),
  createFile: (folder, name) => open(folder, name, O_RDWR | O_CREAT | O_EXCL, 0o600),
  openHandle: (folder, name) => open(folder, name, O_PATH),

  openFolderAt(path) {
    return check(libc().openat(AT_FDCWD, terminatedCopy(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), 'open');
  },

  /** Node's own `closeSync` would warn of a descriptor that it did not open. */
  close(fd) {
    libc().close(fd);
  },

  namesIn: (folder) => readdirSync(pathOfDescriptor(folder), { encoding: 'buffer' }).sort(Buffer.compare),
  statOf: (fd): BigIntStats => fstatSync(fd, { bigint: true }),
  statOfItem: (folder, name): BigIntStats => lstatSync(pathOfItem(folder, name), { bigint: true }),
  readLink: (folder, name) => readlinkSync(pathOfItem(folder, name), { encoding: 'buffer' }),
  pathOfFolder: pathOfDescriptor,

  makeFolder(folder, name) {
    check(libc().mkdirat(folder, terminated(name), 0o700), 'mkdirat');
  },

  makeSymlink(target, folder, name) {
    check(libc().symlinkat(terminatedCopy(target), folder, terminated(name)), 'symlinkat');
  },

  makeFifo(folder, name) {
    makeNode(folder, name, S_IFIFO, 0);
  },

  makeDevice(folder, name, kind, major, minor) {
    const device = deviceNumber({ major, minor });
    if (device === undefined) throw new SystemCallError('mknodat', 'EINVAL');
    makeNode(folder, name, kind === 'block' ? S_IFBLK : S_IFCHR, device);
  },

  deviceOf: deviceOfLinux,

  linkHandle(handle, folder, name) {
    const from = Buffer.from(`${pathOfDescriptor(handle)}\0`);
    check(libc().linkat(AT_FDCWD, from, folder, terminated(name), AT_SYMLINK_FOLLOW), 'linkat');
  },

  linkItem(fromFolder, from, toFolder, to) {
    check(libc().linkat(fromFolder, terminated(from), toFolder, terminatedSecond(to), 0), 'linkat');
  },

  rename(fromFolder, from, toFolder, to) {
    check(libc().renameat(fromFolder, terminated(from), toFolder, terminatedSecond(to)), 'renameat');
  },

  renameNew(fromFolder, from, toFolder, to) {
    try {
      const names = [terminated(from), terminatedSecond(to)] as const;
      check(libc().renameat2(fromFolder, names[0], toFolder, names[1], RENAME_NOREPLACE), 'renameat2');
    } catch (error) {
      // Old kernels have no such call, and some file systems no such flag.
      if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOSYS') throw error;
      renameNewByLink(linuxCalls, fromFolder, from, toFolder, to);
    }
  },

  removeFile(folder, name) {
    check(libc().unlinkat(folder, terminated(name), 0), 'unlinkat');
  },

  removeFolder(folder, name) {
    check(libc().unlinkat(folder, terminated(name), AT_REMOVEDIR), 'unlinkat');
  },

  setMode(fd, mode) {
    check(libc().fchmod(fd, mode), 'fchmod');
  },

  setModeOfHandle: (handle, mode) => chmodSync(pathOfDescriptor(handle), mode),

  setOwner(fd, uid, gid) {
    check(libc().fchown(fd, uid, gid), 'fchown');
  },

  setOwnerOfLink(folder, name, uid, gid) {
    check(libc().fchownat(folder, terminated(name), uid, gid, AT_SYMLINK_NOFOLLOW), 'fchownat');
  },

  setTime(fd, mtimeNs) {
    check(libc().futimens(fd, timesOf(linuxCalls.statOf(fd).atimeNs, mtimeNs)), 'futimens');
  },

  setTimeOfLink(folder, name, mtimeNs) {
    const { atimeNs } = linuxCalls.statOfItem(folder, name);
    check(libc().utimensat(folder, terminated(name), timesOf(atimeNs, mtimeNs), AT_SYMLINK_NOFOLLOW), 'utimensat');
  },

  sameTime: (a, b) => a === b,

  xattrsOf,
  xattrsOfItem,
  setXattr,
  setXattrOfItem,
  removeXattr,
  flagsOf,
  setFlags,
  nextData,
  nextHole,

  syncFolder: (folder) => fsyncSync(folder),

  syncFileSystem(folder) {
    check(libc().syncfs(folder), 'syncfs');
  },

  holdLock(path) {
    // Opened by Node, which closes it when this thread ends.
    const fd = openSync(path, O_RDONLY);
    if (libc().flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    closeSync(fd);
    return false;
  },

  losses: () => [],
};
