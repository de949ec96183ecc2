import type { Report } from '../../../common/ports.ts';
import type { ThreadError } from '../../threads/thread-error.ts';
import type { AreasPlan, AreasResult, AreasUndone, AreasWish } from './types.ts';

export interface AreasWorkerData {
  /** The folder with `machine.json` and the areas' own documents. */
  readonly documents: string;
  readonly wish: AreasWish;
  /** Homes that an unfinished restore of the same snapshot, which goes on, may have made: see `asBefore`. */
  readonly made?: readonly string[];
  /** For tests: a module whose `parts` are taken in place of the real ones. */
  readonly partsModule?: string;
}

export type ToAreasWorker =
  | { readonly type: 'begin'; readonly undoDir: string }
  | { readonly type: 'apply-before' }
  | { readonly type: 'apply-after' }
  | { readonly type: 'roll-back' }
  | { readonly type: 'close' };

export type FromAreasWorker =
  | { readonly type: 'planned'; readonly plan: AreasPlan }
  | { readonly type: 'done' }
  | { readonly type: 'applied'; readonly result: AreasResult }
  | { readonly type: 'rolled-back'; readonly kept: Report }
  /** What was asked for failed, and what was changed was taken back; the worker goes on. */
  | { readonly type: 'refused'; readonly error: ThreadError };

/**
 * `after` are the changes that were made after files: files are undone between the two, so that everything goes the way
 * back that it came. `unfinished`: all of it, and only where it was cut short.
 */
export type UndoPart = 'after' | 'before' | 'unfinished';

export interface UndoAreasOptions {
  readonly undoDir: string;
  /** Without it both. */
  readonly part?: UndoPart;
  /** For tests. */
  readonly partsModule?: string;
}

export type FromUndoAreasWorker = { readonly type: 'undone'; readonly result: AreasUndone };
