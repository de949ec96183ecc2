import type { AssociationId, PackId, PeerIdText, StateId } from '../../../common/ids.ts';
import type { CopyCount } from './copies/replication.ts';
import type { Door } from './door.ts';
import type { Held } from './held-states.ts';
import type { LeaseRecord, Leases } from './leases/leases.ts';

/** A state on a point, for people and scripts. */
export interface HeldSummary {
  readonly state: StateId;
  /** Undefined: whose it is cannot be proved here, so nobody gets it. */
  readonly association: AssociationId | undefined;
  readonly source: PeerIdText | undefined;
  readonly snapshots: readonly number[];
  readonly bytes: number;
  /** All packs of the newest snapshot are here, and the keys are as they were brought; else how many packs of those that shall be here are missing. */
  readonly complete: boolean;
  readonly spread: boolean;
  readonly missingPacks: number;
  readonly accessible: boolean;
  readonly door: Door['is'];
  readonly lease: { readonly bytes: number; readonly storedBytes: number; readonly expiresInMs: number } | null;
  readonly acknowledged: boolean;
  /** In time that the point observes; null: without end. */
  readonly keptForMs: number | null;
  readonly scrub: { readonly agoMs: number | null; readonly bad: number; readonly underWayAfter: PackId | null } | null;
  readonly copies: CopyCount | null;
}

export interface SummaryParts {
  readonly door: Door;
  readonly lease: LeaseRecord | undefined;
  readonly leases: Leases;
  readonly keptForMs: number | undefined;
  readonly acknowledged: boolean;
  readonly copies: CopyCount | undefined;
  readonly observedMs: number;
}

export function summaryOf(one: Held, parts: SummaryParts): HeldSummary {
  const { info, newest, usage } = one;
  const { lease, door } = parts;
  const doneAtMs = info?.scrub?.doneAtMs;
  return {
    state: one.state,
    association: info?.association,
    source: info?.source,
    snapshots: one.snapshots,
    bytes: usage.usedBytes,
    complete: newest !== undefined && !newest.spread && newest.missing === 0 && one.badKeys === 0,
    spread: newest?.spread ?? false,
    missingPacks: newest?.missing ?? 0,
    accessible: door.is !== 'closed',
    door: door.is,
    lease: lease
      ? { bytes: lease.bytes, storedBytes: lease.storedBytes, expiresInMs: parts.leases.remainingMs(lease) }
      : null,
    acknowledged: parts.acknowledged,
    keptForMs: parts.keptForMs ?? null,
    scrub: info?.scrub
      ? {
          agoMs: doneAtMs == null ? null : Math.max(0, parts.observedMs - doneAtMs),
          bad: info.scrub.bad,
          underWayAfter: info.scrub.after,
        }
      : null,
    copies: parts.copies ?? null,
  };
}
