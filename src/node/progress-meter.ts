import type { Clock } from '../common/clock.ts';
import type { Progress } from '../common/ports.ts';
import type { Emit } from './events.ts';

const EVENT_EVERY_MS = 250;
/** Weight of the newest interval in the rate that is shown. */
const SMOOTHING = 0.3;

/** Turns the steps of one phase after another into events with rate and time left, at most four a second. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #emit: Emit;
  #phase = '';
  #phaseStartMs = 0;
  #lastMs = 0;
  #lastBytes = 0;
  #rate = 0;
  #pending: Progress | undefined;

  constructor(clock: Clock, emit: Emit) {
    this.#clock = clock;
    this.#emit = emit;
  }

  readonly onProgress = (progress: Progress): void => {
    const now = this.#clock.monotonicMs();
    if (progress.phase !== this.#phase) {
      this.finish();
      this.#phase = progress.phase;
      this.#phaseStartMs = now;
      this.#lastMs = now;
      this.#lastBytes = 0;
      this.#rate = 0;
      this.#send(progress);
      return;
    }
    this.#pending = progress;
    if (now - this.#lastMs >= EVENT_EVERY_MS) {
      const newest = ((progress.bytes - this.#lastBytes) * 1000) / (now - this.#lastMs);
      this.#rate = this.#rate === 0 ? newest : this.#rate * (1 - SMOOTHING) + newest * SMOOTHING;
      this.#lastMs = now;
      this.#lastBytes = progress.bytes;
      this.#send(progress);
    }
  };

  /** Sends the last step of a phase if it was held back, with the rate over the whole phase. */
  finish(): void {
    const last = this.#pending;
    if (!last) return;
    const elapsedMs = this.#clock.monotonicMs() - this.#phaseStartMs;
    if (elapsedMs > 0) this.#rate = (last.bytes * 1000) / elapsedMs;
    this.#send(last);
  }

  #send(progress: Progress): void {
    this.#pending = undefined;
    const left = progress.totalBytes - progress.bytes;
    const secondsLeft = progress.totalBytes > 0 && this.#rate > 0 ? Math.max(0, Math.ceil(left / this.#rate)) : null;
    this.#emit({ event: 'progress', ...progress, bytesPerSecond: Math.round(this.#rate), secondsLeft });
  }
}
