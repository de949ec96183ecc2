import type { BigIntStats } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { LINK_TARGET_MAX_BYTES, MANIFEST_PART_BYTES, PATH_DEPTH_MAX } from '../../common/limits.ts';
import type { Progress } from '../../common/ports.ts';
import { BlockWriter } from '../format/block.ts';
import type { FolderPath, Metadata } from '../format/index.ts';
import { BlockSpoolWriter } from '../fs/block-spool.ts';
import { namesIn, readLink, statOfItem } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { showPath } from '../fs/show-path.ts';
import { clampTime } from '../fs/times.ts';
import { ProgressTeller } from '../threads/progress.ts';
import type { Identities } from './identities.ts';
import { LeftOutList } from './left-out.ts';
import { LinkGroups } from './link-groups.ts';
import { RootWalker } from './root-walker.ts';
import { pathOfNames, startsWith } from './roots.ts';
import { type Counts, countContent, emptyCounts } from './upper-bound.ts';

/** What a scan found. Its entries are in the spool file, in the order of a walk. */
export interface ScanResult {
  files: number;
  folders: number;
  symlinks: number;
  hardlinks: number;
  specials: number;
  bytes: number;
  counts: Counts;
  leftOut: LeftOutList;
  excluded: string[];
}

const BLOCK_CUT_BYTES = MANIFEST_PART_BYTES / 2;
const BLOCK_CUT_ENTRIES = 2048;

/** Mode, owner and time of a stat, as a manifest holds them. */
export function metadataOf(stats: BigIntStats): Metadata {
  return {
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: clampTime(stats.mtimeNs),
  };
}

/** Walks the roots and writes the plan: folder blocks, parents first, names ascending, no content read. */
export class Scan {
  readonly #roots: readonly FolderPath[];
  readonly #excluded: Identities;
  readonly #walker: RootWalker;
  readonly #spool: BlockSpoolWriter;
  readonly #teller: ProgressTeller;
  readonly #block = new BlockWriter();
  readonly #groups = new LinkGroups();
  readonly #owners = new Set<string>();
  readonly #result: ScanResult = {
    files: 0,
    folders: 0,
    symlinks: 0,
    hardlinks: 0,
    specials: 0,
    bytes: 0,
    counts: emptyCounts(),
    leftOut: new LeftOutList(),
    excluded: [],
  };

  constructor(
    roots: readonly FolderPath[],
    excluded: Identities,
    spoolPath: string,
    onProgress: (progress: Progress) => void,
  ) {
    this.#roots = roots;
    this.#excluded = excluded;
    this.#walker = new RootWalker(roots);
    this.#spool = new BlockSpoolWriter(spoolPath);
    this.#teller = new ProgressTeller(onProgress);
  }

  /** Throws `not-found` for a root that does not exist, `nothing-left` when nothing is captured. */
  run(): ScanResult {
    try {
      this.#folder([]);
    } finally {
      this.#walker.close();
      this.#spool.close();
    }
    const { counts } = this.#result;
    counts.owners = this.#owners.size;
    counts.rootBytes = this.#roots.reduce((sum, root) => sum + pathOfNames(root).length * 2 + 8, 0);
    if (this.#items() === 0 && this.#roots.every((root) => root.length > 0)) {
      throw new ResettleError('nothing-left', 'nothing is left to capture of the given paths', {
        hint: 'they are excluded, or hold only what cannot be captured',
      });
    }
    this.#teller.now(this.#progress());
    return this.#result;
  }

  #items(): number {
    const { files, folders, symlinks, hardlinks } = this.#result;
    return files + folders + symlinks + hardlinks;
  }

  #progress(): Progress {
    return { phase: 'scan', bytes: this.#result.bytes, totalBytes: 0, files: this.#items(), totalFiles: 0 };
  }

  #folder(path: FolderPath): void {
    const subfolders: Uint8Array[] = [];
    this.#block.begin(path);
    if (this.#isAncestor(path)) this.#ancestorItems(path, subfolders);
    else this.#scanned(path, subfolders);
    this.#flush();
    for (const name of subfolders) this.#folder([...path, name]);
  }

  /** True above the given roots, where only the way to them is taken. */
  #isAncestor(path: FolderPath): boolean {
    return this.#roots.some((root) => root.length > path.length && startsWith(root, path));
  }

  #ancestorItems(path: FolderPath, subfolders: Uint8Array[]): void {
    let last: Uint8Array | undefined;
    for (const root of this.#roots) {
      const name = root[path.length];
      if (!name || !startsWith(root, path) || (last && Buffer.compare(last, name) === 0)) continue;
      last = name;
      if (root.length === path.length + 1) {
        this.#root(path, name, subfolders);
      } else {
        this.#count({ kind: 'ancestor', name });
        subfolders.push(name);
      }
    }
  }

  #root(path: FolderPath, name: Uint8Array, subfolders: Uint8Array[]): void {
    const shown = showPath(pathOfNames([...path, name]));
    let stats: BigIntStats;
    try {
      stats = statOfItem(this.#walker.enter(path), name);
    } catch (error) {
      const gone = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
      throw new ResettleError(gone ? 'not-found' : 'failed', `cannot capture ${shown}: ${reasonOf(error)}`, {
        hint: gone ? 'check the path' : 'run as a user who can read it',
        cause: error,
      });
    }
    this.#item(path, name, stats, subfolders);
  }

  #scanned(path: FolderPath, subfolders: Uint8Array[]): void {
    let folder: number;
    let names: Buffer[];
    try {
      folder = this.#walker.enter(path);
      names = namesIn(folder);
    } catch (error) {
      this.#leaveOut(path, undefined, reasonOf(error));
      return;
    }
    for (const name of names) {
      let stats: BigIntStats;
      try {
        stats = statOfItem(folder, name);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') this.#leaveOut(path, name, reasonOf(error));
        continue;
      }
      this.#item(path, name, stats, subfolders);
      if (this.#block.bytes > BLOCK_CUT_BYTES || this.#block.count >= BLOCK_CUT_ENTRIES) this.#cut();
    }
  }

  #item(path: FolderPath, name: Uint8Array, stats: BigIntStats, subfolders: Uint8Array[]): void {
    if (this.#excluded.has(stats)) {
      this.#result.excluded.push(showPath(pathOfNames([...path, name])));
      return;
    }
    const metadata = metadataOf(stats);
    if (stats.isFile()) this.#file(name, metadata, stats);
    else if (stats.isDirectory()) this.#subfolder(path, name, metadata, subfolders);
    else if (stats.isSymbolicLink()) this.#symlink(path, name, metadata);
    else this.#leaveOut(path, name, `${kindOf(stats)} is not captured`);
    this.#owners.add(`u${stats.uid}`).add(`g${stats.gid}`);
    this.#teller.count(() => this.#progress());
  }

  #file(name: Uint8Array, metadata: Metadata, stats: BigIntStats): void {
    const sizeBytes = Number(stats.size);
    const { group, first } = this.#groups.of(stats);
    if (first) {
      this.#result.files += 1;
      this.#result.bytes += sizeBytes;
      countContent(this.#result.counts, sizeBytes);
    } else {
      this.#result.hardlinks += 1;
    }
    // A hard link stands in the plan as the file it is: it takes the first one's place if that cannot be read.
    this.#count({ kind: 'file', name, ...metadata, sizeBytes, extents: [], group, changed: false, goesOn: false });
  }

  #subfolder(path: FolderPath, name: Uint8Array, metadata: Metadata, subfolders: Uint8Array[]): void {
    if (path.length + 1 > PATH_DEPTH_MAX) {
      this.#leaveOut(path, name, `it lies deeper than ${PATH_DEPTH_MAX} folders`);
      return;
    }
    this.#result.folders += 1;
    this.#count({ kind: 'folder', name, ...metadata });
    subfolders.push(name);
  }

  #symlink(path: FolderPath, name: Uint8Array, metadata: Metadata): void {
    try {
      const target = readLink(this.#walker.enter(path), name);
      if (target.length > LINK_TARGET_MAX_BYTES) {
        this.#leaveOut(path, name, 'its target is too long');
        return;
      }
      this.#result.symlinks += 1;
      this.#count({ kind: 'symlink', name, ...metadata, target });
    } catch (error) {
      this.#leaveOut(path, name, reasonOf(error));
    }
  }

  #count(entry: Parameters<BlockWriter['entry']>[0]): void {
    this.#result.counts.entries += 1;
    this.#block.entry(entry);
  }

  #leaveOut(path: FolderPath, name: Uint8Array | undefined, reason: string): void {
    this.#result.leftOut.add(pathOfNames(name ? [...path, name] : path), reason);
  }

  #cut(): void {
    const { path } = this.#block;
    this.#flush();
    this.#block.begin(path);
  }

  #flush(): void {
    const block = this.#block.view();
    const { counts } = this.#result;
    counts.planBytes += block.length;
    counts.longestPathBytes = Math.max(counts.longestPathBytes, block.length - this.#block.bytes);
    this.#spool.add(block);
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isSocket()) return 'a socket';
  if (stats.isFIFO()) return 'a FIFO';
  return 'a device';
}
