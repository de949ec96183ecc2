import type { StateId } from '../../common/ids.ts';
import type { Progress } from '../../common/ports.ts';
import type { CaptureResult, PlanSummary } from './types.ts';

/** What the worker is started with. */
export interface CaptureWorkerData {
  readonly paths: readonly Uint8Array[];
  readonly exclude: readonly Uint8Array[];
  /** The capture's own folder, empty. */
  readonly scratch: string;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
}

export type ToCaptureWorker = { readonly type: 'run' } | { readonly type: 'buffer'; readonly buffer: ArrayBuffer };

export type FromCaptureWorker =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'planned'; readonly plan: PlanSummary }
  | { readonly type: 'pack'; readonly id: string; readonly sizeBytes: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'done'; readonly result: CaptureResult };
