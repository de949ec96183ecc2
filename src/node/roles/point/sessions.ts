import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { PackId, StateId } from '../../../common/ids.ts';
import type { BlocksSession } from '../../../protocols/blocks/server.ts';
import type { Store } from '../../../state/store/index.ts';
import type { Log } from '../../log.ts';
import type { Doors } from './door.ts';
import type { HeldStates } from './held-states.ts';
import { clientsOfOne, type PointLimits } from './leases/capacity.ts';
import type { LeaseRecord, Leases } from './leases/leases.ts';
import type { Parties } from './parties.ts';
import { checkedHolder } from './upkeep/checked-holder.ts';

export interface SessionParts {
  readonly store: Store;
  readonly limits: PointLimits;
  readonly held: HeldStates;
  readonly leases: Leases;
  readonly doors: Doors;
  readonly parties: Parties;
  readonly log: Log;
  /** A pack that was to be sent is not what its name says; it is set aside before this is called. */
  readonly onDamaged: (state: StateId, pack: PackId) => Promise<void>;
}

/** Transfers of packs: who may have one, and that a state is open exactly as long. */
export class Sessions {
  readonly #parts: SessionParts;
  /** Transfers now, by peer. */
  readonly #clients = new Map<string, number>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  get clients(): number {
    return [...this.#clients.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Throws `not-found`, `refused` for who may not or while the state is in use, `no-point` while all places are taken. */
  open({ state, put, lease: leaseId }: { state: StateId; put: boolean; lease: string }, peer: string): BlocksSession {
    const { parties, leases, doors, log } = this.#parts;
    const lease = put ? leases.use(leaseId, peer, state) : undefined;
    // Whoever has a lease has shown its part; that may have ended since.
    if (lease) parties.party(state, peer, lease.copy ? ['claimant'] : ['source']);
    else parties.party(state, peer, ['destination', 'source', 'holder']);
    this.#checkPlaces(peer);
    const pass = doors.enter(state, put ? 'put' : 'get', peer);
    this.#clients.set(peer, (this.#clients.get(peer) ?? 0) + 1);
    log.info({ state, peer, put }, 'opened');
    const account = lease ? this.#accountOf(lease) : undefined;
    let ended = false;
    return {
      holder: checkedHolder(this.#parts.store, this.#parts.onDamaged),
      put,
      signal: pass.signal,
      book: (sizeBytes) => {
        if (ended || pass.signal.aborted) throw new ResettleError('refused', 'the transfer has ended');
        account!.book(sizeBytes);
      },
      stored: (sizeBytes) => {
        failpoint('point.pack-accepted');
        account!.stored(sizeBytes);
        pass.progress();
      },
      delivered: () => pass.progress(),
      close: () => {
        if (ended) return;
        ended = true;
        account?.end();
        const left = this.#clients.get(peer)! - 1;
        if (left > 0) this.#clients.set(peer, left);
        else this.#clients.delete(peer);
        pass.close();
        log.info({ state, peer }, 'closed');
      },
    };
  }

  #checkPlaces(peer: string): void {
    const { maxClients } = this.#parts.limits;
    const own = this.#clients.get(peer) ?? 0;
    if (this.clients >= maxClients) {
      throw new ResettleError('no-point', `serves ${this.clients} of at most ${maxClients} clients already`);
    }
    if (own >= clientsOfOne(maxClients)) {
      throw new ResettleError('no-point', `serves this machine ${own} times already, of at most ${maxClients} in all`);
    }
  }

  /** What one transfer takes of its lease; what it booked and did not bring goes back. */
  #accountOf(lease: LeaseRecord): { book(bytes: number): void; stored(bytes: number): void; end(): void } {
    const { leases, held } = this.#parts;
    let awaited = 0;
    return {
      book(sizeBytes) {
        leases.book(lease, sizeBytes);
        awaited += sizeBytes;
      },
      stored(sizeBytes) {
        awaited -= sizeBytes;
        leases.stored(lease, sizeBytes);
        held.grow(lease.state, sizeBytes);
      },
      end: () => leases.unbook(lease, awaited),
    };
  }
}
