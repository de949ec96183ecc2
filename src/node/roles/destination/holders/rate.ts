import type { Clock } from '../../../../common/clock.ts';

/** Small packs are a matter of delay, not of speed: so many bytes make one sample. */
const SAMPLE_BYTES = 1024 * 1024;
/** Of the new sample, in the mean. */
const NEW_SHARE = 0.4;
/** An old speed says nothing: who was slow is tried again. */
const KEPT_MS = 30_000;

/** How fast somebody gives while anything is awaited of him. */
export class Rate {
  readonly #clock: Clock;
  #awaiting = 0;
  #sinceMs = 0;
  #bytes = 0;
  #busyMs = 0;
  #mean: number | undefined;
  #meanAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes a millisecond; undefined where nothing is known of the last half minute. */
  get bytesPerMs(): number | undefined {
    return this.#clock.monotonicMs() - this.#meanAtMs < KEPT_MS ? this.#mean : undefined;
  }

  begin(): void {
    if (this.#awaiting === 0) this.#sinceMs = this.#clock.monotonicMs();
    this.#awaiting += 1;
  }

  end(): void {
    this.#settle();
    this.#awaiting -= 1;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < SAMPLE_BYTES) return;
    this.#settle();
    const sample = this.#bytes / Math.max(this.#busyMs, 0.01);
    const known = this.bytesPerMs;
    this.#mean = known === undefined ? sample : known + (sample - known) * NEW_SHARE;
    this.#meanAtMs = this.#clock.monotonicMs();
    this.#bytes = 0;
    this.#busyMs = 0;
  }

  #settle(): void {
    const now = this.#clock.monotonicMs();
    if (this.#awaiting > 0) this.#busyMs += now - this.#sinceMs;
    this.#sinceMs = now;
  }
}
