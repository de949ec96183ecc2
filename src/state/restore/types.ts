import type { AssociationId, PeerIdText, StateId } from '../../common/ids.ts';
import type { PackSource, Progress, Report } from '../../common/ports.ts';
import type { Totals } from '../format/index.ts';

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
  /** A folder that is absent, empty, or holds this same restore unfinished. */
  readonly target: string;
  /** Put the contents of the one captured root straight into the target. */
  readonly strip: boolean;
  readonly source: PackSource;
  /** Names the run in the journal, for people. */
  readonly restoreId: string;
  readonly exclude?: never;
}

export interface RestoreEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

export interface RestoreResult {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly bytes: number;
  /** setuid and setgid on files, owners that could not be set. */
  readonly withheld: Report;
  readonly skippedAtCapture: Report;
  /** An earlier run had been cut short and was continued. */
  readonly resumed: boolean;
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
