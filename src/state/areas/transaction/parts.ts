import type { OwnerTable } from '../accounts/owner-table.ts';
import type { AreaName } from '../base/names.ts';
import type { System } from '../base/system.ts';
import type { Area, Owners, SourceMachine } from '../base/types.ts';
import type { PlanExtras } from './plan-extras.ts';

/** Made when it is planned, kept for the checklist. */
export type { OwnerTable };

/** Watches whether this machine can still be reached while its network is woken. */
export interface LinkGuard {
  /** `lost`: what was reachable before is not any more. Then what was changed is taken back, by `rollBack` or after this. */
  confirm(): Promise<'kept' | 'lost'>;
  /** It need not look any more, and takes nothing back by itself. */
  disarm(): void;
}

export interface GuardOptions {
  readonly system: System;
  /** Of the restore that is to be taken back if this process ends before it disarms the guard: for `roll-back-main.ts`. */
  readonly undoDir: string;
  /** Takes network and hostname back, here; that other program cannot, while this process has the restore locked. */
  rollBack(): Promise<void>;
}

/** What a restore of areas works with; tests give areas and machines of their own. */
export interface AreasParts {
  readonly areas: readonly Area[];
  systemAt(root: string): System;
  ownerTable(contents: ReadonlyMap<AreaName, unknown>, target: System, about: OwnersAbout): OwnerTable;
  ownersOf(table: OwnerTable): Owners;
  /** Throws where nobody can watch: then the network is not woken, and taken back. */
  readonly armGuard?: (options: GuardOptions) => Promise<LinkGuard>;
  extras?(contents: ReadonlyMap<AreaName, unknown>, target: System, owners: Owners): PlanExtras;
  readonly now?: () => number;
  /** Is told of every point at which a run can be cut short. What it throws is an error at that point. */
  readonly onPoint?: (point: string) => void;
}

/** A person that has another name on the target. */
export interface UserMapping {
  readonly from: string;
  readonly to: string;
}

export interface OwnersAbout {
  readonly source: SourceMachine;
  readonly mapUsers: readonly UserMapping[];
}
