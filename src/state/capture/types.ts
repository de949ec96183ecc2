import type { PrivateKey } from '@libp2p/interface';
import type { AssociationId, PackId, StateId } from '../../common/ids.ts';
import type { PackSink, Progress, Report } from '../../common/ports.ts';
import type { FolderPath, LeftOut, PartReference, Totals } from '../format/index.ts';

export interface CaptureOptions {
  /** Absolute paths, as bytes. */
  readonly paths: readonly Uint8Array[];
  /** Absolute paths that are never captured, whatever name leads to them. */
  readonly exclude: readonly Uint8Array[];
  /** A folder beneath which the capture makes its own, removed by `close`. */
  readonly scratchDir: string;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
}

/** What a scan found, before a byte of content was read. */
export interface PlanSummary {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  /** Bytes of content. */
  readonly bytes: number;
  /** The most bytes that the sealed state can take: what to reserve. */
  readonly upperBoundBytes: number;
  readonly skipped: Report;
  readonly excluded: readonly string[];
}

/** What a capture made; `describeSnapshot` signs it. */
export interface CaptureResult {
  /** Every pack in the order of writing, those of the manifest last. */
  readonly packs: readonly { readonly id: PackId; readonly sizeBytes: number }[];
  readonly parts: readonly PartReference[];
  readonly roots: readonly FolderPath[];
  readonly totals: Totals;
  /** Left out by the scan, or by reading; files that changed while they were read are in it too. */
  readonly leftOut: LeftOut;
  readonly skipped: Report;
  /** Bytes of all packs. */
  readonly sealedBytes: number;
}

export interface CaptureEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

export interface Capture {
  readonly plan: PlanSummary;
  /** Reads, seals and hands over every pack; phase `capture`. Once only. */
  run(sink: PackSink, on: CaptureEvents): Promise<CaptureResult>;
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
