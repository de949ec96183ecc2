import type { PathRule } from '../../catalogue/compile.ts';
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
  /** Folders of catalogue rules beside the built-in ones; later ones override. */
  readonly ruleFolders: readonly string[];
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
  /** What decides which files of the roots are taken. */
  readonly rules: readonly PathRule[];
}

export interface FromSurveyWorker {
  readonly type: 'surveyed';
  readonly surveyed: Surveyed;
}
