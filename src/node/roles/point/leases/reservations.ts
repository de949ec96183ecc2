import type { Clock } from '../../../../common/clock.ts';
import { ResettleError } from '../../../../common/errors.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import { type PeerIdText, type StateId, stateId } from '../../../../common/ids.ts';
import type { Lease, Reserve } from '../../../../protocols/point/messages.ts';
import type { Association } from '../../../../state/records/index.ts';
import type { Store } from '../../../../state/store/index.ts';
import type { Log } from '../../../log.ts';
import type { Doors } from '../door.ts';
import type { HeldStates } from '../held-states.ts';
import type { Parties } from '../parties.ts';
import type { PointFleet } from '../point-fleet.ts';
import { newStateInfo } from '../state-info.ts';
import { grantableBytes, type PointLimits } from './capacity.ts';
import type { LeaseRecord, Leases } from './leases.ts';
import type { Unfinished } from './unfinished.ts';

export interface ReservationParts {
  readonly store: Store;
  readonly fleet: PointFleet;
  readonly limits: PointLimits;
  readonly held: HeldStates;
  readonly leases: Leases;
  readonly doors: Doors;
  readonly parties: Parties;
  readonly unfinished: Unfinished;
  readonly clock: Clock;
  readonly log: Log;
}

/** Room on this point: who gets it, and how it comes back. One at a time, so that two never get the same bytes. */
export class Reservations {
  readonly #parts: ReservationParts;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ReservationParts) {
    this.#parts = parts;
  }

  /** Takes up what a process before this one left: living leases, and packs that wait for a capture to go on. */
  async takeUp(): Promise<void> {
    const { held, leases, unfinished, log } = this.#parts;
    for (const one of held.all()) {
      if (one.info?.lease) leases.takeUp(one.state, one.info.lease, one.usage.packBytes);
      else if (one.snapshots.length === 0 && !one.info) await unfinished.drop(one).catch(warn(log, one.state));
      else if (one.snapshots.length === 0 || one.info?.unfinished) await unfinished.leave(one);
    }
  }

  /** Bytes that a new lease for a state may have; what that state's own lease may still write counts as free. */
  async grantable(state?: StateId): Promise<number> {
    const { store, held, leases, limits } = this.#parts;
    return grantableBytes(limits, {
      diskFreeBytes: await store.freeBytes(),
      usedBytes: held.usedBytes(),
      outstandingBytes: leases.outstandingBytes(state),
    });
  }

  /** Throws `refused` for who may not, `no-point` for want of room. */
  reserve(wish: Reserve, peer: string): Promise<Lease> {
    return this.#inTurn(() => this.#reserve(wish, peer as PeerIdText));
  }

  /** Gives a lease up; what was stored under it waits for the capture to go on. */
  release(lease: LeaseRecord): Promise<void> {
    return this.#inTurn(async () => {
      const { doors, leases, held, unfinished } = this.#parts;
      if (doors.isOpen(lease.state)) throw new ResettleError('refused', 'that state is in use by a transfer');
      leases.release(lease.id);
      failpoint('lease.given-up');
      const one = held.get(lease.state);
      if (one) await unfinished.leave(one);
    });
  }

  /** Ends leases without progress, and drops what nobody took up again. */
  expire(): Promise<void> {
    return this.#inTurn(async () => {
      const { doors, leases, held, unfinished, log } = this.#parts;
      for (const lease of leases.expire((state) => doors.isOpen(state))) {
        log.info({ state: lease.state, peer: lease.peer }, 'lease expired');
        const one = held.get(lease.state);
        if (one) await unfinished.leave(one).catch(warn(log, lease.state));
      }
      for (const one of unfinished.over()) {
        if (leases.ofState(one.state) || doors.isOpen(one.state)) continue;
        log.info({ state: one.state }, 'what a capture left unfinished was not taken up again');
        await unfinished.drop(one).catch(warn(log, one.state));
      }
    });
  }

  /** Does something while no reservation changes. */
  whileNobodyReserves<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(work);
  }

  async #reserve(wish: Reserve, peer: PeerIdText): Promise<Lease> {
    const { limits, held, leases, doors, fleet, unfinished, log } = this.#parts;
    if (limits.drain) throw new ResettleError('no-point', 'this point takes nothing new (it is draining)');
    const state = stateId(wish.state);
    await fleet.insert([wish.association]);
    const association = fleet.association(await fleet.associationIdOf(wish.association));
    this.#mayReserve(wish, state, association, peer);
    const known = held.get(state);
    // A state that is held but whose descriptor could not be checked belongs to nobody who asks.
    if (known && known.info?.association !== association.id) {
      throw new ResettleError('refused', 'that state belongs to another association');
    }
    doors.giveWay(state, peer);
    if (doors.isOpen(state)) throw new ResettleError('refused', 'that state is in use by a transfer');
    const old = leases.ofState(state);
    if (old && old.peer !== peer && wish.copy) {
      throw new ResettleError('refused', 'that state has a lease of another machine');
    }
    const freeBytes = await this.#freeFor(wish.bytes, state);
    const baseBytes = known?.usage.packBytes ?? 0;
    const lease = leases.grant({ state, peer, copy: wish.copy, bytes: wish.bytes, baseBytes }, freeBytes);
    try {
      const one = known ?? (await held.begin(newStateInfo(state, association.id, association.body.source)));
      const { id, bytes, copy } = lease;
      failpoint('lease.granted');
      await held.remember(one, { lease: { id, peer, bytes, copy, baseBytes } });
      failpoint('lease.noted');
      unfinished.takenUp(state);
      log.info({ state, peer, bytes, copy }, 'reserved');
      return {
        lease: id,
        expiresAtMs: Math.ceil(this.#parts.clock.now() + leases.remainingMs(lease)),
        snapshot: one.snapshots.at(-1) ?? 0,
      };
    } catch (error) {
      leases.release(lease.id);
      const one = held.get(state);
      if (one) await unfinished.leave(one).catch(warn(log, state));
      throw error;
    }
  }

  #mayReserve(
    { copy }: Reserve,
    state: StateId,
    association: Association | undefined,
    peer: PeerIdText,
  ): asserts association is Association {
    const { parties, fleet } = this.#parts;
    if (!association || (!copy && association.body.source !== peer)) {
      throw new ResettleError('refused', 'no association of this fleet makes that machine the source');
    }
    if (copy && !parties.saysItHolds(association, state, peer)) {
      throw new ResettleError('refused', 'that machine has signed no receipt for the state that it would copy');
    }
    if (!copy && association.ended) {
      throw new ResettleError('refused', 'that association has ended: nothing more is captured for it');
    }
    if (association.body.source === fleet.self) {
      throw new ResettleError('refused', 'a machine does not hold its own state');
    }
    if (parties.hasShare(association, state, fleet.self)) {
      throw new ResettleError(
        'refused',
        'this machine holds a share of the key of that state, and shall not hold both',
      );
    }
  }

  /** Bytes that are free for a reservation; what captures left unfinished makes room for one that needs it. */
  async #freeFor(bytes: number, state: StateId): Promise<number> {
    const { doors, leases, unfinished } = this.#parts;
    let freeBytes = await this.grantable(state);
    for (const other of unfinished.waiting()) {
      if (freeBytes >= bytes) break;
      if (other.state === state || doors.isOpen(other.state) || leases.ofState(other.state)) continue;
      await unfinished.drop(other);
      freeBytes = await this.grantable(state);
    }
    return freeBytes;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

const warn = (log: Log, state: StateId) => (error: unknown) =>
  log.warn({ err: error, state }, 'what an unfinished capture left could not be removed');
