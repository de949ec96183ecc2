/**
 * How often a code may be tried. Counted before anything goes out that a guess can be made of; what ends in any other
 * way than success stays counted. A shown code is burnt at PAIRING_FAILURES_MAX failures, from whatever machines, since
 * addresses and peer ids are free to make. A typed code is good for one run.
 */
import type { Clock } from '../../common/clock.ts';
import { PAIRING_FAILURES_MAX, PAIRING_LIFE_MS, PAIRING_SCAN_FAILURES_MAX } from '../../common/limits.ts';
import type { Credential, Kind, Purpose, Refusal } from './types.ts';

/** One run's use of a code. */
export interface Attempt {
  /** A guess may be made from here on. */
  count(): void;
  /** The other side has proved the code: nobody else gets it. */
  useUp(): void;
  /** The run is over, however it went. */
  end(): void;
}

/** A code as a run sees it. */
export interface Guesses {
  readonly purpose: Purpose;
  readonly credentials: readonly [Credential, ...Credential[]];
  /** A place for one run, or why there is none. */
  begin(kind: Kind): Attempt | Refusal;
}

/** `live` may be tried; the others are final. */
export type CodeStatus = 'live' | 'used' | 'burnt' | 'expired' | 'withdrawn';

/** The code on this machine's screen. */
export class ShownCode implements Guesses {
  readonly purpose: Purpose;
  readonly credentials: readonly [Credential, ...Credential[]];
  readonly #clock: Clock;
  readonly #shownAt: { readonly wallMs: number; readonly steadyMs: number };
  readonly #failures: Record<Kind, number> = { words: 0, scan: 0 };
  #running = false;
  #final: 'used' | 'burnt' | 'withdrawn' | undefined;

  constructor(purpose: Purpose, credentials: readonly [Credential, ...Credential[]], clock: Clock) {
    this.purpose = purpose;
    this.credentials = credentials;
    this.#clock = clock;
    this.#shownAt = { wallMs: clock.now(), steadyMs: clock.monotonicMs() };
  }

  get status(): CodeStatus {
    return this.#final ?? (this.leftMs > 0 ? 'live' : 'expired');
  }

  /** By whichever clock has gone further: one stands still in a machine that sleeps, the other may be set back. */
  get leftMs(): number {
    const wall = this.#clock.now() - this.#shownAt.wallMs;
    const steady = this.#clock.monotonicMs() - this.#shownAt.steadyMs;
    return Math.max(0, PAIRING_LIFE_MS - Math.max(wall, steady));
  }

  /** Failures that the words still stand. A run under way is counted as one until it succeeds. */
  get failuresLeft(): number {
    return PAIRING_FAILURES_MAX - this.#failures.words;
  }

  get isRunning(): boolean {
    return this.#running;
  }

  begin(kind: Kind): Attempt | Refusal {
    if (this.#running) return 'busy';
    if (this.status !== 'live' || this.#failures[kind] >= limitOf(kind)) return 'over';
    this.#running = true;
    let ended = false;
    let counted = false;
    return {
      count: () => {
        if (!counted) this.#failures[kind] += 1;
        counted = true;
      },
      useUp: () => {
        this.#final ??= 'used';
      },
      end: () => {
        if (ended) return;
        ended = true;
        this.#running = false;
        if (this.failuresLeft <= 0) this.#final ??= 'burnt';
      },
    };
  }

  /** The person took it back. */
  withdraw(): void {
    this.#final ??= 'withdrawn';
  }
}

function limitOf(kind: Kind): number {
  return kind === 'words' ? PAIRING_FAILURES_MAX : PAIRING_SCAN_FAILURES_MAX;
}

/** The code that was typed or scanned here, for one run. One that ends before it counts leaves the code as it was. */
export class TypedCode implements Guesses {
  readonly purpose: Purpose;
  readonly credentials: readonly [Credential];
  #state: 'free' | 'running' | 'spent' = 'free';

  constructor(purpose: Purpose, credential: Credential) {
    this.purpose = purpose;
    this.credentials = [credential];
  }

  /** Whether the person has to type a new one. */
  get isSpent(): boolean {
    return this.#state === 'spent';
  }

  begin(): Attempt | Refusal {
    if (this.#state !== 'free') return this.#state === 'spent' ? 'over' : 'busy';
    this.#state = 'running';
    const spend = (): void => {
      this.#state = 'spent';
    };
    return {
      count: spend,
      useUp: spend,
      end: () => {
        if (this.#state === 'running') this.#state = 'free';
      },
    };
  }
}
