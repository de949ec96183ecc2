import type { BigIntStats } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import type { HardlinkEntry, Hole, SpecialEntry, SymlinkEntry } from '../format/entry.ts';
import type { Entry, Extent, FolderPath, Metadata } from '../format/index.ts';
import { close, openFolder, readLink, statOf } from '../fs/calls.ts';
import { reasonOf } from '../fs/errno.ts';
import { PathCursor } from '../fs/path-cursor.ts';
import { showPath } from '../fs/show-path.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { hasExtras, type MetadataSetter } from './apply-metadata.ts';
import type { BaseGuard } from './base-guard.ts';
import { conflictAction } from './conflict-action.ts';
import { conflictName, freeConflictName } from './conflict-name.ts';
import type { Action, FolderDecision, FormerMetadata, ItemDecision, ItemKind } from './decision-log.ts';
import type { FolderWalk } from './folder-walk.ts';
import { formerOf } from './former.ts';
import type { Given, Giving } from './given.ts';
import type { Keeps } from './keeps.ts';
import type { LinkInodes } from './link-inodes.ts';
import type { CheckedFile, ManifestVisitor } from './manifest-checker.ts';
import { holdsExtent, holdsHoles, openIfThere, sameBytes, statIfThere } from './present.ts';
import { isSameSpecial } from './same-special.ts';
import type { Skel } from './skel.ts';
import type { ConflictPolicy } from './types.ts';

/**
 * Takes decisions in the order of the manifest: the plan, or whoever counts in a dry run. `path` is that of the folder
 * above, from the target on; `name` is the captured one.
 */
export interface DecisionSink {
  folder(decision: FolderDecision, path: FolderPath, name: Uint8Array): unknown;
  item(decision: ItemDecision, path: FolderPath, name: Uint8Array): unknown;
}

export interface DeciderParts {
  /** The open target; undefined where there is none, so that nothing can be in the way. */
  readonly base: number | undefined;
  /** What it had before. */
  readonly former: FormerMetadata | undefined;
  readonly walk: FolderWalk;
  readonly guard: BaseGuard;
  readonly giving: Giving;
  readonly setter: MetadataSetter;
  readonly keeps: Keeps;
  readonly policy: ConflictPolicy;
  /** Of other names: see `conflictName`. */
  readonly label: string;
  readonly skel: Skel;
  /** Scratch: files that are there as captured, by link group. */
  readonly inodes: LinkInodes;
  readonly sink: DecisionSink;
  /** Hears of every item that was asked for, before it is decided. */
  onEntry?(folder: FolderPath, entry: Entry, place: number): void;
  /** Hears of what one of the places leaves out, with the reason. */
  onLeftOut?(folder: FolderPath, name: Uint8Array, reason: string): void;
  /** Hears of each file that something of its size is there of, by the number of its entry. */
  onCandidate?(entry: number): void;
}

/** `absent`: nothing is there that could be in the way. */
type State = 'there' | 'absent' | 'skip' | 'outside';

interface DecidedFolder {
  readonly number: number;
  readonly state: State;
  readonly path: FolderPath;
  readonly isBase: boolean;
  /** Other names that were given here, and may be captured ones too; where places rename, all that come. */
  readonly given: Set<string>;
  /** Places may give a name here that something else that was captured has. */
  readonly mayMeet: boolean;
}

interface DecidedAs {
  readonly action: Action;
  readonly name: Uint8Array;
  readonly state: State;
  readonly former?: FormerMetadata;
}

/** What has a name that an item may have. */
interface Looked {
  readonly name: Uint8Array;
  readonly stats: BigIntStats | undefined;
  /** It has the captured content. */
  readonly isSame: boolean;
  /** And the captured metadata, so that nothing is to be done. */
  readonly isExact: boolean;
}

/** A file that may be the captured one. */
interface Candidate {
  readonly name: Uint8Array;
  readonly stats: BigIntStats | undefined;
  /** Open while all of it is as captured. */
  fd: number | undefined;
}

/** Says which folder of the target cannot be looked into: nothing was changed yet. */
function looking<T>(path: FolderPath, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof ResettleError) throw error;
    const shown = path.map(showPath).join('/') || '.';
    throw new ResettleError('failed', `cannot look into ${shown} of the target: ${reasonOf(error)}`, {
      hint: 'make that folder yours to read, or restore into another one; nothing was changed',
      cause: error,
    });
  }
}

function note({ mayMeet, given }: DecidedFolder, name: Uint8Array): void {
  if (mayMeet) given.add(asBuffer(name).toString('latin1'));
}

function letGo(candidate: Candidate): void {
  if (candidate.fd !== undefined) close(candidate.fd);
  candidate.fd = undefined;
}

/** Decides for every item of a manifest what a restore does with it, by looking at the target. Changes nothing. */
export class Decider implements ManifestVisitor {
  readonly #parts: DeciderParts;
  readonly #cursor: PathCursor | undefined;
  readonly #stack: DecidedFolder[] = [];
  #current: Candidate[] = [];

  constructor(parts: DeciderParts) {
    this.#parts = parts;
    this.#cursor = parts.base === undefined ? undefined : new PathCursor(parts.base);
  }

  folder(parent: number | undefined, name: Uint8Array, captured: Metadata | undefined): number {
    throwIfStopped();
    const { walk, giving, sink } = this.#parts;
    const walked = walk.enter(parent, name);
    const above = parent === undefined ? undefined : this.#at(parent);
    // A folder on the way to what was asked for is not restored itself.
    const metadata = walked.isWithin ? captured : undefined;
    const given = metadata && giving.of(metadata, 'folder', walked.place);
    const decided = walked.isBase
      ? this.#base(given)
      : this.#decideFolder(above!, walked.name, given, walked.isSelected, captured?.mtimeNs);
    const { isBase } = walked;
    if (above && decided.action === 'create') note(above, decided.name);
    const { action, former } = decided;
    sink.folder(
      { kind: 'folder', parent: parent ?? 0, isBase, given, name: decided.name, action, former },
      above?.path ?? [],
      name,
    );
    const mayMeet = walked.placesBelow.length > 0;
    const path = walked.isBase ? [] : [...above!.path, decided.name];
    this.#stack.push({ number: walked.number, state: decided.state, path, isBase, given: new Set(), mayMeet });
    return walked.number;
  }

  entry(folder: number, entry: Entry): void {
    this.#parts.guard.check(folder, this.#stack.at(-1)!.isBase, entry);
    const { leftOut } = this.#parts.walk.placeOf(entry.name, entry.kind === 'folder');
    if (leftOut) this.#parts.onLeftOut?.(this.#stack.at(-1)!.path, entry.name, leftOut);
    if (this.#parts.onEntry && this.#parts.walk.selects(entry.name, entry.kind === 'folder')) {
      this.#parts.onEntry(this.#stack.at(-1)!.path, entry, this.#placeOf(entry.name));
    }
  }

  fileStart({ number, entry }: CheckedFile): void {
    const folder = this.#stack.at(-1)!;
    this.#current = [];
    if (!this.#parts.walk.selects(entry.name)) return;
    for (const name of this.#namesOf(folder, entry.name)) {
      const stats = this.#look(folder, name);
      const mayBe = stats?.isFile() && stats.size === BigInt(entry.sizeBytes);
      const fd = mayBe ? openIfThere(this.#open(folder), name) : undefined;
      this.#current.push({ name, stats, fd });
    }
    if (this.#current.some(({ fd }) => fd !== undefined)) this.#parts.onCandidate?.(number);
  }

  extent(_file: CheckedFile, fileOffset: number, extent: Extent): void {
    for (const one of this.#current) {
      if (one.fd !== undefined && !holdsExtent(one.fd, fileOffset, extent)) letGo(one);
    }
  }

  holes(_file: CheckedFile, holes: readonly Hole[]): void {
    for (const one of this.#current) if (one.fd !== undefined && !holdsHoles(one.fd, holes)) letGo(one);
  }

  fileEnd({ entry, isPlanned }: CheckedFile): void {
    const folder = this.#stack.at(-1)!;
    const { setter, keeps, giving, inodes, policy } = this.#parts;
    const { sizeBytes, group } = entry;
    const given = giving.of(entry, 'file', this.#placeOf(entry.name));
    const looked = this.#current.map(({ name, stats, fd }): Looked => {
      const isSame = fd !== undefined && !isPlanned;
      return {
        name,
        stats,
        isSame,
        isExact: isSame && setter.matches(stats!, given, keeps) && hasExtras(fd, given.extras),
      };
    });
    this.#letGo();
    const kept =
      looked.find(({ isExact }) => isExact) ?? (policy === 'skip' ? looked.find((one) => one.isSame) : undefined);
    if (kept && group > 0) {
      const { dev, ino } = kept.stats!;
      inodes.set(group, { folder: folder.number, name: kept.name, dev, ino });
    }
    this.#item(folder, { kind: 'file', entry, sizeBytes, group }, looked);
    throwIfStopped();
  }

  symlink(_number: number, _folder: number, entry: SymlinkEntry): void {
    const folder = this.#stack.at(-1)!;
    const given = this.#parts.giving.of(entry, 'symlink', this.#placeOf(entry.name));
    const looked = this.#lookAt(folder, entry.name, (name, stats) => {
      const isSame = stats.isSymbolicLink() && readLink(this.#open(folder), name).equals(asBuffer(entry.target));
      return { isSame, isExact: isSame && this.#matches(stats, given) };
    });
    this.#item(folder, { kind: 'symlink', entry, sizeBytes: entry.target.length, group: 0 }, looked);
  }

  hardlink(_number: number, _folder: number, entry: HardlinkEntry): void {
    const folder = this.#stack.at(-1)!;
    const looked = this.#lookAt(folder, entry.name, (name, stats) => {
      const isLinked = stats.isFile() && this.#isLinked(folder, name, entry.group, stats);
      return { isSame: isLinked, isExact: isLinked };
    });
    this.#item(folder, { kind: 'hardlink', entry, sizeBytes: 0, group: entry.group }, looked);
  }

  special(_number: number, _folder: number, entry: SpecialEntry): void {
    const folder = this.#stack.at(-1)!;
    const given = this.#parts.giving.of(entry, entry.kind, this.#placeOf(entry.name));
    const looked = this.#lookAt(folder, entry.name, (_name, stats) => {
      const isSame = isSameSpecial(stats, entry);
      return { isSame, isExact: isSame && this.#matches(stats, given) };
    });
    this.#item(folder, { kind: entry.kind, entry, sizeBytes: 0, group: 0 }, looked);
  }

  close(): void {
    this.#letGo();
    this.#cursor?.close();
  }

  #placeOf(name: Uint8Array): number {
    return this.#parts.walk.placeOf(name).place;
  }

  #matches(stats: BigIntStats, given: Given): boolean {
    return this.#parts.setter.matches(stats, given, this.#parts.keeps);
  }

  #at(number: number): DecidedFolder {
    while (this.#stack.at(-1)!.number !== number) this.#stack.pop();
    return this.#stack.at(-1)!;
  }

  #open(folder: DecidedFolder): number {
    return this.#cursor!.enter(folder.path);
  }

  /** What has that name in a folder that was there. */
  #look(folder: DecidedFolder, name: Uint8Array): BigIntStats | undefined {
    if (folder.state !== 'there' || !this.#cursor) return undefined;
    return looking(folder.path, () => statIfThere(this.#open(folder), name));
  }

  #letGo(): void {
    for (const one of this.#current) letGo(one);
  }

  /** Under which names an item may be there: its own, and the one that an earlier restore of it may have taken. */
  #namesOf({ state }: DecidedFolder, captured: Uint8Array): Uint8Array[] {
    const { name } = this.#parts.walk.placeOf(captured);
    if (state !== 'there' || this.#parts.policy !== 'keep-both') return [name];
    return [name, conflictName(name, this.#parts.label, 1, false)];
  }

  #lookAt(
    folder: DecidedFolder,
    name: Uint8Array,
    compare: (name: Uint8Array, stats: BigIntStats) => Pick<Looked, 'isSame' | 'isExact'>,
  ): Looked[] {
    return this.#namesOf(folder, name).map((one): Looked => {
      const stats = this.#look(folder, one);
      const found = stats ? compare(one, stats) : { isSame: false, isExact: false };
      return { name: one, stats, ...found };
    });
  }

  #base(given: Given | undefined): DecidedAs {
    const { base, former, policy } = this.#parts;
    const action = policy === 'skip' ? 'leave' : 'merge';
    const name = new Uint8Array(0);
    if (base === undefined) return { action: given ? 'create' : action, name, state: 'absent' };
    return { action, name, state: 'there', ...(former && { former }) };
  }

  #decideFolder(
    above: DecidedFolder,
    name: Uint8Array,
    given: Given | undefined,
    isSelected: boolean,
    mtimeNs: bigint | undefined,
  ): DecidedAs {
    if (!isSelected || above.state === 'outside') return { action: 'outside', name, state: 'outside' };
    if (above.state === 'skip') return { action: 'skip', name, state: 'skip' };
    const there = this.#look(above, name);
    const isTaken = there !== undefined || above.given.has(asBuffer(name).toString('latin1'));
    if (!isTaken) return { action: 'create', name, state: 'absent' };
    if (there?.isDirectory()) return this.#merge(above, name, given);
    const action = conflictAction(this.#parts.policy, there, mtimeNs);
    if (action === 'skip') return { action, name, state: 'skip' };
    if (action === 'replace') return { action, name, state: 'absent' };
    // An earlier restore of the same may have been there.
    const earlier = conflictName(name, this.#parts.label, 1, true);
    if (this.#look(above, earlier)?.isDirectory()) return this.#merge(above, earlier, given);
    return { action, name: this.#otherName(above, name, true), state: 'absent' };
  }

  #merge(above: DecidedFolder, name: Uint8Array, given: Given | undefined): DecidedAs {
    const fd = looking([...above.path, name], () => openFolder(this.#open(above), name));
    try {
      const action = this.#parts.policy === 'skip' || !given ? 'leave' : 'merge';
      return { action, name, state: 'there', former: formerOf(fd) };
    } finally {
      close(fd);
    }
  }

  #item(
    folder: DecidedFolder,
    item: { kind: ItemKind; entry: Metadata & { name: Uint8Array }; sizeBytes: number; group: number },
    looked: readonly Looked[],
  ): void {
    const { kind, entry, sizeBytes, group } = item;
    const { name: own } = this.#parts.walk.placeOf(entry.name);
    const action = this.#decideItem(folder, entry, own, looked);
    const name =
      action === 'keep-both'
        ? this.#otherName(folder, own, false)
        : action === 'identical'
          ? (looked.find(({ isExact }) => isExact)?.name ?? own)
          : own;
    if (action === 'create') note(folder, name);
    const { mtimeNs } = entry;
    const decision: ItemDecision = { kind, action, name, folder: folder.number, sizeBytes, mtimeNs, group };
    this.#parts.sink.item(decision, folder.path, entry.name);
  }

  #decideItem(
    folder: DecidedFolder,
    captured: Metadata & { name: Uint8Array },
    name: Uint8Array,
    looked: readonly Looked[],
  ): Action {
    const { mtimeNs } = captured;
    if (folder.state === 'outside' || !this.#parts.walk.selects(captured.name)) return 'outside';
    if (folder.state === 'skip') return 'skip';
    const [own, earlier] = looked;
    const there = own?.stats;
    if (!own || !there) return folder.given.has(asBuffer(name).toString('latin1')) ? 'keep-both' : 'create';
    const { policy } = this.#parts;
    if (own.isExact) return 'identical';
    if (policy === 'keep-both') {
      const isMine = !own.isSame && !this.#isUntouched(folder, name, there);
      if (isMine) return earlier?.isExact ? 'identical' : 'keep-both';
      return this.#canMove(folder, there) ? 'replace' : 'keep-both';
    }
    const action = conflictAction(policy, there, mtimeNs);
    if (action === 'skip' && own.isSame) return 'identical';
    return action === 'replace' && !this.#canMove(folder, there) ? 'keep-both' : action;
  }

  /** A mount point cannot become a pre-image. */
  #canMove(folder: DecidedFolder, there: BigIntStats): boolean {
    return !there.isDirectory() || statOf(this.#open(folder)).dev === there.dev;
  }

  #isUntouched(folder: DecidedFolder, name: Uint8Array, there: BigIntStats): boolean {
    if (!there.isFile() || !this.#parts.skel.mayKnow(there.size)) return false;
    const fd = openIfThere(this.#open(folder), name);
    if (fd === undefined) return false;
    try {
      return this.#parts.skel.isUnmodified(folder.path, name, fd, there);
    } finally {
      close(fd);
    }
  }

  /** Whether it is a name of the very file of its group that is there as captured, or a copy of it. */
  #isLinked(folder: DecidedFolder, name: Uint8Array, group: number, stats: BigIntStats): boolean {
    const inode = this.#parts.inodes.get(group);
    if (!inode) return false;
    if (stats.dev === inode.dev && stats.ino === inode.ino) return true;
    if (stats.nlink > 1n) return false;
    const first = this.#stack.find(({ number }) => number === inode.folder);
    if (!first) return false;
    const a = openIfThere(this.#open(first), inode.name);
    const b = openIfThere(this.#open(folder), name);
    try {
      if (a === undefined || b === undefined) return false;
      return statOf(a).size === stats.size && sameBytes(a, b, Number(stats.size));
    } finally {
      for (const fd of [a, b]) if (fd !== undefined) close(fd);
    }
  }

  #otherName(folder: DecidedFolder, name: Uint8Array, isFolder: boolean): Buffer {
    const isTaken = (other: Buffer) =>
      folder.given.has(other.toString('latin1')) || this.#look(folder, other) !== undefined;
    const other = freeConflictName(name, this.#parts.label, isFolder, isTaken);
    folder.given.add(other.toString('latin1'));
    return other;
  }
}
