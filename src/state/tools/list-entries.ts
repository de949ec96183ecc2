import type { PackId } from '../../common/ids.ts';
import { showPath } from '../fs/show-path.ts';
import { pathOfNames } from '../plan/roots.ts';
import type { OpenedSnapshot } from './opened-snapshot.ts';
import { PackFrames, type StateKeys } from './pack-frames.ts';
import { withScratch } from './scratch.ts';
import { type ItemEntry, type WalkEvent, walkManifest } from './walk-manifest.ts';

/** An item of a snapshot for people: paths absolute, all bad bytes escaped. */
export interface ListedEntry {
  readonly path: string;
  readonly type: ItemEntry['kind'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly bytes: number;
  readonly mtimeNs: bigint;
  /** It has ACLs. */
  readonly acl: boolean;
  /** Inode flags of Linux. */
  readonly flags: number;
  /** Where a symbolic link leads to, or what a hard link is another name of. */
  readonly target: string | undefined;
  readonly device: readonly [number, number] | undefined;
}

/** Tells every item of a snapshot. Throws `damaged`. */
export function listEntries(
  snapshot: OpenedSnapshot,
  keys: StateKeys,
  pathOf: (pack: PackId) => string,
  tell: (entry: ListedEntry) => void,
  signal: AbortSignal,
): Promise<void> {
  return withScratch(async (scratch) => {
    const frames = new PackFrames(pathOf, keys);
    try {
      for await (const event of walkManifest(snapshot, frames, scratch, signal)) {
        if (event.type !== 'item') continue;
        tell(listed(event));
      }
    } finally {
      frames.close();
    }
  });
}

function listed({ path, entry, linkTo, userName, groupName }: Extract<WalkEvent, { type: 'item' }>): ListedEntry {
  const extras = entry.kind === 'hardlink' ? undefined : entry.extras;
  return {
    path: shown(path),
    type: entry.kind,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    user: userName && showPath(userName),
    group: groupName && showPath(groupName),
    bytes: entry.kind === 'file' ? entry.sizeBytes : 0,
    mtimeNs: entry.mtimeNs,
    acl: extras !== undefined && (extras.accessAcl.length > 0 || extras.defaultAcl.length > 0),
    flags: extras?.flags ?? 0,
    target: entry.kind === 'symlink' ? showPath(entry.target) : linkTo && shown(linkTo),
    device: entry.kind === 'character' || entry.kind === 'block' ? [entry.major, entry.minor] : undefined,
  };
}

const shown = (path: Buffer): string => showPath(pathOfNames([path]));
