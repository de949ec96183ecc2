import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText } from '../../../common/ids.ts';
import { RELEASE_NONCE_MS, RELEASE_NONCES_MAX, RELEASE_NONCES_PER_PEER_MAX } from '../../../common/limits.ts';
import { NONCE_BYTES } from '../../../protocols/shares/messages.ts';

interface Given {
  readonly peer: PeerIdText;
  readonly subject: string;
  readonly untilMs: number;
}

/** Nonces that were given out: each is good once, for one peer and subject, for a short while, and they are few. */
export class Nonces {
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #given = new Map<string, Given>();

  constructor(clock: Clock, random: RandomBytes) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Throws `refused` where too many are waiting to be used. */
  give(peer: PeerIdText, subject: string): Uint8Array {
    const now = this.#clock.monotonicMs();
    for (const [nonce, { untilMs }] of this.#given) if (untilMs <= now) this.#given.delete(nonce);
    const own = [...this.#given.values()].filter((one) => one.peer === peer).length;
    if (own >= RELEASE_NONCES_PER_PEER_MAX || this.#given.size >= RELEASE_NONCES_MAX) {
      throw new ResettleError('refused', 'too many requests for a share are under way', {
        hint: `try again after ${RELEASE_NONCE_MS / 1000} s`,
      });
    }
    const nonce = this.#random(NONCE_BYTES);
    this.#given.set(hexOf(nonce), { peer, subject, untilMs: now + RELEASE_NONCE_MS });
    return nonce;
  }

  /** Uses a nonce up, whatever comes of it. Throws `refused` where it is not this peer's, for this, and fresh. */
  spend(nonce: Uint8Array, peer: PeerIdText, subject: string): void {
    const key = hexOf(nonce);
    const given = this.#given.get(key);
    if (given?.peer !== peer) throw stale();
    this.#given.delete(key);
    if (given.subject !== subject || given.untilMs <= this.#clock.monotonicMs()) throw stale();
  }
}

function stale(): ResettleError {
  return new ResettleError('refused', 'the request for a share is not fresh', { hint: 'ask again' });
}
