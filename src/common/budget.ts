import type { Clock } from './clock.ts';

export interface BudgetSize {
  readonly burst: number;
  readonly perSecond: number;
}

/** What each of many may do at once, and in a second. Of who has done nothing lately nothing is kept. */
export class Budget<Key> {
  readonly #clock: Clock;
  readonly #size: BudgetSize;
  readonly #used = new Map<Key, { count: number; atMs: number }>();

  constructor(clock: Clock, size: BudgetSize) {
    this.#clock = clock;
    this.#size = size;
  }

  /** Takes so much where there is so much left. */
  take(key: Key, count = 1): boolean {
    if (this.#now(key) + count > this.#size.burst) return false;
    this.#set(key, count);
    return true;
  }

  /** Takes so much in any case. Milliseconds until there is something left again; 0: there is. */
  spend(key: Key, count: number): number {
    this.#set(key, count);
    return Math.max(0, ((this.#now(key) - this.#size.burst) / this.#size.perSecond) * 1000);
  }

  #set(key: Key, count: number): void {
    const used = this.#now(key) + count;
    // Anew, so that they stand in the order in which they were used last.
    this.#used.delete(key);
    this.#used.set(key, { count: used, atMs: this.#clock.monotonicMs() });
    for (const old of this.#used.keys()) {
      if (this.#now(old) > 0) break;
      this.#used.delete(old);
    }
  }

  #now(key: Key): number {
    const known = this.#used.get(key);
    if (!known) return 0;
    const refilled = ((this.#clock.monotonicMs() - known.atMs) * this.#size.perSecond) / 1000;
    return Math.max(0, known.count - refilled);
  }
}
