import { type BigIntStats, constants, fstatSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { SystemCallError } from './errno.ts';
import { libc } from './libc.ts';
import { timesOf } from './times.ts';

/**
 * File calls relative to an open folder, on Linux. A name is one component as bytes; a link in its place is never
 * followed. Every call throws an error with a `code`, as Node's do.
 */
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_REMOVEDIR = 0x200;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

const scratch = Buffer.alloc(8192);

/** The name with a NUL behind it, in memory that the next call uses again. */
function terminated(name: Uint8Array, at = 0): Buffer {
  const end = at + name.length;
  if (end + 1 > scratch.length || name.includes(0)) throw new SystemCallError('name', 36);
  scratch.set(name, at);
  scratch[end] = 0;
  return scratch.subarray(at, end + 1);
}

function check(result: number, call: string): number {
  if (result === -1) throw new SystemCallError(call, libc().errno());
  return result;
}

const open = (folder: number, name: Uint8Array, flags: number, mode = 0) =>
  check(libc().openat(folder, terminated(name), flags | O_NOFOLLOW | O_CLOEXEC, mode), 'openat');

export const openFolder = (folder: number, name: Uint8Array) => open(folder, name, O_RDONLY | O_DIRECTORY);
export const openToRead = (folder: number, name: Uint8Array) => open(folder, name, O_RDONLY | O_NONBLOCK);
export const openToWrite = (folder: number, name: Uint8Array) => open(folder, name, O_RDWR | O_NONBLOCK);
export const createFile = (folder: number, name: Uint8Array) => open(folder, name, O_RDWR | O_CREAT | O_EXCL, 0o600);
/** A handle that names an item without opening it. */
export const openHandle = (folder: number, name: Uint8Array) => open(folder, name, O_PATH);

/** Opens a folder by a whole path, as bytes; links in the path are followed. */
export function openFolderAt(path: Uint8Array): number {
  return check(
    libc().openat(AT_FDCWD, Buffer.concat([path, Buffer.of(0)]), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0),
    'open',
  );
}

/** Closes what a call of this file opened; Node's own `closeSync` would warn of a descriptor that it did not open. */
export function close(fd: number): void {
  libc().close(fd);
}

export function makeFolder(folder: number, name: Uint8Array): void {
  check(libc().mkdirat(folder, terminated(name), 0o700), 'mkdirat');
}

export function makeSymlink(target: Uint8Array, folder: number, name: Uint8Array): void {
  check(libc().symlinkat(Buffer.concat([target, Buffer.of(0)]), folder, terminated(name)), 'symlinkat');
}

/** A hard link to the very inode of an open handle. */
export function linkHandle(handle: number, folder: number, name: Uint8Array): void {
  const from = Buffer.from(`/proc/self/fd/${handle}\0`);
  check(libc().linkat(AT_FDCWD, from, folder, terminated(name), AT_SYMLINK_FOLLOW), 'linkat');
}

export function rename(fromFolder: number, from: Uint8Array, toFolder: number, to: Uint8Array): void {
  check(libc().renameat(fromFolder, terminated(from), toFolder, terminated(to, 4096)), 'renameat');
}

export function removeFile(folder: number, name: Uint8Array): void {
  check(libc().unlinkat(folder, terminated(name), 0), 'unlinkat');
}

export function removeFolder(folder: number, name: Uint8Array): void {
  check(libc().unlinkat(folder, terminated(name), AT_REMOVEDIR), 'unlinkat');
}

export function setMode(fd: number, mode: number): void {
  check(libc().fchmod(fd, mode), 'fchmod');
}

export function setOwner(fd: number, uid: number, gid: number): void {
  check(libc().fchown(fd, uid, gid), 'fchown');
}

export function setOwnerOfLink(folder: number, name: Uint8Array, uid: number, gid: number): void {
  check(libc().fchownat(folder, terminated(name), uid, gid, AT_SYMLINK_NOFOLLOW), 'fchownat');
}

/** Sets the modification time to the nanosecond; the access time stays. */
export function setTime(fd: number, mtimeNs: bigint): void {
  check(libc().futimens(fd, timesOf(mtimeNs)), 'futimens');
}

export function setTimeOfLink(folder: number, name: Uint8Array, mtimeNs: bigint): void {
  check(libc().utimensat(folder, terminated(name), timesOf(mtimeNs), AT_SYMLINK_NOFOLLOW), 'utimensat');
}

/** Everything that was written to the file system of this folder is on disk when it returns. */
export function syncFileSystem(fd: number): void {
  check(libc().syncfs(fd), 'syncfs');
}

function pathOf(folder: number, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
}

export const statOf = (fd: number): BigIntStats => fstatSync(fd, { bigint: true });

export function statOfItem(folder: number, name: Uint8Array): BigIntStats {
  return lstatSync(pathOf(folder, name), { bigint: true });
}

export function readLink(folder: number, name: Uint8Array): Buffer {
  return readlinkSync(pathOf(folder, name), { encoding: 'buffer' });
}

/** The names in an open folder, in ascending order of their bytes. */
export function namesIn(folder: number): Buffer[] {
  return readdirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer' }).sort(Buffer.compare);
}
