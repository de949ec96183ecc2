import { CHECK_NAMED_MAX } from '../../common/limits.ts';

/** What became of one item since it was restored. */
export type Fate =
  /** As it was restored. */
  | 'in-place'
  | 'missing'
  /** Of another size or kind, although its time says that nobody changed it since. */
  | 'broken'
  /** Changed since. */
  | 'changed'
  /** It cannot be looked at. */
  | 'unseen';

/** What a folder is said to have. */
export interface FolderFacts {
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The folder of a captured path. */
export interface RootFolder {
  readonly wanted: FolderFacts;
  /** Undefined where it is gone. */
  readonly found: FolderFacts | undefined;
  /** False: nobody touched it since, so that what differs was not kept when it was restored. */
  readonly isTouched: boolean;
}

/** One captured path on the target, and what was found of it. */
export interface RestoredRoot {
  /** From the target on, `/` in front, bad bytes escaped; `/` for the target itself. Empty for what is beyond the limit. */
  readonly path: string;
  /** The folder itself; undefined where single files were captured, or it kept what it had. */
  readonly folder: RootFolder | undefined;
  readonly counts: Readonly<Record<Fate, number>>;
  /** Left as it was, since something else was there. */
  readonly skipped: number;
  /** Devices: without `--allow-privileged` they are not made. */
  readonly devicesLeftOut: number;
  /** The first of each fate but `in-place`, from the root on. */
  readonly named: Readonly<Record<Exclude<Fate, 'in-place'>, readonly string[]>>;
}

/** Counts what was found beneath one captured path. */
export class RootTally {
  readonly path: string;
  folder: RestoredRoot['folder'];
  skipped = 0;
  devicesLeftOut = 0;
  readonly #counts: Record<Fate, number> = { 'in-place': 0, missing: 0, broken: 0, changed: 0, unseen: 0 };
  readonly #named = {
    missing: [] as string[],
    broken: [] as string[],
    changed: [] as string[],
    unseen: [] as string[],
  };

  constructor(path: string) {
    this.path = path;
  }

  add(fate: Fate, shown: () => string): void {
    this.#counts[fate] += 1;
    if (fate === 'in-place') return;
    const named = this.#named[fate];
    if (named.length < CHECK_NAMED_MAX) named.push(shown());
  }

  result(): RestoredRoot {
    const { path, folder, skipped, devicesLeftOut } = this;
    return { path, folder, counts: { ...this.#counts }, skipped, devicesLeftOut, named: this.#named };
  }
}
