import { hexOf } from '../../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../../common/clock.ts';
import { ResettleError } from '../../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../../common/ids.ts';
import { LEASE_IDLE_MS, LEASES_PER_MEMBER_MAX } from '../../../../common/limits.ts';
import { formatBytes } from '../../../../common/sizes.ts';

/** What of a lease outlives the process: it stands in state.json. */
export interface LeaseTerms {
  /** 64 hex digits, random. */
  readonly id: string;
  /** Whose it is: the source, or a holder that makes a copy. */
  readonly peer: PeerIdText;
  readonly copy: boolean;
  /** Reserved. */
  readonly bytes: number;
  /** Bytes of packs that the state had when the lease was granted: what is above was written under it. */
  readonly baseBytes: number;
}

/** A byte-exact, expiring reservation for one state. */
export interface LeaseRecord extends LeaseTerms {
  readonly state: StateId;
  /** Booked by packs that were wanted; never above `bytes`. */
  bookedBytes: number;
  /** Durable on the disk. */
  storedBytes: number;
  /** Of the monotonic clock: a wall clock that is set changes nothing. */
  idleSinceMs: number;
}

export type LeaseWish = Omit<LeaseTerms, 'id'> & { readonly state: StateId };

/** The leases of one point, one a state. Pure bookkeeping: time and randomness come in, nothing goes out. */
export class Leases {
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #idleMs: number;
  readonly #byState = new Map<StateId, LeaseRecord>();

  constructor(clock: Clock, random: RandomBytes, idleMs = LEASE_IDLE_MS) {
    this.#clock = clock;
    this.#random = random;
    this.#idleMs = idleMs;
  }

  /** Bytes that leases may still write, but for one state's: what capacity must leave alone. */
  outstandingBytes(except?: StateId): number {
    let sum = 0;
    for (const lease of this.#byState.values()) if (lease.state !== except) sum += lease.bytes - lease.storedBytes;
    return sum;
  }

  get count(): number {
    return this.#byState.size;
  }

  ofState(state: StateId): LeaseRecord | undefined {
    return this.#byState.get(state);
  }

  /**
   * Reserves `bytes` of the `freeBytes` that are there while the state has no lease; the one that it has is replaced.
   * Throws `no-point` when they do not suffice, or when the member would have too much. Its first lease may take
   * everything; with more than one it may have half of the room, so that the others find some.
   */
  grant(wish: LeaseWish, freeBytes: number): LeaseRecord {
    const own = [...this.#byState.values()].filter(({ peer, state }) => peer === wish.peer && state !== wish.state);
    if (own.length >= LEASES_PER_MEMBER_MAX) {
      throw new ResettleError('no-point', `this machine has ${own.length} leases here already`, {
        hint: 'let its other captures end, or wait until their leases expire',
      });
    }
    if (wish.bytes > freeBytes) {
      throw new ResettleError('no-point', `${wish.bytes} bytes are needed and ${freeBytes} are free`);
    }
    const ownBytes = own.reduce((sum, lease) => sum + lease.bytes - lease.storedBytes, 0);
    const share = Math.floor((freeBytes + this.outstandingBytes(wish.state)) / 2);
    if (own.length > 0 && ownBytes + wish.bytes > share) {
      throw new ResettleError(
        'no-point',
        `this machine has ${formatBytes(ownBytes)} reserved here already, and may have ${formatBytes(share)} in all`,
        { hint: 'let its other captures end, or wait until their leases expire' },
      );
    }
    const lease: LeaseRecord = {
      ...wish,
      id: hexOf(this.#random(32)),
      bookedBytes: 0,
      storedBytes: 0,
      idleSinceMs: this.#clock.monotonicMs(),
    };
    this.#byState.set(lease.state, lease);
    return lease;
  }

  /** Takes up a lease from before the start: what the disk has above its base was written under it; nothing is booked. */
  takeUp(state: StateId, terms: LeaseTerms, packBytes: number): LeaseRecord {
    const storedBytes = Math.min(terms.bytes, Math.max(0, packBytes - terms.baseBytes));
    const idleSinceMs = this.#clock.monotonicMs();
    const lease: LeaseRecord = { ...terms, state, storedBytes, bookedBytes: storedBytes, idleSinceMs };
    this.#byState.set(state, lease);
    return lease;
  }

  /** The lease, if it is this member's and alive. Throws `refused`. */
  use(id: string, peer: string, state?: StateId): LeaseRecord {
    const lease = [...this.#byState.values()].find((one) => one.id === id);
    if (!lease || lease.peer !== peer || (state !== undefined && lease.state !== state)) {
      throw new ResettleError('refused', 'no such lease', { hint: 'it may have expired; run the capture again' });
    }
    return lease;
  }

  /** Takes `sizeBytes` out of the lease before they are sent. Throws `refused` when the source overruns it. */
  book(lease: LeaseRecord, sizeBytes: number): void {
    if (this.#byState.get(lease.state) !== lease) {
      throw new ResettleError('refused', 'the lease has ended', { hint: 'run the capture again' });
    }
    if (lease.bookedBytes + sizeBytes > lease.bytes) {
      throw new ResettleError('refused', `the lease of ${lease.bytes} bytes is used up`, {
        hint: 'the source changed while it was captured; run the capture again',
      });
    }
    lease.bookedBytes += sizeBytes;
  }

  /** Bytes that were booked and did not come: a transfer ended before. */
  unbook(lease: LeaseRecord, sizeBytes: number): void {
    lease.bookedBytes -= sizeBytes;
  }

  /** Progress, the only thing that renews a lease. */
  stored(lease: LeaseRecord, sizeBytes: number): void {
    lease.storedBytes += sizeBytes;
    lease.idleSinceMs = this.#clock.monotonicMs();
  }

  /** How long a lease still lives without progress. */
  remainingMs(lease: LeaseRecord): number {
    return Math.max(0, lease.idleSinceMs + this.#idleMs - this.#clock.monotonicMs());
  }

  release(id: string): void {
    for (const lease of this.#byState.values()) if (lease.id === id) this.#byState.delete(lease.state);
  }

  /** Removes and returns the leases whose time is over, but for those that `inUse` says are being written. */
  expire(inUse: (state: StateId) => boolean): LeaseRecord[] {
    const over = [...this.#byState.values()].filter((lease) => this.remainingMs(lease) === 0 && !inUse(lease.state));
    for (const lease of over) this.#byState.delete(lease.state);
    return over;
  }
}
