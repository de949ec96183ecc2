import type { Report } from '../../../common/ports.ts';
import type { UserMapping } from '../accounts/map-user.ts';
import type { OwnerTable } from '../accounts/owner-table.ts';
import type { MachineDocument } from '../base/documents.ts';
import type { AreaName } from '../base/names.ts';
import type { CouldNot, Identity, PlanItem, Problem } from '../base/types.ts';
import type { PlanExtras } from './plan-extras.ts';

/** How a restore of areas is asked for. */
export interface AreasWish {
  /** The root of the machine that is restored, absolute; `/` for the running one. */
  readonly root: string;
  readonly areas: readonly AreaName[];
  /** Those that a person named. What is carried only where it is asked for has to be among them. */
  readonly asked: readonly AreaName[];
  readonly identity: Identity;
  readonly allowPrivileged: boolean;
  readonly mapUsers: readonly UserMapping[];
  readonly nowMs: number;
}

/** One item of a plan, for people. */
export interface AreasPlanItem extends Omit<PlanItem, 'changes'> {
  /** What is changed for it, in order. */
  readonly paths: readonly string[];
  /**
   * What changes in each file, line by line, bounded, and never a secret. Also of what is withheld for its effect, so that a
   * person can judge it before he allows it (docs/THREATS.md, T7).
   */
  readonly difference: readonly string[];
}

/** What will be done. Nothing else is: where the machine differs from what was planned upon, the run stops. */
export interface AreasPlan {
  readonly machine: MachineDocument;
  readonly items: readonly AreasPlanItem[];
  readonly owners: OwnerTable;
  /** Areas that could not be read or planned; the others go on. */
  readonly problems: readonly CouldNot[];
  /** The items that are withheld; some of them mean exit 3. */
  readonly withheld: readonly AreasPlanItem[];
  /** Every path that will be changed, folders that are made among them, ascending. */
  readonly paths: readonly string[];
  readonly extras: PlanExtras;
}

export interface AreaFailure {
  readonly area: AreaName;
  /** In the words of the machine's own programs, where they said something. */
  readonly problems: readonly Problem[];
}

export interface AreasResult {
  /** Areas whose changes are in place. */
  readonly applied: readonly AreaName[];
  /** Areas that were taken back, since the machine was not right with them; or together with one that they built upon. */
  readonly failed: readonly AreaFailure[];
  /** What was wrong before anything was changed, and is no reason to take something back. */
  readonly wasWrong: readonly AreaFailure[];
  /** What a live machine did not take notice of; a restart does it. */
  readonly notWoken: readonly AreaFailure[];
  /** This machine was cut off, so that network and hostname were taken back. */
  readonly isLinkLost: boolean;
}

/** What came of taking everything back. */
export interface AreasUndone {
  /** What was made and is gone. */
  readonly removed: number;
  /** What was replaced, changed or removed and is back. */
  readonly putBack: number;
  /** What stays, since somebody changed it, and where the earlier one lies. */
  readonly kept: Report;
  readonly notWoken: readonly AreaFailure[];
}

/**
 * `staged`: nothing was changed yet. `applying`: it may be between; the next run puts it back. `applied`: whole.
 * `rolled-back`: as it was, as if nothing had been. `undone`: as it was, since a person asked for it.
 */
export type AreasStatus = 'staged' | 'applying' | 'applied' | 'rolled-back' | 'undone';

/** `outcome.json` of a journal: what a checklist is made from, and what the next run goes by. */
export interface AreasOutcome {
  readonly format: 1;
  readonly wish: AreasWish;
  readonly owners: OwnerTable;
  readonly items: readonly Pick<AreasPlanItem, 'area' | 'id' | 'title' | 'action' | 'detail' | 'effect'>[];
  readonly status: AreasStatus;
  /** In milliseconds since 1970. */
  readonly times: { readonly staged: number; readonly applied?: number; readonly ended?: number };
  readonly result?: AreasResult;
  /** Of one that is undone: how many things could not be put back. Undos of earlier versions did not note it. */
  readonly kept?: number;
}
