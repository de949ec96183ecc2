import type { BigIntStats } from 'node:fs';
import { removeXattr, setFlags, setMode, setOwner, setTime, setXattr, xattrsOf } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import { dropAcls, type GivenHead } from './apply-metadata.ts';
import type { ItemDecision } from './decision-log.ts';
import type { GivenExtras } from './extras-spool.ts';
import { isAcl } from './given.ts';
import { timesMatch } from './keeps.ts';
import { saysNotKept } from './losses.ts';

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Whether something is what a restore put there, and nobody changed it since. One that was cut short by a loss of power may
 * have left files without their last bytes: their names and times go to the disk before their data.
 */
export function isAsRestored(
  stats: BigIntStats,
  { kind, sizeBytes, mtimeNs }: ItemDecision,
  isCutShort: boolean,
): boolean {
  switch (kind) {
    case 'file':
      return stats.isFile() && hasSize(stats, BigInt(sizeBytes), isCutShort) && hasTime(stats, mtimeNs);
    case 'hardlink':
      return stats.isFile() && hasTime(stats, mtimeNs);
    case 'symlink':
      return stats.isSymbolicLink() && stats.size === BigInt(sizeBytes) && hasTime(stats, mtimeNs);
    // Using them changes their times.
    case 'fifo':
      return stats.isFIFO();
    case 'character':
      return stats.isCharacterDevice();
    case 'block':
      return stats.isBlockDevice();
  }
}

const hasSize = ({ size }: BigIntStats, wanted: bigint, isCutShort: boolean) =>
  size === wanted || (isCutShort && size < wanted);

/** Some file systems keep whole seconds only. */
function hasTime({ mtimeNs }: BigIntStats, wantedNs: bigint): boolean {
  return timesMatch(mtimeNs, wantedNs, { times: mtimeNs % NS_PER_SECOND !== 0n ? 'exactly' : 'roughly' });
}

/** Gives an open folder what it had before a restore; what its file system does not keep it never had. */
export function giveBack(fd: number, former: GivenHead, extras: GivenExtras): void {
  const { xattrs, flags } = extras;
  tolerate(() => setOwner(fd, former.uid, former.gid));
  dropAcls(fd, xattrs);
  tolerate(() => setMode(fd, former.mode));
  const had = new Set(xattrs.map(({ name }) => key(name)));
  for (const { name } of xattrsOf(fd)) {
    if (!had.has(key(name)) && !isAcl(name) && key(name).startsWith('user.')) tolerate(() => removeXattr(fd, name));
  }
  for (const { name, value } of xattrs) tolerate(() => setXattr(fd, name, value));
  setTime(fd, former.mtimeNs);
  if (flags !== 0) tolerate(() => setFlags(fd, flags));
}

const key = (name: Uint8Array) => Buffer.from(name).toString('latin1');

function tolerate(set: () => void): void {
  try {
    set();
  } catch (error) {
    if (!saysNotKept(codeOf(error))) throw error;
  }
}
