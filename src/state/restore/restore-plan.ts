import { ResettleError } from '../../common/errors.ts';
import type { HardlinkEntry, Hole, SpecialEntry, SymlinkEntry } from '../format/entry.ts';
import type { Entry, Extent, FolderPath, Metadata } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';
import { throwIfStopped } from '../threads/stop.ts';
import type { Amendments } from './amendments.ts';
import type { BaseGuard } from './base-guard.ts';
import type { ConflictReport } from './conflict-report.ts';
import type { Action, Decision, ItemDecision, ItemKind, Numbered } from './decision-log.ts';
import { type Decisions, isMade } from './decisions.ts';
import type { FilePlacing, PlannedFile } from './extent-record.ts';
import type { ExtrasSpool } from './extras-spool.ts';
import type { FilesToPlace } from './files-to-place.ts';
import type { FolderOrigin } from './folder-table.ts';
import type { FolderWalk } from './folder-walk.ts';
import { type Giving, LOCKING_FLAGS } from './given.ts';
import type { LateItem, LateList, LockList } from './late-list.ts';
import type { LeftBehind } from './left-behind.ts';
import type { Losses } from './losses.ts';
import type { CheckedFile, ManifestVisitor } from './manifest-checker.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import { holeBytesOf, statIfThere } from './present.ts';
import type { Tally } from './tally.ts';
import type { Tree } from './tree.ts';

export interface PlanParts {
  readonly tree: Tree;
  readonly walk: FolderWalk;
  readonly guard: BaseGuard;
  readonly decisions: Decisions;
  readonly amendments: Amendments;
  readonly giving: Giving;
  readonly owners: OwnerPolicy;
  readonly left: LeftBehind;
  readonly files: FilesToPlace;
  readonly extras: ExtrasSpool;
  readonly late: LateList;
  readonly locks: LockList;
  readonly losses: Losses;
  readonly conflicts: ConflictReport;
  readonly tally: Tally;
}

const ORIGIN_OF: Record<Action, FolderOrigin> = {
  create: 'new',
  'keep-both': 'new',
  replace: 'replaces',
  merge: 'there',
  leave: 'there',
  identical: 'there',
  skip: 'lost',
  outside: 'lost',
};

/**
 * Turns a manifest and what was decided about it into what is to be done: folders, files, links and the like.
 */
export class RestorePlan implements ManifestVisitor {
  readonly #parts: PlanParts;
  /** Whether a file is under way whose content is wanted. */
  #isOpen = false;

  constructor(parts: PlanParts) {
    this.#parts = parts;
  }

  folder(parent: number | undefined, name: Uint8Array, captured: Metadata | undefined): number {
    const { tree, walk, decisions, amendments, giving, extras, tally } = this.#parts;
    throwIfStopped();
    const { isBase, isWithin, place } = walk.enter(parent, name);
    const metadata = isWithin ? captured : undefined;
    const given = metadata && giving.of(metadata, 'folder', place);
    const decision = decisions.folder(parent ?? 0, name, isBase, given);
    const isKept = decision.action === 'leave' || ORIGIN_OF[decision.action] === 'lost';
    const own = isKept ? undefined : given;
    const number = tree.folders.add({
      parent: parent ?? 0,
      name: amendments.nameOf(decision.number) ?? decision.name,
      given: own,
      extrasAt: own?.extras ? extras.add(own.extras) : 0,
      isBase,
      origin: ORIGIN_OF[decision.action],
      decision: decision.number,
      place,
    });
    if (metadata && !tree.folders.isLost(number)) tally.counts.folders += 1;
    if (own) this.#noteKept(metadata!, 'folder', place, () => tree.showFolder(number));
    if (!isBase) this.#tellConflict(decision, parent!, name);
    return number;
  }

  entry(folder: number, entry: Entry): void {
    const { guard, tree, walk, losses } = this.#parts;
    guard.check(folder, tree.folders.isBase(folder), entry);
    const { leftOut } = walk.placeOf(entry.name, entry.kind === 'folder');
    if (leftOut && !tree.folders.isLost(folder)) losses.add(() => tree.show(folder, entry.name), leftOut);
  }

  fileStart(checked: CheckedFile): void {
    const { number, folder, entry, isPlanned } = checked;
    const { giving, extras, tally, files, locks } = this.#parts;
    const { sizeBytes, group } = entry;
    const decision = this.#decide({ kind: 'file', entry, folder, sizeBytes, group }, !isPlanned);
    this.#isOpen = false;
    if (decision.action === 'identical') this.#keep(decision);
    const placing = this.#placingOf(decision);
    if (!placing) return;
    const given = giving.of(entry, 'file', this.#placeOf(entry.name));
    const file: PlannedFile = {
      ...given,
      entry: number,
      folder,
      name: decision.name,
      sizeBytes,
      holeBytes: entry.goesOn ? 0 : holeBytesOf(entry.holes),
      group,
      placing,
      decision: decision.number,
      extrasAt: given.extras ? extras.add(given.extras) : 0,
    };
    if (placing !== 'park') {
      // What is not read yet has no attributes and flags: they come with its content.
      if (!isPlanned) lockLater(locks, file, given.extras?.flags ?? 0);
      tally.add('file', sizeBytes);
    }
    this.#isOpen = true;
    files.start(file, checked);
  }

  holes(_file: CheckedFile, holes: readonly Hole[]): void {
    if (this.#isOpen) this.#parts.files.holes(holes);
  }

  extent(_file: CheckedFile, fileOffset: number, extent: Extent, pack: Uint8Array): void {
    this.#parts.files.extent(fileOffset, extent, pack);
  }

  fileEnd(_file: CheckedFile): void {
    throwIfStopped();
    if (this.#isOpen) this.#parts.files.end();
    this.#isOpen = false;
  }

  symlink(number: number, folder: number, entry: SymlinkEntry): void {
    const { target } = entry;
    this.#late('symlink', number, folder, entry, { sizeBytes: target.length, target });
  }

  hardlink(number: number, folder: number, entry: HardlinkEntry): void {
    this.#late('hardlink', number, folder, entry, { group: entry.group });
  }

  special(number: number, folder: number, entry: SpecialEntry): void {
    this.#late(entry.kind, number, folder, entry, { major: entry.major, minor: entry.minor });
  }

  /** A file that was there as captured. */
  #keep(decision: Numbered<ItemDecision>): void {
    const { tree, tally, files } = this.#parts;
    tally.add('file', decision.sizeBytes);
    files.keep(decision.sizeBytes);
    if (decision.group === 0) return;
    const stats = statIfThere(tree.open(decision.folder), decision.name);
    if (stats) this.#parts.left.noteKept(decision, stats);
  }

  #placingOf(decision: Numbered<ItemDecision>): FilePlacing | undefined {
    const { tree, decisions } = this.#parts;
    if (isMade(decision) && !tree.folders.isLost(decision.folder)) return decision.action as FilePlacing;
    const isIdentical = decision.action === 'identical';
    return !isIdentical && decision.group > 0 && decisions.needs(decision.group) ? 'park' : undefined;
  }

  #late(
    kind: LateItem['kind'],
    number: number,
    folder: number,
    entry: Metadata & { name: Uint8Array },
    more: Partial<Pick<LateItem, 'target' | 'group' | 'major' | 'minor'>> & { sizeBytes?: number },
  ): void {
    throwIfStopped();
    const { giving, extras, late, tally } = this.#parts;
    const { sizeBytes = 0, target = new Uint8Array(0), group = 0, major = 0, minor = 0 } = more;
    const decision = this.#decide({ kind, entry, folder, sizeBytes, group });
    if (decision.action === 'identical') tally.add(kind, sizeBytes);
    if (!isMade(decision)) return;
    const place = this.#placeOf(entry.name);
    if ((kind === 'character' || kind === 'block') && !giving.mayMakeDevices(place)) return;
    const given = giving.of(entry, kind, place);
    late.add({
      ...given,
      kind,
      entry: number,
      folder,
      name: decision.name,
      placing: decision.action as LateItem['placing'],
      decision: decision.number,
      extrasAt: given.extras ? extras.add(given.extras) : 0,
      target,
      group,
      major,
      minor,
    });
  }

  #decide(
    item: { kind: ItemKind; entry: Metadata & { name: Uint8Array }; folder: number; sizeBytes: number; group: number },
    isFinal = true,
  ): Numbered<ItemDecision> {
    const { kind, entry, folder, sizeBytes, group } = item;
    const { name, mtimeNs } = entry;
    const { tree, decisions } = this.#parts;
    const decision = decisions.item({ kind, name, folder, sizeBytes, mtimeNs, group });
    this.#tellConflict(decision, folder, name);
    if (isMade(decision) && isFinal) this.#noteKept(entry, kind, this.#placeOf(name), () => tree.show(folder, name));
    return decision;
  }

  #placeOf(name: Uint8Array): number {
    return this.#parts.walk.placeOf(name).place;
  }

  #noteKept(metadata: Metadata, kind: ItemKind | 'folder', place: number, shown: () => string): void {
    const { giving, owners, losses } = this.#parts;
    giving.note(metadata, kind, place, shown, losses);
    if (kind !== 'hardlink') owners.note(metadata);
  }

  #tellConflict(decision: Numbered<Decision>, folder: number, name: Uint8Array): void {
    const { tree, conflicts, amendments } = this.#parts;
    const other = amendments.nameOf(decision.number) ?? (decision.action === 'keep-both' ? decision.name : undefined);
    if (other) conflicts.keptBoth(tree.show(folder, name), showPath(other));
    else if (decision.action === 'replace') conflicts.replaced(tree.show(folder, name));
    else if (decision.action === 'skip') conflicts.skipped(tree.show(folder, name));
  }
}

/** A file with flags that lock it gets them when nothing more is done to it. */
export function lockLater(locks: LockList, { folder, name, decision, mtimeNs }: PlannedFile, flags: number): void {
  const locking = flags & LOCKING_FLAGS;
  if (locking !== 0) locks.add({ folder, name, decision, flags: locking, mtimeNs });
}

/** The one captured root. Throws `usage` when there are several. */
export function onlyRoot(roots: readonly FolderPath[]): FolderPath {
  const [root, ...others] = roots;
  if (root && others.length === 0) return root;
  throw new ResettleError('usage', `this snapshot holds ${roots.length} captured paths, so none can be stripped`, {
    hint: 'restore it with its paths as they are',
  });
}
