import type { BigIntStats } from 'node:fs';
import type { Xattr } from './xattr.ts';

/**
 * What the rest asks of a file system. `folder` and `handle` are numbers that a call of this interface returned: an
 * open folder, an item that is named without being opened. An `fd` is an open file, which Node's own calls take too, or
 * an open folder, which only these take. A `name` is one component as bytes, and a link in its place is never followed.
 * Times are nanoseconds since 1970, modes the low 12 bits.
 *
 * Every call throws an error with a `code`, as Node's do: `EINVAL` for a name that is not one component, `ENOTSUP` for
 * what this platform cannot do.
 */
export interface FileCalls {
  openFolder(folder: number, name: Uint8Array): number;
  /** Opens a folder by a whole path, as bytes; links in the path are followed. */
  openFolderAt(path: Uint8Array): number;
  /** To read. Never waits, not for the other end of a FIFO either. */
  openToRead(folder: number, name: Uint8Array): number;
  /** To read and write. Never waits. */
  openToWrite(folder: number, name: Uint8Array): number;
  /** A new file, mode 0600, to read and write. Throws `EEXIST` where anything has the name, a link too. */
  createFile(folder: number, name: Uint8Array): number;
  /** A handle of an item of any kind, a link too, which is not opened. */
  openHandle(folder: number, name: Uint8Array): number;
  /** Closes what a call of this interface opened, and nothing else. */
  close(fd: number): void;

  /** The names in an open folder, in ascending order of their bytes. */
  namesIn(folder: number): Buffer[];
  /** Of an open file, a folder or a handle. */
  statOf(fd: number): BigIntStats;
  statOfItem(folder: number, name: Uint8Array): BigIntStats;
  readLink(folder: number, name: Uint8Array): Buffer;
  /** A path under which Node's calls find that open folder, while it is open. */
  pathOfFolder(folder: number): string;

  /** Mode 0700. */
  makeFolder(folder: number, name: Uint8Array): void;
  makeSymlink(target: Uint8Array, folder: number, name: Uint8Array): void;
  /** Mode 0600. */
  makeFifo(folder: number, name: Uint8Array): void;
  /** Mode 0600. Needs root. */
  makeDevice(folder: number, name: Uint8Array, kind: 'character' | 'block', major: number, minor: number): void;
  /** The numbers of a device node. */
  deviceOf(stats: BigIntStats): { major: number; minor: number };
  /** A hard link to the very inode of a handle. */
  linkHandle(handle: number, folder: number, name: Uint8Array): void;
  /** A hard link to what has that name, to the link itself if it is one. */
  linkItem(fromFolder: number, from: Uint8Array, toFolder: number, to: Uint8Array): void;

  /** Takes the place of a file that has the new name. */
  rename(fromFolder: number, from: Uint8Array, toFolder: number, to: Uint8Array): void;
  /** Throws `EEXIST` where anything has the new name, and touches nothing. */
  renameNew(fromFolder: number, from: Uint8Array, toFolder: number, to: Uint8Array): void;
  removeFile(folder: number, name: Uint8Array): void;
  removeFolder(folder: number, name: Uint8Array): void;

  setMode(fd: number, mode: number): void;
  /** Throws `ENOTSUP` for a link, which has no mode. */
  setModeOfHandle(handle: number, mode: number): void;
  setOwner(fd: number, uid: number, gid: number): void;
  /** Of a link, or of any item that is not opened. */
  setOwnerOfLink(folder: number, name: Uint8Array, uid: number, gid: number): void;
  /** Sets the modification time; the access time stays. */
  setTime(fd: number, mtimeNs: bigint): void;
  /** Of a link, or of any item that is not opened. */
  setTimeOfLink(folder: number, name: Uint8Array, mtimeNs: bigint): void;
  /** Whether two times are the same as far as `setTime` can set them. */
  sameTime(a: bigint, b: bigint): boolean;

  /**
   * Extended attributes, ascending by name; those that hold ACLs are among them, as they are. Empty where the file
   * system has none.
   */
  xattrsOf(fd: number): Xattr[];
  xattrsOfItem(folder: number, name: Uint8Array): Xattr[];
  setXattr(fd: number, name: Uint8Array, value: Uint8Array): void;
  setXattrOfItem(folder: number, name: Uint8Array, attribute: Uint8Array, value: Uint8Array): void;
  /** Throws `ENODATA` where there is none of that name. */
  removeXattr(fd: number, name: Uint8Array): void;

  /**
   * Which of INODE_FLAGS a file or folder has, undefined where its file system has none. With its `device` (of its
   * stat) a file system that had none is not asked again.
   */
  flagsOf(fd: number, device?: bigint): number | undefined;
  /** Sets INODE_FLAGS to these; the inode's other flags stay. */
  setFlags(fd: number, flags: number): void;

  /**
   * Where data begins, at this offset or behind it; −1 where none does. A file system that knows no holes has data
   * everywhere. The file's own position is undefined afterwards.
   */
  nextData(fd: number, offset: number): number;
  /** Where a hole begins, at this offset or behind it: at the file's end at the latest; −1 from there on. */
  nextHole(fd: number, offset: number): number;

  /** What was made, renamed or removed in that folder is on disk when it returns. */
  syncFolder(folder: number): void;
  /** Everything that was written to the file system of this folder is on disk when it returns. */
  syncFileSystem(folder: number): void;
  /**
   * Locks the file at that path, which exists, until this thread ends; false where another process or thread has it
   * locked.
   */
  holdLock(path: string): boolean;

  /** What is not kept here of a file system's items, in sentences for people. */
  losses(): readonly string[];
}
