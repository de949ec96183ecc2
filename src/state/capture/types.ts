import type { PrivateKey } from '@libp2p/interface';
import type { AssociationId, PackId, StateId } from '../../common/ids.ts';
import type { PackSink, Progress, Report } from '../../common/ports.ts';
import type { FolderPath, LeftOut, PartReference, Totals } from '../format/index.ts';
import type { LeftByRule, RuleFilter } from '../plan/rule-filter.ts';
import type { SourceTree } from '../plan/source-tree.ts';

export interface CaptureOptions {
  /** Absolute paths as the captured machine has them, as bytes; none are needed where a filter has roots. */
  readonly paths: readonly Uint8Array[];
  /** Where they lie; default: this machine's own root. */
  readonly tree?: SourceTree | undefined;
  /** What areas take beside the paths, by the catalogue's rules. A path is taken whole, wherever it lies. */
  readonly filter?: RuleFilter | undefined;
  /** Absolute paths that are never captured, whatever name leads to them. */
  readonly exclude: readonly Uint8Array[];
  /** A folder beneath which the capture makes its own, removed by `close`. */
  readonly scratchDir: string;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  /** Where this state's stat cache lies, made if it is not there; undefined: everything is read and sent. */
  readonly cacheFile?: string | undefined;
  /**
   * Asked before the scan, where earlier captures left packs with the holder: which of these it does not have any more.
   * What lies in those is read again. Without it nothing is taken for held.
   */
  readonly missingPacks?: ((packs: readonly PackId[]) => Promise<readonly PackId[]>) | undefined;
  /**
   * A file that changed this shortly before it was read is read again next time: its times may not tell of a change
   * in the same tick. Default 3000: the coarsest clock of a file system that we know, and a second.
   */
  readonly settleMs?: number | undefined;
}

/** What a scan found, before a byte of content was read. */
export interface PlanSummary {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly specials: number;
  /** Bytes of content. */
  readonly bytes: number;
  /** Of these, what is to be read: all but files that are as an earlier capture saw them. */
  readonly newFiles: number;
  readonly newBytes: number;
  /** The most bytes that this capture can add to a holder: what to reserve. */
  readonly upperBoundBytes: number;
  readonly skipped: Report;
  readonly excluded: readonly string[];
  /** What rules of the catalogue left out: nothing to worry about, and told. */
  readonly leftByRules: readonly LeftByRule[];
  /** What each root has: paths as bytes. */
  readonly byRoot: readonly { readonly path: Uint8Array; readonly items: number; readonly bytes: number }[];
}

/** What a capture made; `describeSnapshot` signs it. */
export interface CaptureResult {
  /** Every pack that the snapshot refers to, in the order of writing; those of earlier snapshots first. */
  readonly packs: readonly { readonly id: PackId; readonly sizeBytes: number }[];
  readonly parts: readonly PartReference[];
  readonly roots: readonly FolderPath[];
  readonly totals: Totals;
  /** Left out by the scan, or by reading; files that changed while they were read are in it too. */
  readonly leftOut: LeftOut;
  readonly skipped: Report;
  /** Bytes of all packs. */
  readonly sealedBytes: number;
  /** Bytes of the packs that this capture made. */
  readonly newBytes: number;
}

export interface CaptureEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

export interface Capture {
  readonly plan: PlanSummary;
  /** Reads, seals and hands over every pack; phase `capture`. Once only. */
  run(sink: PackSink, on: CaptureEvents): Promise<CaptureResult>;
  /**
   * The snapshot is committed: the stat cache may say so. Call after `run`, once the descriptor is in its place. Returns
   * why it could not: the snapshot stands all the same, and the next capture reads everything.
   */
  committed(): Promise<Error | undefined>;
  /** Ends the worker and removes its scratch folder. Safe at any time. */
  close(): Promise<void>;
}

/** What a descriptor says beside what was captured. */
export interface SnapshotAbout {
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  readonly association: AssociationId | undefined;
  /** From 1. */
  readonly snapshot: number;
  /** H of the previous snapshot's descriptor file. */
  readonly previous: Uint8Array | undefined;
  readonly capturedAtNs: bigint;
  readonly machineName: string;
  readonly platform: string;
  readonly privateKey: PrivateKey;
}
