import type { StateId } from '../../common/ids.ts';
import type { Progress } from '../../common/ports.ts';
import type { PackReference, SealedPart } from '../format/index.ts';
import type { ThreadError } from '../threads/thread-error.ts';
import type { RestoreResult } from './types.ts';

/** What the worker is started with: a descriptor that was verified and opened. */
export interface RestoreWorkerData {
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  readonly snapshot: number;
  readonly descriptorHash: string;
  readonly packs: readonly PackReference[];
  readonly sealed: SealedPart;
  readonly target: string;
  readonly strip: boolean;
  readonly restoreId: string;
}

export type ToRestoreWorker =
  | { readonly type: 'pack'; readonly index: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'no-pack'; readonly index: number; readonly error: ThreadError };

export type FromRestoreWorker =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'want'; readonly index: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'done'; readonly result: Omit<RestoreResult, 'skippedAtCapture'> };
