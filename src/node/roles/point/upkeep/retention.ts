import { failpoint } from '../../../../common/failpoint.ts';
import type { AssociationBody, SignedEvent } from '../../../../state/records/index.ts';
import type { Log } from '../../../log.ts';
import type { Doors, Pass } from '../door.ts';
import type { Held, HeldStates } from '../held-states.ts';
import type { Leases } from '../leases/leases.ts';
import type { Reservations } from '../leases/reservations.ts';
import type { Parties } from '../parties.ts';
import type { Deletion, PointFile } from '../point-file.ts';
import type { PointFleet } from '../point-fleet.ts';
import type { Receipts } from '../receipts.ts';
import type { KeepMarks } from '../state-info.ts';

/** When a state is due for deletion, and why. */
export interface Due {
  /** In time that the point observed. */
  readonly atMs: number;
  readonly reason: 'its destination has restored it' | 'nobody restored it by the deadline';
}

/** The whole rule: kept until restored and then for `keepMs`; else until the deadline, where there is one. */
export function dueOf(
  marks: KeepMarks,
  { keepMs, deadlineMs }: Pick<AssociationBody, 'keepMs' | 'deadlineMs'>,
): Due | undefined {
  if (marks.acknowledgedAtMs !== null) {
    return { atMs: marks.acknowledgedAtMs + keepMs, reason: 'its destination has restored it' };
  }
  if (deadlineMs === null) return undefined;
  return { atMs: marks.committedAtMs + deadlineMs, reason: 'nobody restored it by the deadline' };
}

/**
 * The marks after a look at the clock and at the destination's newest word: it counts only while that word is that
 * it restored the newest snapshot here, or one after it that the source committed elsewhere. Marks of the future, from
 * another store's clock, begin anew.
 */
export function marksAfter(before: KeepMarks | null, acknowledged: boolean, observedMs: number): KeepMarks {
  const committedAtMs = Math.min(before?.committedAtMs ?? observedMs, observedMs);
  if (!acknowledged) return { committedAtMs, acknowledgedAtMs: null };
  return { committedAtMs, acknowledgedAtMs: Math.min(before?.acknowledgedAtMs ?? observedMs, observedMs) };
}

export interface RetentionParts {
  readonly fleet: PointFleet;
  readonly held: HeldStates;
  readonly doors: Doors;
  readonly leases: Leases;
  readonly parties: Parties;
  readonly reservations: Reservations;
  readonly receipts: Receipts;
  readonly file: PointFile;
  readonly log: Log;
}

/** Keeps states as long as their associations say, in time that this point observed itself (T15). */
export class Retention {
  readonly #parts: RetentionParts;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Looks at every state; deletes those that are due, and finishes deletions that a crash interrupted. */
  async look(): Promise<void> {
    const { held, file, log } = this.#parts;
    for (const deletion of file.deletions()) await this.#finish(deletion).catch(this.#warn);
    for (const one of held.all()) {
      const due = await this.#dueNow(one);
      if (due) await this.#delete(one, due).catch(this.#warn);
    }
    await file.saveNowAndThen().catch((error: unknown) => log.warn({ err: error }, 'the time observed was not saved'));
  }

  /** How long a state is still kept, in time observed; undefined: without end. */
  keptForMs(one: Held): number | undefined {
    const association = this.#parts.parties.associationOf(one);
    const due = association && one.info?.keep ? dueOf(one.info.keep, association.body) : undefined;
    return due && Math.max(0, due.atMs - this.#parts.file.observedMs());
  }

  /** Whether the destination has restored the newest snapshot that is here, or a later one, and says nothing else since. */
  isAcknowledged(one: Held): boolean {
    const association = this.#parts.parties.associationOf(one);
    if (!association || !one.newest) return false;
    const word = this.#parts.fleet.events(association.id).find(isRestoreOf(one, association.destination))?.body;
    if (word?.phase !== 'restored') return false;
    const { snapshot, descriptorHash } = one.newest;
    return word.descriptorHash === descriptorHash || word.snapshot > snapshot;
  }

  async #dueNow(one: Held): Promise<Due | undefined> {
    const { parties, file, held } = this.#parts;
    const association = parties.associationOf(one);
    if (!association || !one.info || !one.newest) return undefined;
    const before = one.info.keep;
    const marks = marksAfter(before, this.isAcknowledged(one), file.observedMs());
    if (marks.committedAtMs !== before?.committedAtMs || marks.acknowledgedAtMs !== before.acknowledgedAtMs) {
      await held.remember(one, { keep: marks });
    }
    const due = dueOf(marks, association.body);
    return due && due.atMs <= file.observedMs() ? due : undefined;
  }

  /** Not while anybody is inside, or has room reserved to go on. */
  async #delete(one: Held, { reason }: Due): Promise<void> {
    const { doors, leases, reservations, file, fleet, log } = this.#parts;
    await reservations.whileNobodyReserves(async () => {
      const { newest, info, state } = one;
      if (!newest || !info || leases.ofState(state)) return;
      doors.giveWay(state, fleet.self);
      if (doors.isOpen(state)) return;
      const pass: Pass = doors.enter(state, 'delete', fleet.self);
      try {
        const { snapshot, descriptorHash, totalBytes } = newest;
        const deletion: Deletion = {
          state,
          association: info.association,
          snapshot,
          descriptorHash,
          totalBytes,
          reason,
        };
        await file.beginDeletion(deletion);
        failpoint('deletion.decided');
        log.info({ state, reason }, 'deleting');
        await this.#finish(deletion);
      } finally {
        pass.close();
      }
    });
  }

  /** May be repeated from any point: deletes what is left, signs what is unsigned. */
  async #finish(deletion: Deletion): Promise<void> {
    const { held, receipts, file } = this.#parts;
    const one = held.get(deletion.state);
    const half = one?.snapshots.length === 0 && one.info?.status === 'held';
    // What has come since, under the same id, is not what was to be deleted.
    if (!one || half || one.newest?.descriptorHash === deletion.descriptorHash) {
      if (one) await held.drop(one);
      failpoint('deletion.done');
      await receipts.tellDeleted(deletion);
      failpoint('deletion.signed');
    }
    await file.endDeletion(deletion.state);
  }

  readonly #warn = (error: unknown): void =>
    this.#parts.log.warn({ err: error }, 'a state that is due could not be deleted now');
}

function isRestoreOf(one: Held, destination: string | undefined): (event: SignedEvent) => boolean {
  return ({ signer, body }) => body.step === 'restore' && body.state === one.state && signer === destination;
}
