import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { AssociationId, PeerIdText, StateId } from '../../../common/ids.ts';
import { LEASE_IDLE_MS, LEASES_PER_MEMBER_MAX } from '../../../common/limits.ts';

/** A byte-exact, expiring reservation for one state. */
export interface LeaseRecord {
  readonly id: string;
  readonly state: StateId;
  readonly association: AssociationId;
  readonly source: PeerIdText;
  /** Reserved. */
  readonly bytes: number;
  /** Booked by packs that were wanted; never above `bytes`. */
  bookedBytes: number;
  /** Durable on the disk. */
  storedBytes: number;
  expiresAtMs: number;
}

/** The leases of one point. Pure bookkeeping: time and randomness come in, nothing goes out. */
export class Leases {
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #byId = new Map<string, LeaseRecord>();

  constructor(clock: Clock, random: RandomBytes) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Bytes that leases may still write: what capacity must leave alone. */
  outstandingBytes(): number {
    let sum = 0;
    for (const lease of this.#byId.values()) sum += lease.bytes - lease.storedBytes;
    return sum;
  }

  get count(): number {
    return this.#byId.size;
  }

  ofState(state: StateId): LeaseRecord | undefined {
    for (const lease of this.#byId.values()) if (lease.state === state) return lease;
    return undefined;
  }

  /** Reserves `bytes` of the `freeBytes` that are there. Throws `no-point` when they do not suffice. */
  grant(
    wish: { state: StateId; association: AssociationId; source: PeerIdText; bytes: number },
    freeBytes: number,
  ): LeaseRecord {
    if (this.ofState(wish.state)) throw new ResettleError('refused', `state ${wish.state} already has a lease`);
    const own = [...this.#byId.values()].filter((lease) => lease.source === wish.source).length;
    if (own >= LEASES_PER_MEMBER_MAX) {
      throw new ResettleError('no-point', `this machine has ${own} leases here already`, {
        hint: 'let its other captures end, or wait until their leases expire',
      });
    }
    if (wish.bytes > freeBytes) {
      throw new ResettleError('no-point', `${wish.bytes} bytes are needed and ${freeBytes} are free`);
    }
    const lease: LeaseRecord = {
      ...wish,
      id: hexOf(this.#random(32)),
      bookedBytes: 0,
      storedBytes: 0,
      expiresAtMs: this.#clock.now() + LEASE_IDLE_MS,
    };
    this.#byId.set(lease.id, lease);
    return lease;
  }

  /** The lease, if it is this member's and alive. Throws `refused`. */
  use(id: string, source: string, state?: StateId): LeaseRecord {
    const lease = this.#byId.get(id);
    if (!lease || lease.source !== source || (state !== undefined && lease.state !== state)) {
      throw new ResettleError('refused', 'no such lease', { hint: 'it may have expired; run the capture again' });
    }
    return lease;
  }

  /** Takes `sizeBytes` out of the lease before they are sent. Throws `refused` when the source overruns it. */
  book(lease: LeaseRecord, sizeBytes: number): void {
    if (lease.bookedBytes + sizeBytes > lease.bytes) {
      throw new ResettleError('refused', `the lease of ${lease.bytes} bytes is used up`, {
        hint: 'the source changed while it was captured; run the capture again',
      });
    }
    lease.bookedBytes += sizeBytes;
  }

  /** Progress, the only thing that renews a lease. */
  stored(lease: LeaseRecord, sizeBytes: number): void {
    lease.storedBytes += sizeBytes;
    lease.expiresAtMs = this.#clock.now() + LEASE_IDLE_MS;
  }

  release(id: string): void {
    this.#byId.delete(id);
  }

  /** Removes and returns the leases whose time is over, but for those that `inUse` says are being written. */
  expire(inUse: (state: StateId) => boolean): LeaseRecord[] {
    const now = this.#clock.now();
    const over = [...this.#byId.values()].filter((lease) => lease.expiresAtMs <= now && !inUse(lease.state));
    for (const lease of over) this.#byId.delete(lease.id);
    return over;
  }
}
