/**
 * How fast small things of a peer are taken in. A frame of a few bytes costs this machine about as much as one of 64 KiB; who sends
 * nothing else would have all of the thread that moves everybody's packs. It is slowed down: what it sends stays in its socket.
 */
import type { MessageStream } from '@libp2p/interface';
import { Budget } from '../../common/budget.ts';
import type { Clock } from '../../common/clock.ts';
import { PACE_BURST, PACE_PAUSE_MAX_MS, PACE_PER_SECOND } from '../../common/limits.ts';

/** All who are no members share one budget: keys cost them nothing. */
export const STRANGERS = 'strangers';

export class Pace {
  readonly #budget: Budget<string>;

  constructor(clock: Clock) {
    this.#budget = new Budget(clock, { burst: PACE_BURST, perSecond: PACE_PER_SECOND });
  }

  /** Takes so many small things of a peer, and nothing more on that connection for as long as they are too many. */
  take(peer: string, count: number, channel: MessageStream): void {
    const pauseMs = Math.min(this.#budget.spend(peer, count), PACE_PAUSE_MAX_MS);
    if (pauseMs < 1) return;
    unlessEnding(() => channel.pause());
    setTimeout(() => unlessEnding(() => channel.resume()), pauseMs).unref();
  }
}

/** What is beneath a channel may be closing before the channel knows; then both throw. */
function unlessEnding(act: () => void): void {
  try {
    act();
  } catch (error) {
    if ((error as Error).name !== 'StreamStateError') throw error;
  }
}
