import type { CheckItem, Verdict } from '../base/check-item.ts';
import type { PlanAction, PrivilegedEffect } from '../base/types.ts';

export interface ChecklistItem extends CheckItem {
  /** Who judged it: an area's name, or `files`, or `snapshot`. */
  readonly area: string;
  /** The restore left it out although it was captured, and a person may want it. Its verdict is `skipped`. */
  readonly isWithheld?: true;
  /** What it is about, by name: the first missing files. */
  readonly names?: readonly string[];
}

/** What the restore had planned for an item, as it was written down. */
export interface OutcomeItem {
  readonly area: string;
  readonly id: string;
  readonly title: string;
  readonly action: PlanAction;
  readonly detail: string;
  readonly effect?: PrivilegedEffect | undefined;
}

export interface ChecklistGroup {
  readonly name: string;
  readonly items: readonly ChecklistItem[];
}

/** Items by verdict; `total` is their sum, `withheld` a part of `skipped`. */
export type Counts = Readonly<Record<Verdict | 'total' | 'withheld', number>>;

export interface ChecklistMachine {
  readonly name: string;
  /** For people, such as `Debian GNU/Linux 12 (bookworm)`; empty where it is not known. */
  readonly os: string;
}

/** What a checklist says beside its items. */
export interface ChecklistHead {
  readonly restore: string;
  readonly state: string;
  readonly snapshot: number;
  /** What was captured. */
  readonly source: ChecklistMachine;
  /** What it was restored on. */
  readonly machine: ChecklistMachine;
  /** The folder that it was restored into; `/` for a whole machine. */
  readonly into: string;
  /** ISO 8601; null where the restore did not keep it. */
  readonly capturedAt: string | null;
  readonly restoredAt: string;
  readonly madeAt: string;
  readonly counts: Counts;
  /** The verdict that decides: see `worstOf`. */
  readonly worst: Verdict;
}

/** A restore, item by item: expected, observed, verdict, and how that is known. */
export interface Checklist extends ChecklistHead {
  readonly groups: readonly ChecklistGroup[];
}
