import { PROGRESS_INTERVAL_MS } from '../../common/limits.ts';
import type { Progress } from '../../common/ports.ts';

/** Tells progress now and then, however often a worker counts. */
export class ProgressTeller {
  readonly #tell: (progress: Progress) => void;
  #lastMs = 0;
  #calls = 0;

  constructor(tell: (progress: Progress) => void) {
    this.#tell = tell;
  }

  /** Cheap enough to be called for every file: looks at the clock at every 32nd call. */
  count(progress: () => Progress): void {
    this.#calls += 1;
    if (this.#calls % 32 !== 0) return;
    const now = performance.now();
    if (now - this.#lastMs < PROGRESS_INTERVAL_MS) return;
    this.#lastMs = now;
    this.#tell(progress());
  }

  /** Tells in any case, as at the end of a phase. */
  now(progress: Progress): void {
    this.#tell(progress);
  }
}
