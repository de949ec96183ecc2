import type { BigIntStats } from 'node:fs';
import {
  close,
  flagsOf,
  openHandle,
  removeXattr,
  setFlags,
  setMode,
  setModeOfHandle,
  setTime,
  setTimeOfLink,
  setXattr,
  setXattrOfItem,
  statOf,
  xattrsOf,
} from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import { INODE_FLAG } from '../fs/inode-flags.ts';
import { showPath } from '../fs/show-path.ts';
import type { Xattr } from '../fs/xattr.ts';
import type { GivenExtras } from './extras-spool.ts';
import { ACCESS_ACL, DEFAULT_ACL, type Given, isAcl, LOCKING_FLAGS } from './given.ts';
import { type Keeps, timesMatch } from './keeps.ts';
import { type Losses, saysNotKept } from './losses.ts';
import type { OwnerPolicy } from './owner-policy.ts';

type Shown = () => string;

/** Mode, owner, time, and where its extras wait. */
export type GivenHead = Omit<Given, 'extras'>;

/**
 * Gives items their metadata: owner, mode, ACL, attributes (chown drops capabilities), time, flags; all on descriptors.
 * What a file system does not keep is listed and stops nothing.
 */
export class MetadataSetter {
  readonly #owners: OwnerPolicy;
  readonly #losses: Losses;

  constructor(owners: OwnerPolicy, losses: Losses) {
    this.#owners = owners;
    this.#losses = losses;
  }

  /** An open file that is not in its place yet. Flags that lock it wait for `lock`. */
  file(fd: number, given: GivenHead, extras: GivenExtras | undefined, keeps: Keeps, shown: Shown): void {
    // A new file is ours already: measured, a chown less for every file of one's own.
    if (!keeps.ownersAreOurs || !this.#owners.isOurs(given)) this.#owners.set(fd, given);
    this.#mode(() => setMode(fd, given.mode), keeps, shown);
    if (extras) this.#xattrs(extras.xattrs, (name, value) => setXattr(fd, name, value), shown);
    setTime(fd, given.mtimeNs);
    if (extras) this.#flags(fd, extras.flags & ~LOCKING_FLAGS, shown);
  }

  /** Before anything is written to a new file: some file systems take this flag only then. */
  beforeData(fd: number, extras: GivenExtras | undefined, shown: Shown): void {
    if (extras && (extras.flags & INODE_FLAG.noCow) !== 0) this.#flags(fd, INODE_FLAG.noCow, shown);
  }

  /** An open folder whose children are all in place. `isNew` is false for one that was there before. */
  folder(fd: number, given: GivenHead, extras: GivenExtras | undefined, keeps: Keeps, shown: Shown): void {
    this.#owners.set(fd, given);
    // What it inherited, or had before, is not what was captured.
    dropAcls(fd, extras?.xattrs ?? []);
    this.#mode(() => setMode(fd, given.mode), keeps, shown);
    if (extras) this.#xattrs(extras.xattrs, (name, value) => setXattr(fd, name, value), shown);
  }

  /** The last that happens to a folder. */
  folderTime(fd: number, given: GivenHead, extras: GivenExtras | undefined, shown: Shown): void {
    setTime(fd, given.mtimeNs);
    if (extras) this.#flags(fd, extras.flags, shown);
  }

  /** A symbolic link, a FIFO or a device node that is not in its place yet. */
  item(
    folder: number,
    name: Uint8Array,
    given: GivenHead,
    extras: GivenExtras | undefined,
    { keeps, isLink }: { keeps: Keeps; isLink: boolean },
    shown: Shown,
  ): void {
    if (!keeps.ownersAreOurs || !this.#owners.isOurs(given)) this.#owners.setOfItem(folder, name, given);
    if (!isLink) {
      const handle = openHandle(folder, name);
      try {
        this.#mode(() => setModeOfHandle(handle, given.mode), keeps, shown);
      } finally {
        close(handle);
      }
    }
    const set = (attribute: Uint8Array, value: Uint8Array) => setXattrOfItem(folder, name, attribute, value);
    if (extras) this.#xattrs(extras.xattrs, set, shown);
    setTimeOfLink(folder, name, given.mtimeNs);
  }

  /** Sets the flags after which nothing can be changed any more. */
  lock(fd: number, flags: number, shown: Shown): void {
    this.#flags(fd, (flagsOf(fd) ?? 0) | flags, shown);
  }

  /** Whether something in place has what it would be given, as far as this file system keeps it. */
  matches(stats: BigIntStats, given: GivenHead, keeps: Keeps): boolean {
    return (
      (!keeps.modes || stats.isSymbolicLink() || Number(stats.mode & 0o7777n) === given.mode) &&
      (!keeps.owners || this.#owners.matches(stats, given)) &&
      timesMatch(stats.mtimeNs, given.mtimeNs, keeps)
    );
  }

  #mode(set: () => void, keeps: Keeps, shown: Shown): void {
    try {
      set();
    } catch (error) {
      if (!saysNotKept(codeOf(error))) throw error;
      // Where no mode is kept at all, that is listed once for the file system.
      if (keeps.modes) this.#losses.add(shown, 'restored without its mode');
    }
  }

  #xattrs(xattrs: readonly Xattr[], set: (name: Uint8Array, value: Uint8Array) => void, shown: Shown): void {
    for (const { name, value } of xattrs) {
      try {
        set(name, value);
      } catch (error) {
        if (!saysNotKept(codeOf(error))) throw error;
        this.#losses.add(shown, isAcl(name) ? 'restored without its ACL' : reasonOfXattr(name));
      }
    }
  }

  #flags(fd: number, flags: number, shown: Shown): void {
    if (flags === 0) return;
    try {
      setFlags(fd, flags);
    } catch (error) {
      if (!saysNotKept(codeOf(error))) throw error;
      this.#losses.add(shown, 'restored without its inode flags');
    }
  }
}

function reasonOfXattr(name: Uint8Array): string {
  const namespace = Buffer.from(name).toString('latin1').split('.', 1)[0]!;
  return `restored without an attribute ${showPath(Buffer.from(namespace.slice(0, 20), 'latin1'))}.*`;
}

/** Takes the ACLs from an open folder that are not among those that it will be given. */
export function dropAcls(fd: number, given: readonly Xattr[] = []): void {
  for (const acl of [ACCESS_ACL, DEFAULT_ACL]) {
    if (given.some(({ name }) => acl.equals(name))) continue;
    try {
      removeXattr(fd, acl);
    } catch (error) {
      if (!saysNotKept(codeOf(error))) throw error;
    }
  }
}

/** Makes a locked file or folder open to changes again. */
export function unlock(fd: number): void {
  const flags = flagsOf(fd);
  if (flags !== undefined && (flags & LOCKING_FLAGS) !== 0) setFlags(fd, flags & ~LOCKING_FLAGS);
}

/** Whether an open item has the attributes, ACLs and flags that it would be given, and no other ones of its own. */
export function hasExtras(fd: number, given: GivenExtras | undefined): boolean {
  const wanted = new Map((given?.xattrs ?? []).map(({ name, value }) => [hex(name), hex(value)]));
  const present = xattrsOf(fd).filter(({ name }) => isAcl(name) || wanted.has(hex(name)) || countsAlways(name));
  if (present.length !== wanted.size) return false;
  if (present.some(({ name, value }) => wanted.get(hex(name)) !== hex(value))) return false;
  const flags = flagsOf(fd, statOf(fd).dev);
  return flags === undefined || (flags & (given?.flags ?? 0)) === (given?.flags ?? 0);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const CAPABILITY = Buffer.from('security.capability');
/** Others than these are given by the system itself, such as labels. */
const countsAlways = (name: Uint8Array) =>
  CAPABILITY.equals(name) || Buffer.from(name.subarray(0, 5)).toString('latin1') === 'user.';
