import type { Clock } from '../common/clock.ts';
import { messageOf, ResettleError } from '../common/errors.ts';
import { REFUSALS_MAX, REFUSALS_PER_PEER_MAX } from '../common/limits.ts';

/** Something that this machine did not do for somebody, or take from him, and why. */
export interface Refusal {
  readonly peer: string;
  readonly code: string;
  readonly message: string;
  /** Of the last time, milliseconds since 1970 by this machine's clock. */
  readonly atMs: number;
  readonly count: number;
}

/** The last refusals, for `status`. Bounded, also for each peer; the same one again only counts up. */
export class Refusals {
  readonly #clock: Clock;
  #list: Refusal[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(error: unknown, peer: string): void {
    const code = error instanceof ResettleError ? error.code : 'failed';
    const message = messageOf(error).slice(0, 300);
    const same = this.#list.find((one) => one.peer === peer && one.code === code && one.message === message);
    const rest = this.#list.filter((one) => one !== same);
    const ofPeer = rest.filter((one) => one.peer === peer);
    const oldest = ofPeer.length >= REFUSALS_PER_PEER_MAX ? ofPeer[0] : undefined;
    const fresh = { peer, code, message, atMs: this.#clock.now(), count: (same?.count ?? 0) + 1 };
    this.#list = [...rest.filter((one) => one !== oldest), fresh].slice(-REFUSALS_MAX);
  }

  /** The oldest first. */
  list(): readonly Refusal[] {
    return this.#list;
  }
}
