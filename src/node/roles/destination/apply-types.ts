import type { Clock, RandomBytes } from '../../../common/clock.ts';
import type { PackSource } from '../../../common/ports.ts';
import type { AreaName } from '../../../state/areas/base/names.ts';
import type { Identity, PlanAction } from '../../../state/areas/base/types.ts';
import type {
  ConflictCounts,
  ConflictPolicy,
  RestoreEvents,
  RestoreOptions,
  RestoreResult,
  UserMapping,
} from '../../../state/restore/index.ts';
import type { Home } from '../../home/home.ts';
import type { ChecklistSummary } from './checklist.ts';

/** Where a snapshot goes, and how. */
export interface RestoreWish {
  /** Absolute: what was captured goes below it. */
  readonly into: string;
  /** The contents of the one captured PATH go straight into it. */
  readonly strip: boolean;
  /** It is the root of a machine: users are those that this machine has, and areas are restored. */
  readonly root: boolean;
  readonly onConflict?: ConflictPolicy | undefined;
  /** As root only. */
  readonly allowPrivileged: boolean;
  readonly mapUsers: readonly UserMapping[];
  /** Nothing is written; each item is told. */
  readonly dryRun: boolean;
  /** Only these paths, as `store ls` shows them, and what lies beneath them. */
  readonly only?: readonly string[] | undefined;
  /** Only these areas, and no PATHs; undefined: everything but areas that are restored only where they are named. */
  readonly areas?: readonly AreaName[] | undefined;
  /** Default `new`. */
  readonly identity?: Identity | undefined;
}

export interface ApplyOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** What applying needs of the machine that it runs on. */
export type ApplyGround = Pick<ApplyOptions, 'home' | 'clock'>;

/** A snapshot whose signer was settled and whose key was opened. */
export type Subject = Pick<RestoreOptions, 'descriptor' | 'stateKey' | 'expected'> & { readonly source: PackSource };

/** What became of areas. */
export interface AppliedAreas {
  /** Items by what the plan does with them. */
  readonly items: Readonly<Record<PlanAction, number>>;
  /** Areas whose changes are in place; none after a dry run. */
  readonly applied: readonly string[];
  /** Areas that were put back, since the machine was not right with them. */
  readonly failed: readonly string[];
  /** Of what is in place, beside what was captured; null after a dry run. */
  readonly checklist: ChecklistSummary | null;
}

/** What became of it. */
export interface Applied {
  /** What `undo` takes; null after a dry run. */
  readonly restore: string | null;
  readonly into: string;
  readonly dryRun: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly resumed: boolean;
  readonly conflicts: ConflictCounts;
  /** Items that were left out by the capture or here, withheld, put beside what was there, or that need a person. */
  readonly skipped: number;
  /** Null where the snapshot carries no areas, or they were not restored. */
  readonly areas: AppliedAreas | null;
}

/** What a wish says to whoever carries it out. */
export type Asked = Omit<RestoreOptions, keyof Subject>;
/** Restores files in one way or another: out of packs, or as they come. May be called several times. */
export type CarryOut = (asked: Asked, on: RestoreEvents) => Promise<RestoreResult>;
