import type { AssociationId, PeerIdText, StateId } from '../../common/ids.ts';
import type { PackSource, Progress, Report } from '../../common/ports.ts';
import type { FolderPath, Totals } from '../format/index.ts';
import type { FileCallsKind } from '../fs/calls.ts';

/**
 * What happens to a captured item where the target holds something else of that name. `keep-both`: what is there keeps its
 * name, the restored one becomes `NAME (MACHINE DATE).EXT`. `skip`: what is there stays. `replace`: what is there becomes
 * a pre-image. `newer`: `replace` where the captured one has the later time, else `skip`.
 */
export type ConflictPolicy = 'keep-both' | 'skip' | 'replace' | 'newer';

/** Gives what belonged to one user of the source to another of the target; each a name or a number. */
export interface UserMapping {
  readonly from: string;
  readonly to: string;
}

export interface OwnerNumbers {
  readonly users: readonly (readonly [captured: number, target: number])[];
  readonly groups: readonly (readonly [captured: number, target: number])[];
}

/** It comes, but not as a file of this restore: nothing is missing, so nobody is told. */
export const BROUGHT_OTHERWISE = '';

/** A captured path that is somebody's own, or shall not come. */
export interface RestorePlace {
  readonly path: FolderPath;
  /** Its last name on the target, where that is another. */
  readonly name?: Uint8Array;
  /** Whose it is on the target: nothing of it is root's, and nothing privileged is kept, whoever asks (T7). */
  readonly personal?: { readonly uid: number; readonly gid: number };
  /** Neither it nor what is beneath it is restored: why, for people; `BROUGHT_OTHERWISE` is not told. */
  readonly leftOut?: string;
  /** With `leftOut`: names that begin as its last one does, too. */
  readonly isBeginning?: true;
  /** With `leftOut`: it may come where it is a folder. */
  readonly mayBeFolder?: true;
}

export interface RestoreOptions {
  /** The descriptor file. */
  readonly descriptor: Uint8Array;
  readonly stateKey: Uint8Array;
  /** What the descriptor must be about, and who must have signed it. */
  readonly expected: {
    readonly stateId: StateId;
    readonly source: PeerIdText;
    readonly association: AssociationId | undefined;
  };
  /** A folder; made where it is absent. What it holds is treated by `onConflict`. */
  readonly target: string;
  /** Put the contents of the one captured root straight into the target. */
  readonly strip: boolean;
  readonly source: PackSource;
  /** Names the run: letters, digits and `-`, at most 64. */
  readonly restoreId: string;
  /** Default `keep-both`. */
  readonly onConflict?: ConflictPolicy;
  /** As root: setuid and setgid, devices, attributes other than `user.*`, immutable and append-only files too. */
  readonly allowPrivileged?: boolean;
  readonly mapUsers?: readonly UserMapping[];
  /**
   * A folder of this restore alone, named `restoreId`: what `undoRestore` needs. Without it nothing can be undone, though
   * pre-images are kept in the target.
   */
  readonly undoDir?: string;
  /** The folder that is the machine's root, where its users and `/etc/skel` are looked up. Default `/`. */
  readonly root?: string;
  /** Decides and tells `onItem`, and changes nothing. */
  readonly dryRun?: boolean;
  /** Where a dry run puts its scratch files. Default: the system's temporary folder. */
  readonly scratchDir?: string;
  /** What does the file calls; default: what this platform has. */
  readonly fileCalls?: FileCallsKind;
  /** Numbers of the target that were decided beforehand, by captured number; they come before what names say. */
  readonly owners?: OwnerNumbers;
  /** Captured paths that go elsewhere, or may have less, than others. */
  readonly places?: readonly RestorePlace[];
  /** The captured folder that the target stands for: of what lies beside it nothing comes. Not with `strip`. */
  readonly base?: FolderPath;
  /** Only these, as names from the root, and what lies beneath them. Throws `not-found` for one that was not captured. */
  readonly only?: readonly FolderPath[];
  /** Nobody named those of `only` himself: what the capture left out of them is no mistake. */
  readonly mayLack?: boolean;
}

/**
 * What a restore does with an item. `create`: nothing is there. `identical`: it is there as captured. `replace`, `keep-both`
 * and `skip`: as the policy says. `merge`: a folder that is there gets captured items.
 */
export type RestoreAction = 'create' | 'identical' | 'replace' | 'keep-both' | 'skip' | 'merge';

export interface RestoreItem {
  readonly action: RestoreAction;
  /** From the target on, bad bytes escaped; under `keep-both` its new name. */
  readonly path: string;
}

export interface RestoreEvents {
  onProgress(progress: Progress): void;
  /** Every item of a dry run, in the order of the snapshot. */
  onItem?(item: RestoreItem): void;
  readonly signal: AbortSignal;
}

export interface ConflictCounts {
  readonly keptBoth: number;
  readonly skipped: number;
  readonly replaced: number;
}

export interface RestoreResult {
  /** The id under which this restore began: another than asked for where an earlier run was continued. */
  readonly restoreId: string;
  /** Items in place as captured, at their name or at another one. */
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  /** FIFOs and device nodes. */
  readonly specials: number;
  readonly bytes: number;
  readonly conflicts: ConflictCounts;
  /** Each conflict: what was kept under another name, what was skipped, what was replaced. */
  readonly conflictItems: Report;
  /** What was not restored, or not as captured: privileged effects, and what the target cannot keep. */
  readonly withheld: Report;
  readonly skippedAtCapture: Report;
  /** An earlier run had been cut short and was continued. */
  readonly resumed: boolean;
}

export interface UndoOptions {
  /** `undoDir` of the restore. */
  readonly undoDir: string;
  readonly fileCalls?: FileCallsKind;
}

export interface UndoEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

export interface UndoResult {
  readonly restoreId: string;
  readonly state: StateId;
  readonly snapshot: number;
  readonly target: string;
  /** Items that were restored and are gone now, folders among them. */
  readonly removed: number;
  /** Items that the restore had replaced and that are back. */
  readonly putBack: number;
  /** What was changed since and therefore stays, and what could not be put back as it was. */
  readonly kept: Report;
}

/** What a descriptor tells to those who have the key. */
export interface SnapshotDetails {
  readonly machineName: string;
  readonly capturedAtNs: bigint;
  readonly platform: string;
  /** Absolute paths, with bad bytes escaped. */
  readonly roots: string[];
  readonly totals: Totals;
  readonly skippedAtCapture: Report;
}
