import type { Progress } from '../../../common/ports.ts';
import type { Area, Owners } from '../base/types.ts';
import type { Checklist } from './types.ts';

export interface ChecklistWorkerData {
  /** The restore's own folder. */
  readonly undoDir: string;
  readonly nowMs: number;
  /** For tests: a module whose `parts` are taken in place of the real ones. */
  readonly partsModule?: string | undefined;
}

/** What a checklist of areas is made with; tests give areas of their own. */
export interface ChecklistParts {
  readonly areas: readonly Area[];
  ownersOf(table: unknown): Owners;
}

export type FromChecklistWorker =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'done'; readonly checklist: Checklist };
