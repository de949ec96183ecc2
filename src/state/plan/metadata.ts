import type { BigIntStats } from 'node:fs';
import { XATTR_NAME_MAX_BYTES, XATTR_VALUE_MAX_BYTES, XATTRS_MAX, XATTRS_MAX_BYTES } from '../../common/limits.ts';
import type { Extras } from '../format/extras.ts';
import type { Metadata } from '../format/index.ts';
import { decodeAcl } from '../fs/acl.ts';
import { close, flagsOf, openFolder, xattrsOf, xattrsOfItem } from '../fs/calls.ts';
import { clampTime } from '../fs/times.ts';
import type { Xattr } from '../fs/xattr.ts';

const ACCESS_ACL = Buffer.from('system.posix_acl_access');
const DEFAULT_ACL = Buffer.from('system.posix_acl_default');

/** Mode, owner and time of a stat, as a manifest holds them. */
export function metadataOf(stats: BigIntStats): Metadata {
  return {
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: clampTime(stats.mtimeNs),
  };
}

/**
 * Whether an item had been at rest when it was looked at: then another change shows in its times. Both count, since some
 * file systems keep no time of the last change of metadata.
 */
export function isSettled(stats: Pick<BigIntStats, 'ctimeNs' | 'mtimeNs'>, beforeNs: bigint): boolean {
  return stats.ctimeNs < beforeNs && stats.mtimeNs < beforeNs;
}

/** What an open file has beside mode, owner and time; undefined for nearly all. Throws where it holds too much. */
export function extrasOf(fd: number): Extras | undefined {
  return extras(xattrsOf(fd), flagsOf(fd) ?? 0);
}

/** The same of an item that is not opened: inode flags are read of folders only. */
export function extrasOfItem(folder: number, name: Uint8Array, isFolder: boolean): Extras | undefined {
  if (!isFolder) return extras(xattrsOfItem(folder, name), 0);
  let fd: number;
  try {
    fd = openFolder(folder, name);
  } catch {
    return extras(xattrsOfItem(folder, name), 0);
  }
  try {
    return extrasOf(fd);
  } finally {
    close(fd);
  }
}

function extras(found: readonly Xattr[], flags: number): Extras | undefined {
  if (found.length === 0 && flags === 0) return undefined;
  const xattrs: Xattr[] = [];
  let accessAcl: Extras['accessAcl'] = [];
  let defaultAcl: Extras['defaultAcl'] = [];
  let total = 0;
  for (const { name, value } of found) {
    const acl = ACCESS_ACL.equals(name) || DEFAULT_ACL.equals(name) ? decodeAcl(value) : undefined;
    if (acl && ACCESS_ACL.equals(name)) accessAcl = acl;
    else if (acl) defaultAcl = acl;
    else {
      total += name.length + value.length;
      if (name.length > XATTR_NAME_MAX_BYTES || value.length > XATTR_VALUE_MAX_BYTES || total > XATTRS_MAX_BYTES) {
        throw new Error('it has more extended attributes than can be kept');
      }
      xattrs.push({ name, value });
    }
  }
  if (xattrs.length > XATTRS_MAX) throw new Error('it has more extended attributes than can be kept');
  if (xattrs.length + accessAcl.length + defaultAcl.length + flags === 0) return undefined;
  return { xattrs, accessAcl, defaultAcl, flags };
}
