import { removeFile, removeFolder, rename, renameNew, syncFolder } from '../../fs/calls.ts';
import { codeOf, reasonOf } from '../../fs/errno.ts';
import { ReportBuilder } from '../../fs/report.ts';
import { type Beneath, hashOfFile, presentAt, statIn } from './beneath.ts';
import type { Journal } from './journal.ts';
import { isSameNode, isUntouched, type Node, type Present } from './node.ts';
import {
  giveFormer,
  giveOwned,
  inPlace,
  makeUnfinishedFile,
  makeUnfinishedLink,
  removeIfThere,
  setOwned,
} from './put.ts';
import { contentLevel, folderOf, isMetadataOnly, makesFolder, type Step, stateAt, top } from './steps.ts';

const NAME_MAX_BYTES = 255;

/**
 * Takes steps back, each by looking at what is there: so it can be repeated, and need not know how far a run got. What is
 * neither ours nor what was there before is somebody's, and stays.
 */
export class PutBack {
  readonly #beneath: Beneath;
  readonly #journal: Journal;
  readonly #label: string;
  readonly #touched = new Set<string>();
  readonly kept = new ReportBuilder();
  removed = 0;
  putBack = 0;

  constructor(beneath: Beneath, journal: Journal) {
    this.#beneath = beneath;
    this.#journal = journal;
    this.#label = new Date(journal.outcome.times.staged).toISOString().slice(0, 10);
  }

  /** Back to one layer of the step; −1 for what was there before it. */
  step(step: Step, level: number): void {
    const before = this.#journal.beforeOf(step);
    if (!before) return;
    try {
      this.#beneath.within(step.path, (folder, name) => {
        removeIfThere(folder, this.#journal.tmpName(step));
        this.#look(step, level, before, folder, name);
      });
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
      if (before.kind === 'absent' || isMetadataOnly(step)) return;
      this.kept.add(step.path, `cannot be put back: its folder is gone; it lies in ${this.#journal.beforePath(step)}`);
    }
  }

  /** Removes what a step that was not begun left beside its place. */
  sweep(step: Step): void {
    try {
      this.#beneath.within(step.path, (folder) => removeIfThere(folder, this.#journal.tmpName(step)));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    }
  }

  /** Everything that was put back so far is on disk when it returns. */
  sync(): void {
    for (const path of this.#touched) {
      try {
        this.#beneath.folder(path, syncFolder);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
      }
    }
    this.#touched.clear();
  }

  #look(step: Step, level: number, before: Present, folder: number, name: Buffer): void {
    const there = presentAt(folder, name);
    const wanted = stateAt(step, before, level);
    if (level < 0 ? isUntouched(there, before) : isSameNode(there, wanted)) return;
    this.#touched.add(folderOf(step.path));
    // A folder that was there after all stayed as it was.
    if (makesFolder(step) && before.kind !== 'absent') return;
    if (makesFolder(step) && wanted.kind === 'absent') this.#folder(step, there, folder, name);
    else if (makesFolder(step)) this.#folderOwned(step, wanted, there, folder, name);
    else if (isMetadataOnly(step)) this.#metadata(step, level, before, there, folder, name);
    else if (isOurs(step, before, there)) this.#put(step, level, before, there, folder, name);
    // Somebody put it back already.
    else if (isSameNode(there, before)) return;
    else if (there.kind !== 'absent') this.#keep(step, before, folder, name);
    else if (wanted.kind !== 'absent') this.#put(step, level, before, there, folder, name);
  }

  /** One that an earlier area made. */
  #folderOwned(step: Step, wanted: Node, there: Present, folder: number, name: Buffer): void {
    if (wanted.kind === 'folder' && there.kind === 'folder') {
      this.#touched.add(step.path);
      inPlace(folder, name, 'folder', (fd) => setOwned(fd, wanted));
    }
  }

  /** A folder that was made goes when it is empty. */
  #folder(step: Step, there: Present, folder: number, name: Buffer): void {
    if (there.kind === 'absent') return;
    try {
      if (there.kind !== 'folder') throw Object.assign(new Error('it is no folder any more'), { code: 'ENOTDIR' });
      removeFolder(folder, name);
      this.removed += 1;
    } catch (error) {
      const code = codeOf(error);
      const isFull = code === 'ENOTEMPTY' || code === 'EEXIST';
      if (!isFull && code !== 'ENOTDIR' && code !== 'EBUSY') throw error;
      this.kept.add(step.path, isFull ? 'holds something, and stays' : `stays: ${reasonOf(error)}`);
    }
  }

  /** A change of owner and mode may have been cut short between the two. */
  #metadata(step: Step, level: number, before: Present, there: Present, folder: number, name: Buffer): void {
    if (there.kind !== before.kind || (there.kind !== 'file' && there.kind !== 'folder')) {
      if (there.kind !== 'absent') this.kept.add(step.path, 'was changed since it was restored, and stays');
      return;
    }
    const states = [before, ...step.layers.map((_, at) => stateAt(step, before, at))].filter((one) => 'mode' in one);
    const has = (key: 'mode' | 'uid' | 'gid') => states.some((one) => one[key] === there[key]);
    // Without setuid and setgid, as a change of owner leaves it.
    const isOurMode = has('mode') || states.some(({ mode }) => (mode & 0o1777) === there.mode);
    if (!isOurMode || !has('uid') || !has('gid')) {
      this.kept.add(step.path, 'owner or mode was changed since it was restored, and stays');
      return;
    }
    const wanted = stateAt(step, before, level);
    if (there.kind === 'folder') this.#touched.add(step.path);
    const mtimeNs = BigInt(there.extras!.mtimeNs);
    inPlace(folder, name, there.kind, (fd) => {
      if (level < 0) giveFormer(before as Present & { kind: 'file' | 'folder' }, mtimeNs)(fd);
      else if (wanted.kind === 'file' || wanted.kind === 'folder') setOwned(fd, wanted);
    });
    this.putBack += 1;
  }

  #put(step: Step, level: number, before: Present, there: Present, folder: number, name: Buffer): void {
    const wanted: Node = stateAt(step, before, level);
    const tmp = this.#journal.tmpName(step);
    const isFormer = contentLevel(step, level) < 0;
    if (wanted.kind === 'absent') {
      removeFile(folder, name);
      this.removed += 1;
      return;
    }
    if (wanted.kind === 'link') makeUnfinishedLink(folder, tmp, wanted.target, isFormer ? before.extras : undefined);
    if (wanted.kind === 'file') {
      const from = this.#content(step, level, before);
      if (from === undefined) return;
      const give = level < 0 ? giveFormer({ ...wanted, ...pick(before) }) : giveOwned(wanted, there);
      makeUnfinishedFile(folder, tmp, from, give);
    }
    rename(folder, tmp, folder, name);
    this.putBack += 1;
  }

  /** Somebody changed it since: what was there before is put beside it, under a name that nothing takes for a setting. */
  #keep(step: Step, before: Present, folder: number, name: Buffer): void {
    // What the phase before made of it lies in between: the step of that phase tells, and puts back what is the machine's own.
    if (step.before === undefined && step.isLoose === false) return;
    const said = 'was changed since it was restored, and stays';
    if (before.kind !== 'file' && before.kind !== 'link') {
      this.kept.add(step.path, said);
      return;
    }
    const tmp = this.#journal.tmpName(step);
    if (before.kind === 'link') makeUnfinishedLink(folder, tmp, before.target, before.extras);
    else {
      const from = this.#content(step, -1, before);
      if (from === undefined) return;
      makeUnfinishedFile(folder, tmp, from, giveFormer(before));
    }
    const other = this.#besides(folder, name, before);
    if (other.isThere) removeIfThere(folder, tmp);
    else renameNew(folder, tmp, folder, other.name);
    this.kept.add(step.path, `${said}; what was there before is ${other.name.toString()} beside it`);
  }

  /** A free name; or the one that an undo which was cut short gave it. */
  #besides(folder: number, name: Buffer, before: Present): { name: Buffer; isThere: boolean } {
    for (let attempt = 1; ; attempt++) {
      const mark = Buffer.from(`.before-${this.#label}${attempt === 1 ? '' : `-${attempt}`}~`);
      const other = Buffer.concat([name.subarray(0, NAME_MAX_BYTES - mark.length), mark]);
      if (!statIn(folder, other)) return { name: other, isThere: false };
      if (isUntouched(presentAt(folder, other), before)) return { name: other, isThere: true };
    }
  }

  /** The file that holds what a path has at a level. What was there before is looked at first: a disk may have lost it. */
  #content(step: Step, level: number, before: Present): string | undefined {
    const at = contentLevel(step, level);
    if (at >= 0) return this.#journal.stagedPath(step, at);
    const path = this.#journal.beforePath(step);
    if (before.kind === 'file' && hashOfFile(path) === before.hash) return path;
    this.kept.add(step.path, `cannot be put back: what was there before is damaged in ${path}`);
    return undefined;
  }
}

const pick = ({ extras }: Present) => (extras ? { extras } : {});

/** Whether it is what some layer of the step made, or nothing but. */
function isOurs(step: Step, before: Present, there: Present): boolean {
  for (let level = top(step); level >= 0; level--) {
    if (isSameNode(there, stateAt(step, before, level))) return true;
  }
  return false;
}
