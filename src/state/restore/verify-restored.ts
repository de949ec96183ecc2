import { existsSync, statSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { CHECK_ROOTS_MAX } from '../../common/limits.ts';
import { close, openFolderAt, statOf } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { Amendments } from './amendments.ts';
import { Became } from './became.ts';
import { type Decision, type FolderDecision, type ItemDecision, type Numbered, readDecisions } from './decision-log.ts';
import { isMade } from './decisions.ts';
import { isAsRestored } from './give-back.ts';
import { keepsModes } from './keeps-modes.ts';
import { undoFile } from './places.ts';
import { saysAbsent, statIfThere } from './present.ts';
import { type Fate, type FolderFacts, type RestoredRoot, RootTally } from './restored-root.ts';
import { Tree } from './tree.ts';
import { readUndoRecord, type UndoRecord } from './undo-record.ts';

const MODE_BITS = 0o7777n;
/** No folder's number. */
const NO_ROOT = -1;

/**
 * Looks at everything that a finished restore put in place or found there as captured: whether it is there, of its kind,
 * size and time. Contents are not read. By its plan, from front to back; a folder takes about 80 bytes, a file none. In a
 * worker. Throws `not-found` where there is no such restore or it was undone, `failed` where it is unfinished or its target is
 * not there, `damaged`.
 */
export function verifyRestored(undoDir: string, onItem: () => void): { record: UndoRecord; roots: RestoredRoot[] } {
  const record = readUndoRecord(undoDir);
  if (!record || record.status === 'undone') throw new ResettleError('not-found', 'that restore was undone');
  const planFile = undoFile(undoDir, 'plan');
  if (record.status !== 'done' || !existsSync(planFile)) {
    throw new ResettleError('failed', `restore ${record.restore} into ${record.target} is not finished`, {
      hint: 'give the same "resettle restore" again to finish it, or "resettle undo" to take it back',
    });
  }
  const base = openTarget(record.target);
  try {
    const finishedNs = statSync(undoFile(undoDir, 'restore.json'), { bigint: true }).mtimeNs;
    const look = new RestoredLook(record, base, finishedNs, planFile);
    for (const decision of readDecisions(planFile)) {
      throwIfStopped();
      look.at(decision);
      onItem();
    }
    return { record, roots: look.end() };
  } finally {
    close(base);
  }
}

function openTarget(target: string): number {
  try {
    return openFolderAt(Buffer.from(target));
  } catch (error) {
    throw new ResettleError('failed', `cannot look at what was restored into ${target}: ${reasonOf(error)}`, {
      hint: 'if it lies on a disk that is not mounted, mount it and try again',
      cause: error,
    });
  }
}

/** Goes through a plan once, and sorts what it finds by captured path. */
class RestoredLook {
  readonly #tree: Tree;
  readonly #amendments: Amendments;
  readonly #became: Became;
  readonly #startedNs: bigint;
  readonly #finishedNs: bigint;
  readonly #asRoot = process.geteuid?.() === 0;
  readonly #modes: boolean;
  /** Which root each folder belongs to. */
  readonly #rootOf: number[] = [];
  readonly #roots: RootTally[] = [];
  /** The root of single files, by their folder. */
  readonly #loose = new Map<number, number>();
  /** Names from the target to where a root begins. */
  readonly #depths: number[] = [];

  constructor(record: UndoRecord, base: number, finishedNs: bigint, planFile: string) {
    this.#tree = new Tree({ base, resumed: true });
    this.#amendments = new Amendments(planFile);
    this.#became = new Became(planFile);
    this.#startedNs = BigInt(Date.parse(record.restoredAt)) * 1_000_000n;
    this.#finishedNs = finishedNs;
    this.#modes = keepsModes(record.target);
  }

  at(decision: Numbered<Decision>): void {
    if (decision.kind === 'folder') this.#folder(decision);
    else this.#item(this.#became.of(decision));
  }

  end(): RestoredRoot[] {
    this.#tree.close();
    return this.#roots.map((root) => root.result());
  }

  #folder(decision: Numbered<FolderDecision>): void {
    const { folders } = this.#tree;
    const { action, given, isBase, parent } = decision;
    const isLeftOut = action === 'skip' || action === 'outside';
    const number = folders.add({
      parent,
      name: this.#amendments.nameOf(decision.number) ?? decision.name,
      given,
      extrasAt: 0,
      isBase,
      origin: isLeftOut ? 'lost' : 'there',
      decision: decision.number,
      place: 0,
    });
    const above = number === 0 ? NO_ROOT : this.#rootOf[parent]!;
    const begins = above === NO_ROOT && given !== undefined && action !== 'outside';
    const root = begins ? this.#newRoot(folders.path(number), number) : above;
    this.#rootOf.push(root);
    if (root === NO_ROOT) {
      if (!isBase) this.#enter(number);
      return;
    }
    const tally = this.#roots[root]!;
    if (action === 'skip') tally.skipped += 1;
    if (isLeftOut) return;
    const found = isBase ? factsOf(statOf(this.#tree.target.base)) : this.#enter(number);
    if (begins && action !== 'leave' && tally.path !== '') {
      const isTouched = !found || found.ctimeNs > this.#finishedNs;
      tally.folder = { wanted: this.#wanted(given, found), found, isTouched };
    }
    if (!isBase) tally.add(this.#fateOfFolder(decision, found, begins), () => this.#show(root, number));
  }

  #newRoot(path: readonly Uint8Array[], folder: number): number {
    const isBeyond = this.#roots.length >= CHECK_ROOTS_MAX;
    if (isBeyond && this.#roots.length > CHECK_ROOTS_MAX) return CHECK_ROOTS_MAX;
    this.#depths.push(isBeyond ? 0 : path.length);
    const shown = path.length === 0 ? '/' : `/${this.#tree.showFolder(folder)}`;
    return this.#roots.push(new RootTally(isBeyond ? '' : shown)) - 1;
  }

  /** Looks at a folder; where it is none any more, all beneath it is missing. */
  #enter(number: number): (FolderFacts & { readonly ctimeNs: bigint }) | undefined {
    const { folders } = this.#tree;
    if (folders.isLost(number)) return undefined;
    const stats = this.#stat(folders.parent(number), folders.name(number));
    if (stats && stats !== 'unseen' && stats.isDirectory()) return factsOf(stats);
    folders.lose(number);
    return undefined;
  }

  #stat(folder: number, name: Uint8Array): ReturnType<typeof statIfThere> | 'unseen' {
    try {
      return statIfThere(this.#tree.open(folder), name);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EACCES' || code === 'EPERM') return 'unseen';
      if (saysAbsent(code)) return undefined;
      throw error;
    }
  }

  #fateOfFolder(
    { given, action }: FolderDecision,
    found: (FolderFacts & { readonly ctimeNs: bigint }) | undefined,
    isRoot: boolean,
  ): Fate {
    if (!found) return 'missing';
    // A root's own owner and mode stand by themselves.
    if (isRoot || !given || action === 'leave' || found.ctimeNs <= this.#finishedNs) return 'in-place';
    return sameFacts(this.#wanted(given, found), found) ? 'in-place' : 'changed';
  }

  /** What a folder was given; where that was not kept, what it has. */
  #wanted(given: FolderFacts, found: FolderFacts | undefined): FolderFacts {
    const { mode } = this.#modes || !found ? given : found;
    const { uid, gid } = this.#asRoot || !found ? given : found;
    return { mode, uid, gid };
  }

  #item(decision: Numbered<ItemDecision>): void {
    const { folders } = this.#tree;
    const { action, folder, kind } = decision;
    if (action === 'outside') return;
    const root = this.#rootOfItem(folder);
    const tally = this.#roots[root]!;
    if (action === 'skip') {
      tally.skipped += 1;
      return;
    }
    if (!isMade(decision) && action !== 'identical') return;
    const name = this.#amendments.nameOf(decision.number) ?? decision.name;
    const stats = folders.isLost(folder) ? undefined : this.#stat(folder, name);
    if (stats === undefined && (kind === 'character' || kind === 'block')) {
      tally.devicesLeftOut += 1;
      return;
    }
    tally.add(this.#fateOf(decision, stats), () => this.#show(root, folder, name));
  }

  #fateOf(decision: ItemDecision, stats: ReturnType<typeof statIfThere> | 'unseen'): Fate {
    if (stats === 'unseen') return 'unseen';
    if (stats === undefined) return 'missing';
    if (isAsRestored(stats, decision, false)) return 'in-place';
    return stats.mtimeNs >= this.#startedNs ? 'changed' : 'broken';
  }

  #rootOfItem(folder: number): number {
    const root = this.#rootOf[folder]!;
    if (root !== NO_ROOT) return root;
    const known = this.#loose.get(folder);
    if (known !== undefined) return known;
    const made = this.#newRoot(this.#tree.folders.path(folder), folder);
    this.#loose.set(folder, made);
    return made;
  }

  /** A path for people, from its root on. */
  #show(root: number, folder: number, name?: Uint8Array): string {
    const { folders } = this.#tree;
    const shown = name ? this.#tree.show(folder, name) : this.#tree.showFolder(folder);
    const depth = Math.min(this.#depths[root]!, folders.path(folder).length);
    return shown.split('/').slice(depth).join('/') || '.';
  }
}

function factsOf(stats: NonNullable<ReturnType<typeof statIfThere>>): FolderFacts & { readonly ctimeNs: bigint } {
  return {
    mode: Number(stats.mode & MODE_BITS),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    ctimeNs: stats.ctimeNs,
  };
}

export const sameFacts = (a: FolderFacts, b: FolderFacts): boolean =>
  a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
