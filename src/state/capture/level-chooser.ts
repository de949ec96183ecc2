import { LEVEL_MAX, LEVEL_MIN } from '../format/compression.ts';

/** Of a pack's time, spent waiting for the holder: above it there is time to compress more, below it there is none. */
const IDLE_SHARE = 0.4;
const BUSY_SHARE = 0.1;
/** A single small pack tells of the moment, not of the link. */
const DECIDE_AFTER_MS = 50;

/**
 * Chooses the level of compression by what holds a capture up. A holder that takes packs slower than they are made (a
 * link, a disk) leaves time for a higher level; where packs are waited for, the level goes down again. 0 is none.
 */
export class LevelChooser {
  readonly #min: number;
  #level: number;
  /** Since the level was looked at last. */
  #workMs = 0;
  #waitMs = 0;
  #idleMs = 0;

  /** `min`: the level that it begins with. */
  constructor(min = LEVEL_MIN) {
    this.#min = min;
    this.#level = min;
  }

  get level(): number {
    return this.#level;
  }

  /**
   * Hears of each pack: milliseconds of work, and of waiting for the holder before it could begin; and where that is
   * known, for how many of them the holder itself had nothing to do. One that is always busy is what holds it up, and
   * would have to decompress besides.
   */
  onPack(workMs: number, waitMs: number, idleMs = Number.POSITIVE_INFINITY): void {
    this.#workMs += workMs;
    this.#waitMs += waitMs;
    this.#idleMs += idleMs;
    const sum = this.#workMs + this.#waitMs;
    if (sum < DECIDE_AFTER_MS) return;
    const share = this.#idleMs / sum < BUSY_SHARE ? 0 : this.#waitMs / sum;
    if (share > IDLE_SHARE) this.#level = Math.min(LEVEL_MAX, this.#level + 1);
    else if (share < BUSY_SHARE) this.#level = Math.max(this.#min, this.#level - 1);
    this.#workMs = 0;
    this.#waitMs = 0;
    this.#idleMs = 0;
  }
}
