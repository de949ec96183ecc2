/**
 * How many guesses one HOME gives away in an hour, over all its codes and whoever makes them: who asks for codes for
 * ever must not have guesses for ever. It survives a restart, since the times are kept by the port.
 */
import type { Clock } from '../../common/clock.ts';
import { PAIRING_COUNTED_PER_HOUR_MAX } from '../../common/limits.ts';

const HOUR_MS = 3_600_000;

/** When guesses were counted, in milliseconds since 1970. Kept durably, for all processes of this HOME together. */
export interface GuessTimes {
  /** Replaces the times by what `change` makes of them; durable when it settles, and nobody else's change in between. */
  update(change: (times: readonly number[]) => readonly number[]): Promise<void>;
}

export class HourlyCap {
  readonly #times: GuessTimes;
  readonly #clock: Clock;

  constructor(times: GuessTimes, clock: Clock) {
    this.#times = times;
    this.#clock = clock;
  }

  /** Counts a guess. Returns its time, for `giveBack`, or undefined where the hour is full. */
  async take(): Promise<number | undefined> {
    const now = this.#clock.now();
    let taken: number | undefined;
    await this.#times.update((times) => {
      const lastHour = timesOfLastHour(times, now);
      if (lastHour.length >= PAIRING_COUNTED_PER_HOUR_MAX) return lastHour;
      taken = now;
      return [...lastHour, now];
    });
    return taken;
  }

  /** It was no guess: the code was right. */
  async giveBack(taken: number): Promise<void> {
    await this.#times.update((times) => {
      const at = times.lastIndexOf(taken);
      return at < 0 ? times : times.toSpliced(at, 1);
    });
  }
}

/** A time that lies ahead comes from a clock that was set back since: it counts as now, so that it ends in an hour. */
function timesOfLastHour(times: readonly number[], now: number): number[] {
  return times.map((time) => Math.min(time, now)).filter((time) => now - time < HOUR_MS);
}
