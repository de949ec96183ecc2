import type { BigIntStats } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { LINK_TARGET_MAX_BYTES, MANIFEST_BLOCK_BYTES, PATH_DEPTH_MAX } from '../../common/limits.ts';
import type { Progress } from '../../common/ports.ts';
import type { RuleWalk, WalkState } from '../catalogue/rule-walk.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { writeEntry } from '../format/entry.ts';
import type { Extras } from '../format/extras.ts';
import type { Entry, FolderPath } from '../format/index.ts';
import { close, deviceOf, namesIn, openFolder, openToRead, readLink, statOfItem } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { showPath } from '../fs/show-path.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { dataRuns, mayHaveHoles } from './data-runs.ts';
import type { Identities } from './identities.ts';
import type { Known } from './known.ts';
import { LeftOutList } from './left-out.ts';
import { LinkGroups } from './link-groups.ts';
import { extrasOfItem, isSettled, metadataOf } from './metadata.ts';
import { PlanBlocks } from './plan-blocks.ts';
import { RootWalker } from './root-walker.ts';
import { pathOfNames, startsWith } from './roots.ts';
import { EVERYTHING, LeftByRules, type Selection } from './rule-filter.ts';
import type { SourceTree } from './source-tree.ts';
import { BEFORE, LINKED, READ, type TrackedRecord } from './tracked.ts';
import { type Counts, countRun, emptyCounts } from './upper-bound.ts';

/** What a scan found of one root. */
export interface RootSum {
  readonly path: Uint8Array;
  items: number;
  bytes: number;
}

/** What a scan found. Its entries are in the spool file, in the order of a walk. */
export interface ScanResult {
  files: number;
  folders: number;
  symlinks: number;
  hardlinks: number;
  specials: number;
  bytes: number;
  /** Files whose content is to be read, and their bytes. */
  newFiles: number;
  newBytes: number;
  counts: Counts;
  leftOut: LeftOutList;
  excluded: string[];
  /** Left out on purpose, by the catalogue's rules. */
  leftByRules: LeftByRules;
  byRoot: RootSum[];
}

/** A folder that the walk still has to enter. */
interface Subfolder {
  readonly name: Uint8Array;
  readonly state: WalkState;
}

const BLOCK_CUT_ENTRIES = 2048;

export interface ScanOptions extends Selection {
  readonly tree: SourceTree;
  readonly excluded: Identities;
  readonly spoolPath: string;
  /** What an earlier capture knows, and the holder has. */
  readonly known: Known;
  /** Items that changed after this are looked at again at the next capture. */
  readonly settledBeforeNs: bigint;
  readonly onProgress: (progress: Progress) => void;
}

/** Walks the roots and writes the plan: folder blocks, parents first, names ascending, no content read. */
export class Scan {
  readonly #roots: readonly FolderPath[];
  readonly #inner: readonly FolderPath[];
  readonly #rules: RuleWalk | undefined;
  readonly #excluded: Identities;
  readonly #known: Known;
  readonly #settledBeforeNs: bigint;
  readonly #walker: RootWalker;
  readonly #teller: ProgressTeller;
  readonly #blocks: PlanBlocks;
  readonly #groups: LinkGroups;
  readonly #owners = new Set<string>();
  readonly #entry = new CborWriter(4096);
  readonly #result: ScanResult = {
    files: 0,
    folders: 0,
    symlinks: 0,
    hardlinks: 0,
    specials: 0,
    bytes: 0,
    newFiles: 0,
    newBytes: 0,
    counts: emptyCounts(),
    leftOut: new LeftOutList(),
    excluded: [],
    leftByRules: new LeftByRules(),
    byRoot: [],
  };

  constructor(options: ScanOptions) {
    this.#roots = options.roots;
    this.#inner = options.inner ?? [];
    this.#rules = options.walk;
    this.#excluded = options.excluded;
    this.#known = options.known;
    this.#settledBeforeNs = options.settledBeforeNs;
    this.#walker = new RootWalker(options.roots, options.tree);
    this.#blocks = new PlanBlocks(options.spoolPath, options.known);
    this.#groups = new LinkGroups((dev, ino) => options.known.cache.groupOf(dev, ino));
    this.#teller = new ProgressTeller(options.onProgress);
  }

  /** Throws `not-found` for a root that does not exist, `nothing-left` when nothing is captured. */
  run(): ScanResult {
    try {
      for (const path of this.#inner) this.#mustBeThere(path);
      this.#folder([], this.#rules?.at(Buffer.from('/')) ?? EVERYTHING);
    } finally {
      this.#walker.close();
      this.#blocks.close();
    }
    const { counts } = this.#result;
    counts.owners = this.#owners.size;
    counts.planBytes = this.#blocks.changedBytes;
    counts.longestPathBytes = this.#blocks.longestPathBytes;
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
    const { files, folders, symlinks, hardlinks, specials } = this.#result;
    return files + folders + symlinks + hardlinks + specials;
  }

  #progress(): Progress {
    return { phase: 'scan', bytes: this.#result.bytes, totalBytes: 0, files: this.#items(), totalFiles: 0 };
  }

  /** Adds what `work` finds to the sum of a root. */
  #within(root: FolderPath, work: () => void): void {
    const at = pathOfNames(root);
    const items = this.#items();
    const { bytes } = this.#result;
    work();
    let sum = this.#result.byRoot.find(({ path }) => at.equals(path));
    if (!sum) {
      sum = { path: at, items: 0, bytes: 0 };
      this.#result.byRoot.push(sum);
    }
    sum.items += this.#items() - items;
    sum.bytes += this.#result.bytes - bytes;
  }

  #isRoot(path: FolderPath): boolean {
    return this.#roots.some((root) => root.length === path.length && startsWith(root, path));
  }

  #folder(path: FolderPath, state: WalkState): void {
    if (this.#isRoot(path)) this.#within(path, () => this.#walked(path, state));
    else this.#walked(path, state);
  }

  #walked(path: FolderPath, state: WalkState): void {
    const subfolders: Subfolder[] = [];
    this.#blocks.begin(path);
    if (this.#isAncestor(path)) this.#ancestorItems(path, state, subfolders);
    else this.#scanned(path, state, subfolders);
    this.#blocks.end();
    for (const subfolder of subfolders) this.#folder([...path, subfolder.name], subfolder.state);
  }

  #enter(state: WalkState, name: Uint8Array): WalkState {
    return this.#rules ? this.#rules.enter(state, asBuffer(name).toString('latin1')) : state;
  }

  /** True above the given roots, where only the way to them is taken. */
  #isAncestor(path: FolderPath): boolean {
    return this.#roots.some((root) => root.length > path.length && startsWith(root, path));
  }

  #ancestorItems(path: FolderPath, above: WalkState, subfolders: Subfolder[]): void {
    let last: Uint8Array | undefined;
    for (const root of this.#roots) {
      const name = root[path.length];
      if (!name || !startsWith(root, path) || (last && Buffer.compare(last, name) === 0)) continue;
      last = name;
      const state = this.#enter(above, name);
      if (root.length === path.length + 1) {
        this.#root(path, name, state, subfolders);
      } else {
        this.#add({ kind: 'ancestor', name }, undefined, 0);
        subfolders.push({ name, state });
      }
    }
  }

  #root(path: FolderPath, name: Uint8Array, state: WalkState, subfolders: Subfolder[]): void {
    let folder: number;
    let stats: BigIntStats;
    try {
      folder = this.#walker.enterAbove([...path, name]);
      stats = statOfItem(folder, name);
    } catch (error) {
      if (this.#isGiven(state)) throw cannotCapture([...path, name], error);
      this.#leaveOut(path, name, reasonOf(error));
      return;
    }
    this.#within([...path, name], () => this.#item(path, folder, name, stats, state, subfolders, false));
  }

  /** Whether somebody named it, or what it lies in, by hand. */
  #isGiven(state: WalkState): boolean {
    return !this.#rules || state.by?.kind === 'path';
  }

  #mustBeThere(path: FolderPath): void {
    try {
      statOfItem(this.#walker.enter(path.slice(0, -1)), path.at(-1)!);
    } catch (error) {
      throw cannotCapture(path, error);
    }
  }

  #scanned(path: FolderPath, state: WalkState, subfolders: Subfolder[]): void {
    let folder: number;
    let names: Buffer[];
    try {
      folder = this.#walker.enter(path);
      names = namesIn(folder);
    } catch (error) {
      this.#leaveOut(path, undefined, reasonOf(error));
      return;
    }
    const live = liveDatabases(names);
    for (const name of names) {
      const item = this.#enter(state, name);
      if (!item.mayHoldTaken) {
        this.#result.leftByRules.add(path, name, item);
        continue;
      }
      let stats: BigIntStats;
      try {
        stats = statOfItem(folder, name);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') this.#leaveOut(path, name, reasonOf(error));
        continue;
      }
      const isLive = live?.has(name.toString('latin1')) === true;
      this.#item(path, folder, name, stats, item, subfolders, isLive);
      if (this.#blocks.bytes > MANIFEST_BLOCK_BYTES || this.#blocks.count >= BLOCK_CUT_ENTRIES) this.#blocks.cut();
    }
  }

  #item(
    path: FolderPath,
    folder: number,
    name: Uint8Array,
    stats: BigIntStats,
    state: WalkState,
    subfolders: Subfolder[],
    readAnyway: boolean,
  ): void {
    if (!state.isTaken && !(stats.isDirectory() && this.#leadsOn(folder, name, state))) {
      this.#result.leftByRules.add(path, name, state);
      return;
    }
    if (this.#excluded.has(stats)) {
      this.#result.excluded.push(showPath(pathOfNames([...path, name])));
      return;
    }
    if (stats.isSocket()) {
      this.#leaveOut(path, name, 'a socket is not captured');
      return;
    }
    try {
      if (stats.isFile()) this.#file(folder, name, stats, readAnyway);
      else if (stats.isDirectory()) this.#subfolder(path, folder, name, stats, state, subfolders);
      else if (stats.isSymbolicLink()) this.#symlink(path, folder, name, stats);
      else this.#special(path, folder, name, stats);
    } catch (error) {
      if (error instanceof ResettleError) throw error;
      this.#leaveOut(path, name, reasonOf(error));
    }
    this.#owners.add(`u${stats.uid}`).add(`g${stats.gid}`);
    throwIfStopped();
    this.#teller.count(() => this.#progress());
  }

  /** Whether a folder that is not taken is the way to something beneath it that may be. */
  #leadsOn(folder: number, name: Uint8Array, state: WalkState): boolean {
    if (!state.mayHoldTaken) return false;
    try {
      const fd = openFolder(folder, name);
      try {
        return namesIn(fd).some((inner) => this.#enter(state, inner).mayHoldTaken);
      } finally {
        close(fd);
      }
    } catch {
      // What cannot be looked into is left out like the rest of it.
      return false;
    }
  }

  #file(folder: number, name: Uint8Array, stats: BigIntStats, readAnyway: boolean): void {
    const sizeBytes = Number(stats.size);
    const { group, first } = this.#groups.of(stats);
    if (first) {
      this.#result.files += 1;
      this.#result.bytes += sizeBytes;
    } else {
      this.#result.hardlinks += 1;
    }
    const linked = group > 0 ? LINKED : 0;
    const record = this.#blocks.find(name);
    if (record && first && !readAnyway && record.matches(stats) && (record.flags & READ) === 0) {
      // With several names, only the record of the name that was read has the content.
      const usable = linked === 0 || record.entries()[0]?.kind === 'file';
      if (usable && this.#known.hasContent(record)) {
        this.#result.counts.entries += 1;
        this.#blocks.keep(record);
        return;
      }
    }
    if (first) {
      this.#result.newFiles += 1;
      this.#result.newBytes += sizeBytes;
      this.#countContent(folder, name, stats);
    }
    // A hard link stands in the plan as the file it is: it takes the first one's place if that cannot be read.
    const entry: Entry = {
      kind: 'file',
      name,
      ...metadataOf(stats),
      sizeBytes,
      extents: [],
      group,
      changed: false,
      goesOn: false,
    };
    this.#add(entry, stats, READ | linked, record);
  }

  #countContent(folder: number, name: Uint8Array, stats: BigIntStats): void {
    const sizeBytes = Number(stats.size);
    if (!mayHaveHoles(stats)) {
      countRun(this.#result.counts, 0, sizeBytes);
      return;
    }
    const fd = openToRead(folder, name);
    try {
      for (const { start, end } of dataRuns(fd, sizeBytes)) countRun(this.#result.counts, start, end);
    } finally {
      close(fd);
    }
  }

  #subfolder(
    path: FolderPath,
    folder: number,
    name: Uint8Array,
    stats: BigIntStats,
    state: WalkState,
    subfolders: Subfolder[],
  ): void {
    if (path.length + 1 > PATH_DEPTH_MAX) {
      this.#leaveOut(path, name, `it lies deeper than ${PATH_DEPTH_MAX} folders`);
      return;
    }
    this.#result.folders += 1;
    if (!this.#isKept(name, stats)) {
      const extras = this.#extras(path, folder, name, true);
      this.#add({ kind: 'folder', name, ...metadataOf(stats), ...(extras && { extras }) }, stats, 0);
    }
    subfolders.push({ name, state });
  }

  #symlink(path: FolderPath, folder: number, name: Uint8Array, stats: BigIntStats): void {
    if (!this.#isKept(name, stats)) {
      const target = readLink(folder, name);
      if (target.length > LINK_TARGET_MAX_BYTES) {
        this.#leaveOut(path, name, 'its target is too long');
        return;
      }
      const extras = this.#extras(path, folder, name, false);
      this.#add({ kind: 'symlink', name, ...metadataOf(stats), target, ...(extras && { extras }) }, stats, 0);
    }
    this.#result.symlinks += 1;
  }

  #special(path: FolderPath, folder: number, name: Uint8Array, stats: BigIntStats): void {
    if (!this.#isKept(name, stats)) {
      const kind = stats.isFIFO() ? 'fifo' : stats.isBlockDevice() ? 'block' : 'character';
      const device = kind === 'fifo' ? { major: 0, minor: 0 } : deviceOf(stats);
      const extras = this.#extras(path, folder, name, false);
      this.#add({ kind, name, ...metadataOf(stats), ...device, ...(extras && { extras }) }, stats, 0);
    }
    this.#result.specials += 1;
  }

  #extras(path: FolderPath, folder: number, name: Uint8Array, isFolder: boolean): Extras | undefined {
    try {
      return extrasOfItem(folder, name, isFolder);
    } catch (error) {
      this.#leaveOut(path, name, `its extended attributes: ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** Whether an item without content is as it was; its record is taken over then. */
  #isKept(name: Uint8Array, stats: BigIntStats): boolean {
    const record = this.#blocks.find(name);
    if (!record?.matches(stats)) return false;
    this.#result.counts.entries += 1;
    this.#blocks.keep(record);
    return true;
  }

  /** `before`: what the last capture knew of a file that is to be read. */
  #add(entry: Entry, stats: BigIntStats | undefined, flags: number, before?: TrackedRecord): void {
    this.#result.counts.entries += 1;
    this.#entry.reset();
    writeEntry(this.#entry, entry);
    const isKnown = before !== undefined && (before.flags & READ) === 0;
    if (isKnown) this.#entry.raw(before.cbor);
    const settled = stats !== undefined && isSettled(stats, this.#settledBeforeNs);
    const part = isKnown ? before.part : 0;
    this.#blocks.add(entry.name, isKnown ? flags | BEFORE : flags, part, stats, settled, this.#entry.view());
  }

  #leaveOut(path: FolderPath, name: Uint8Array | undefined, reason: string): void {
    this.#result.leftOut.add(pathOfNames(name ? [...path, name] : path), reason);
  }
}

function cannotCapture(path: FolderPath, error: unknown): ResettleError {
  const gone = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
  const shown = showPath(pathOfNames(path));
  return new ResettleError(gone ? 'not-found' : 'failed', `cannot capture ${shown}: ${reasonOf(error)}`, {
    hint: gone ? 'check the path' : 'run as a user who can read it',
    cause: error,
  });
}

/** Names of files beside which a database's log or journal lies: its stat does not tell whether it changed. */
function liveDatabases(names: readonly Buffer[]): ReadonlySet<string> | undefined {
  let live: Set<string> | undefined;
  for (const name of names) {
    const at = name.lastIndexOf('-');
    if (at <= 0) continue;
    const end = name.toString('latin1', at);
    if (end !== '-wal' && end !== '-journal') continue;
    live ??= new Set();
    live.add(name.toString('latin1', 0, at));
  }
  return live;
}
