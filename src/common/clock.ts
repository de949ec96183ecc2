/** Time as a parameter, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since 1970. Wall time: it may jump. */
  now(): number;
  /** Milliseconds that only ever grow, for measuring. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Randomness as a parameter: returns that many unpredictable bytes. */
export type RandomBytes = (byteCount: number) => Uint8Array;
