import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import { makeFolder, removeFile, rename, statOf, syncFolder } from '../../fs/calls.ts';
import { codeOf, reasonOf } from '../../fs/errno.ts';
import { type Beneath, presentAt } from './beneath.ts';
import type { Journal } from './journal.ts';
import type { FolderTimes } from './log.ts';
import { isSameNode, isUntouched, type Present } from './node.ts';
import { NotAsPlanned } from './not-as-planned.ts';
import { keepBefore } from './pre-image.ts';
import { giveOwned, inPlace, makeUnfinishedFile, makeUnfinishedLink, setOwned } from './put.ts';
import {
  contentLevel,
  folderOf,
  inOrder,
  isMetadataOnly,
  makesFolder,
  type Phase,
  type Step,
  stateAt,
} from './steps.ts';

/**
 * Does the steps of one phase: looks at everything, notes what it is about to do, makes unfinished files beside their places,
 * then renames them in a row, each after another look. So what takes time, and what a full disk stops, comes before the first
 * change that anybody sees.
 */
export class PhaseRun {
  readonly #beneath: Beneath;
  readonly #journal: Journal;
  readonly #phase: Phase;
  readonly #steps: readonly Step[];
  readonly #begun = new Set<number>();
  readonly #onPoint: (point: string) => void;
  /** What is worked on, for an error. */
  #path = '';

  constructor(beneath: Beneath, journal: Journal, phase: Phase, onPoint: (point: string) => void = () => {}) {
    this.#beneath = beneath;
    this.#journal = journal;
    this.#phase = phase;
    this.#steps = inOrder(journal.plan.steps, phase).filter((step) => journal.levelOf(step) >= 0);
    this.#onPoint = (point) => onPoint(`${phase}: ${point}`);
  }

  /** Throws `failed` where something is not as it was planned upon, or cannot be written. Then `PutBack` takes it back. */
  run(): void {
    this.#naming(() => {
      this.#noteLate();
      this.look();
    });
    this.#journal.note({ did: 'intent', phase: this.#phase, times: this.#folderTimes() });
    failpoint('areas.intent-noted');
    this.#onPoint('intent');
    try {
      this.#naming(() => this.#change());
    } catch (error) {
      const notBegun = this.#steps.map(({ number }) => number).filter((number) => !this.#begun.has(number));
      this.#journal.noteIfPossible({ did: 'halt', phase: this.#phase, notBegun });
      throw error;
    }
    failpoint('areas.phase-synced');
    this.#onPoint('synced');
    this.#journal.note({ did: 'phase', phase: this.#phase });
    failpoint('areas.phase-noted');
    this.#onPoint('done');
  }

  /** Throws where something is not as it was when it was planned. */
  look(): void {
    for (const [path, { mode, uid, gid }] of Object.entries(this.#journal.plan.folders)) {
      if (!this.#steps.some((step) => step.path.startsWith(`${path}/`))) continue;
      const there = this.#beneath.present(path);
      if (!isSameNode(there, { kind: 'folder', mode, uid, gid })) throw new NotAsPlanned(path);
    }
    for (const step of this.#steps) if (this.#journal.beforeOf(step)) this.#compare(step);
  }

  /** What is there only now: what the phase before and the files of the same restore left. */
  #noteLate(): void {
    const late = this.#steps.filter(({ before }) => before === undefined);
    if (late.length === 0) return;
    const found = late.map((step) => {
      this.#path = step.path;
      const present = this.#beneath.present(step.path);
      this.#checkLate(step, present);
      keepBefore(this.#beneath, this.#journal, step, present);
      return [step.number, present] as const;
    });
    this.#journal.sync();
    this.#journal.note({ did: 'late', found });
    this.#onPoint('late');
  }

  /** What the phase before left; or what the files brought, where the step can be done to it. */
  #checkLate(step: Step, present: Present): void {
    const earlier = this.#journal.plan.steps.find(({ phase, path }) => phase !== step.phase && path === step.path);
    const isMeant = earlier && isSameNode(present, stateAt(earlier, earlier.before!, this.#journal.levelOf(earlier)));
    const { kind } = present;
    const isFolder = makesFolder(step) || isMetadataOnly(step);
    const isFit = kind !== 'other' && (isFolder || kind !== 'folder') && !(makesFolder(step) && kind === 'file');
    if (!(isMeant || step.isLoose) || !isFit) throw new NotAsPlanned(step.path);
  }

  #change(): void {
    for (const step of this.#steps.filter(makesFolder)) this.#do(step);
    const others = this.#steps.filter((step) => !makesFolder(step));
    for (const step of others) this.#prepare(step);
    for (const step of others) this.#do(step);
    for (const path of this.#foldersToSync()) this.#beneath.folder(path, syncFolder);
  }

  /** Those that something came to or went from, and those that were given an owner and a mode. */
  #foldersToSync(): ReadonlySet<string> {
    const above = this.#steps.map(({ path }) => folderOf(path));
    const itself = this.#steps.filter((step) => {
      return stateAt(step, this.#journal.beforeOf(step)!, this.#journal.levelOf(step)).kind === 'folder';
    });
    return new Set([...above, ...itself.map(({ path }) => path)]);
  }

  /** Throws where the very thing is not as it was. Returns what is there. */
  #compare(step: Step): Present {
    this.#path = step.path;
    const before = this.#journal.beforeOf(step)!;
    try {
      return this.#beneath.within(step.path, (folder, name) => {
        const there = presentAt(folder, name);
        if (!isUntouched(there, before)) throw new NotAsPlanned(step.path);
        return there;
      });
    } catch (error) {
      const code = codeOf(error);
      // Its folder is to be made.
      if (code === 'ENOENT' && before.kind === 'absent') return before;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') throw new NotAsPlanned(step.path, error);
      throw error;
    }
  }

  #folderTimes(): FolderTimes {
    const paths = new Set(this.#steps.map(({ path }) => folderOf(path)));
    return timesOf(this.#beneath, [...paths].sort());
  }

  #prepare(step: Step): void {
    this.#path = step.path;
    const level = this.#journal.levelOf(step);
    const before = this.#journal.beforeOf(step)!;
    const wanted = stateAt(step, before, level);
    const content = contentLevel(step, level);
    if (content < 0 || wanted.kind === 'absent') return;
    this.#beneath.within(step.path, (folder) => {
      const tmp = this.#journal.tmpName(step);
      if (wanted.kind === 'link') makeUnfinishedLink(folder, tmp, wanted.target);
      if (wanted.kind !== 'file') return;
      makeUnfinishedFile(folder, tmp, this.#journal.stagedPath(step, content), giveOwned(wanted, before));
    });
    failpoint('areas.step-prepared');
    this.#onPoint(`unfinished ${step.number}`);
  }

  #do(step: Step): void {
    const there = this.#compare(step);
    this.#journal.note({ did: 'step', step: step.number }, 'unsynced');
    failpoint('areas.step-noted');
    this.#begun.add(step.number);
    this.#beneath.within(step.path, (folder, name) => this.#give(step, there, folder, name));
    failpoint('areas.step-done');
    this.#onPoint(`step ${step.number}`);
  }

  #give(step: Step, there: Present, folder: number, name: Buffer): void {
    const level = this.#journal.levelOf(step);
    const wanted = stateAt(step, there, level);
    if (makesFolder(step)) {
      if (there.kind !== 'absent') return;
      makeFolder(folder, name);
      this.#onPoint(`made ${step.number}`);
    }
    if (makesFolder(step) || contentLevel(step, level) < 0) {
      if (wanted.kind !== 'file' && wanted.kind !== 'folder') return;
      inPlace(folder, name, wanted.kind, (fd) => setOwned(fd, wanted));
    } else if (wanted.kind !== 'absent') rename(folder, this.#journal.tmpName(step), folder, name);
    else if (there.kind !== 'absent') removeFile(folder, name);
  }

  /** An error of the system names what was worked on. */
  #naming(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ResettleError || codeOf(error) === undefined) throw error;
      throw new ResettleError('failed', `cannot change ${this.#path}: ${reasonOf(error)}`, { cause: error });
    }
  }
}

/** The times of those folders that are there. */
export function timesOf(beneath: Beneath, paths: readonly string[]): FolderTimes {
  return paths.flatMap((path): FolderTimes => {
    try {
      return [[path, `${beneath.folder(path, statOf).mtimeNs}`]];
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
      throw error;
    }
  });
}
