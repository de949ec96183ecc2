/** Hours in moments: whoever sleeps wakes when the clock of his machine was moved far enough. */
import type { Sleep } from '../../../src/node/roles/point/sleep.ts';
import type { OfficeClock } from '../../node/point/support/office.ts';

export class MovedTime {
  readonly #clock: OfficeClock;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  constructor(clock: OfficeClock) {
    this.#clock = clock;
  }

  readonly sleep: Sleep = (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const sleeper = { untilMs: this.#clock.monotonicMs() + ms, wake: done };
      const timer = setTimeout(done, ms);
      timer.unref();
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', done, { once: true });
    });

  move(ms: number): void {
    this.#clock.skippedMs += ms;
    const now = this.#clock.monotonicMs();
    for (const { untilMs, wake } of [...this.#sleepers]) if (untilMs <= now) wake();
  }
}
