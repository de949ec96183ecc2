/** Whom to dial next, and how many of those that nobody vouches for. Pure but for the count of tokens. */
import { STRANGER_DIAL_EVERY_MS, STRANGER_DIALS_BURST } from '../../common/limits.ts';

/** Somebody who may be dialled, and at which addresses. */
interface Candidate {
  readonly peerId: string;
  /** Multiaddrs without `/p2p`. */
  readonly addresses: readonly string[];
}

export interface DialTarget {
  /** The peer id, or the address of a seed. */
  readonly key: string;
  readonly addresses: readonly string[];
}

export interface DialWish<P extends Candidate> {
  /** Known from records and from what is heard on the network. */
  readonly known: Iterable<P>;
  readonly isMember: (peer: P) => boolean;
  /** Multiaddrs given by hand or by an invite, with or without a peer id. */
  readonly seeds: readonly string[];
  /** Not connected, not being dialled, and not waiting after a failure. */
  readonly mayDial: (key: string) => boolean;
  /** Dials that may begin now. */
  readonly slots: number;
  /** How many of them may go to peers that are only heard of. */
  readonly strangers: number;
}

/**
 * The order of fallbacks: members, by what records and the network tell; then strangers that are heard, for one of them
 * may be a member whose record has not come yet; then seeds. A quarter of the slots, one at least, is kept for seeds:
 * a fleet whose machines are switched off must not keep an agent from the address that works.
 */
export function dialTargets<P extends Candidate>(wish: DialWish<P>): DialTarget[] {
  const known = [...wish.known].filter(({ peerId, addresses }) => addresses.length > 0 && wish.mayDial(peerId));
  const members = known.filter((peer) => wish.isMember(peer));
  const strangers = known.filter((peer) => !wish.isMember(peer)).slice(0, Math.max(0, wish.strangers));
  const seeds = [...new Set(wish.seeds)].filter((seed) => wish.mayDial(seed));
  const keptForSeeds = Math.min(seeds.length, Math.ceil(wish.slots / 4));
  const peers = [...members, ...strangers].slice(0, Math.max(0, wish.slots - keptForSeeds));
  const targets = peers.map(({ peerId, addresses }) => ({
    key: peerId,
    addresses: addresses.map((address) => `${address}/p2p/${peerId}`),
  }));
  const left = Math.max(0, wish.slots - targets.length);
  return [...targets, ...seeds.slice(0, left).map((seed) => ({ key: seed, addresses: [seed] }))];
}

/** How many strangers may be dialled: whoever announces peer after peer must not make this machine dial without end. */
export class StrangerBudget {
  #tokens = STRANGER_DIALS_BURST;
  #filledAtMs: number;

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** @param nowMs monotonic */
  left(nowMs: number): number {
    const earned = Math.floor((nowMs - this.#filledAtMs) / STRANGER_DIAL_EVERY_MS);
    if (earned > 0) {
      this.#tokens = Math.min(STRANGER_DIALS_BURST, this.#tokens + earned);
      this.#filledAtMs += earned * STRANGER_DIAL_EVERY_MS;
    }
    return this.#tokens;
  }

  spend(count: number): void {
    this.#tokens = Math.max(0, this.#tokens - count);
  }
}
