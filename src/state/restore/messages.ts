import type { StateId } from '../../common/ids.ts';
import type { Progress } from '../../common/ports.ts';
import type { PackReference, SealedPart } from '../format/index.ts';
import type { ThreadError } from '../threads/thread-error.ts';
import type { RestoreItem, RestoreOptions, RestoreResult, UndoResult } from './types.ts';

type Asked = Pick<
  RestoreOptions,
  | 'target'
  | 'strip'
  | 'restoreId'
  | 'onConflict'
  | 'allowPrivileged'
  | 'mapUsers'
  | 'undoDir'
  | 'root'
  | 'dryRun'
  | 'scratchDir'
  | 'fileCalls'
  | 'only'
  | 'mayLack'
  | 'base'
  | 'owners'
  | 'places'
>;

/** What the worker is started with: a descriptor that was verified and opened. */
export interface RestoreWorkerData extends Asked {
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  readonly snapshot: number;
  readonly descriptorHash: string;
  readonly packs: readonly PackReference[];
  readonly sealed: SealedPart;
  /** ISO 8601. */
  readonly startedAt: string;
}

export type ToRestoreWorker =
  | { readonly type: 'pack'; readonly index: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'no-pack'; readonly index: number; readonly error: ThreadError };

/** What the worker found; the rest of a result is known without it. */
export type WorkerResult = Omit<RestoreResult, 'skippedAtCapture'>;

/** What every worker that restores tells. */
export type TellsOfRestore =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'items'; readonly items: readonly RestoreItem[] }
  | { readonly type: 'done'; readonly result: WorkerResult };

export type FromRestoreWorker =
  | TellsOfRestore
  | { readonly type: 'want'; readonly index: number; readonly buffer: ArrayBuffer };

export type FromUndoWorker =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'done'; readonly result: UndoResult };
