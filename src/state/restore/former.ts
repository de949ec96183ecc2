import { flagsOf, statOf, xattrsOf } from '../fs/calls.ts';
import { metadataOf } from '../plan/metadata.ts';
import type { FormerMetadata } from './decision-log.ts';

/** What an open folder has now, to be given back to it. */
export function formerOf(fd: number): FormerMetadata {
  const stats = statOf(fd);
  return { ...metadataOf(stats), flags: flagsOf(fd, stats.dev) ?? 0, xattrs: xattrsOf(fd) };
}
