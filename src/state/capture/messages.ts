import type { PackId, StateId } from '../../common/ids.ts';
import type { Progress } from '../../common/ports.ts';
import type { RuleFilter } from '../plan/rule-filter.ts';
import type { SourceTree } from '../plan/source-tree.ts';
import type { CaptureResult, PlanSummary } from './types.ts';

/** What the worker is started with. */
export interface CaptureWorkerData {
  readonly paths: readonly Uint8Array[];
  readonly filter: RuleFilter | undefined;
  readonly exclude: readonly Uint8Array[];
  readonly tree: SourceTree;
  /** The capture's own folder, empty. */
  readonly scratch: string;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  readonly cacheFile: string | undefined;
  readonly settleMs: number;
}

export type ToCaptureWorker =
  /** Of the packs that were asked about, those that the holder does not have. */
  | { readonly type: 'missing'; readonly packs: readonly PackId[] }
  | { readonly type: 'run' }
  /** A pack, by its index, is with its holder; the buffer comes back. */
  | { readonly type: 'buffer'; readonly index: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'committed' };

export type FromCaptureWorker =
  | { readonly type: 'progress'; readonly progress: Progress }
  /** Packs that earlier captures left with the holder: to be answered by `missing`. */
  | { readonly type: 'known'; readonly packs: readonly PackId[] }
  | { readonly type: 'planned'; readonly plan: PlanSummary }
  | {
      readonly type: 'pack';
      readonly index: number;
      readonly id: string;
      readonly sizeBytes: number;
      readonly buffer: ArrayBuffer;
    }
  | { readonly type: 'done'; readonly result: CaptureResult }
  | { readonly type: 'settled' };
