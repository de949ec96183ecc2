import type { Clock } from '../../../common/clock.ts';
import { TIMING, type Timing } from './holders/timing.ts';

/**
 * Waits for those who do not answer before a restore has begun, as long as in its midst: `reconnectMs` from when they were
 * missed first, in all of what they are asked.
 */
export class Patience {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #onNote: (message: string) => void;
  readonly #timing: Timing;
  #endMs: number | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs'>, onNote: (message: string) => void, timing: Timing = TIMING) {
    this.#clock = clock;
    this.#onNote = onNote;
    this.#timing = timing;
  }

  /** True after a while, when they may be asked again; false where they were waited for long enough. */
  async wait(why: string, signal: AbortSignal): Promise<boolean> {
    const now = this.#clock.monotonicMs();
    const { reconnectMs, retryFirstMs } = this.#timing;
    if (this.#endMs === undefined) {
      this.#endMs = now + reconnectMs;
      this.#onNote(`waiting up to ${reconnectMs / 1000} s: ${why}`);
    }
    if (now >= this.#endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, retryFirstMs));
    signal.throwIfAborted();
    return true;
  }
}
