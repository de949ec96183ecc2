import type { AreaName } from '../base/names.ts';
import type { CouldNot, FileRoot } from '../base/types.ts';

/** What the worker is started with. */
export interface SurveyWorkerData {
  readonly root: string;
  readonly areas: readonly AreaName[];
  /** Only what belongs to these; undefined: to all people of the machine. */
  readonly users: readonly string[] | undefined;
  /** An existing folder; documents are made in a folder of it that is named `DOCUMENTS_NAME`. */
  readonly folder: string;
  readonly nowMs: number;
}

/** One area that a machine has something of. */
export interface SurveyedArea {
  readonly area: AreaName;
  /** What it says, as JSON. */
  readonly bytes: number;
  /** Its items, as the checklist counts them. */
  readonly items: number;
  readonly roots: readonly FileRoot[];
  readonly couldNot: readonly CouldNot[];
}

export interface Surveyed {
  readonly hostname: string;
  readonly areas: readonly SurveyedArea[];
}

export interface FromSurveyWorker {
  readonly type: 'surveyed';
  readonly surveyed: Surveyed;
}
