import type { PackId, StateId } from '../../common/ids.ts';
import type { DirectAsk, Progress } from '../../common/ports.ts';
import type { CaptureResult, PlanSummary } from '../capture/index.ts';
import type { SourceTree } from '../plan/source-tree.ts';
import type { ThreadError } from '../threads/thread-error.ts';
import type { SendOptions } from './types.ts';

/** What the worker is started with. */
export interface SendWorkerData {
  readonly planDir: string;
  /** The worker's own folder, empty. */
  readonly scratch: string;
  readonly exclude: readonly Uint8Array[];
  readonly tree: SourceTree;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  /** What to make a plan of; undefined where there is one. */
  readonly wanted: Pick<SendOptions, 'paths' | 'filter'> | undefined;
  /** The number of the last answer that is not wanted any more: read while the worker is busy. */
  readonly ended: SharedArrayBuffer;
}

export type MadePlan = Pick<CaptureResult, 'roots' | 'parts' | 'totals' | 'leftOut' | 'packs'>;

/** Answers are numbered from 1. */
export type ToSendWorker =
  /** The plan's descriptor: with it the plan is whole. */
  | { readonly type: 'describe'; readonly descriptor: Uint8Array }
  | { readonly type: 'ask'; readonly answer: number; readonly ask: DirectAsk }
  /** A pack of that answer was used; its buffer comes back. The receiver had waited so long for it. */
  | { readonly type: 'buffer'; readonly answer: number; readonly buffer: ArrayBuffer; readonly idleMs: number }
  /** Wakes the worker, which finds in `ended` that the answer is over. */
  | { readonly type: 'end'; readonly answer: number };

export type FromSendWorker =
  | { readonly type: 'progress'; readonly answer: number; readonly progress: Progress }
  /** A plan was written: to be answered by `describe`. */
  | { readonly type: 'made'; readonly made: MadePlan }
  | { readonly type: 'ready'; readonly plan: PlanSummary; readonly descriptor: Uint8Array }
  | {
      readonly type: 'pack';
      readonly answer: number;
      readonly id: PackId;
      readonly sizeBytes: number;
      readonly buffer: ArrayBuffer;
    }
  /** Every pack of the answer was handed over, or why not. */
  | { readonly type: 'answered'; readonly answer: number; readonly error: ThreadError | undefined };
