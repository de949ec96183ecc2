import type { Clock } from '../../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../../common/errors.ts';
import type { PackId, StateId } from '../../../../common/ids.ts';
import type { PackWant } from '../../../../protocols/blocks/client.ts';
import type { Timing } from './timing.ts';
import type { Holder, OpenHolder } from './types.ts';
import { fetchWatched } from './watched.ts';

/**
 * What came of asking a holder for a pack. `lacks`: it does not have it whole. `lost`: its transfer has ended, and it may
 * be tried again later. `out`: it is not asked again.
 */
export type Outcome = 'right' | 'wrong' | 'lacks' | 'lost' | 'out';

export interface LinkOptions {
  readonly state: StateId;
  readonly packs: readonly PackId[];
  readonly clock: Clock;
  readonly timing: Timing;
}

/** One holder as a restore sees it: its transfer, what it lacks, how fast it is, and whether it is asked at all. */
export class HolderLink {
  readonly holder: Holder;
  /** Bytes of packs that it has given. */
  givenBytes = 0;
  readonly #options: LinkOptions;
  readonly #lacks = new Map<PackId, string>();
  #open: OpenHolder | undefined;
  #opening: Promise<OpenHolder> | undefined;
  #wasAsked = false;
  #out: ResettleError | undefined;
  #problem: Error | undefined;
  #failures = 0;
  #retryAtMs = 0;
  #awaitedBytes = 0;
  #busy = 0;
  #busySinceMs = 0;
  #busyMs = 0;

  constructor(holder: Holder, options: LinkOptions) {
    this.holder = holder;
    this.#options = options;
  }

  /** Why it is not asked again, if so. */
  get out(): ResettleError | undefined {
    return this.#out;
  }

  /** Why it was lost last; undefined once it has given something again. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Time of the monotonic clock at which it may be tried. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  mayHave(id: PackId): boolean {
    return this.#out === undefined && !this.#lacks.has(id);
  }

  /** Why it cannot give this pack, for people. */
  reasonFor(id: PackId): string {
    const reason = this.#out?.message ?? this.#lacks.get(id) ?? this.#problem?.message ?? 'it was not reached';
    return reason.includes(this.holder.name) ? reason : `${this.holder.name}: ${reason}`;
  }

  /** Bytes a millisecond while it was busy; undefined where that is not known yet. */
  get rate(): number | undefined {
    const busyMs = this.#busyMs + (this.#busy > 0 ? this.#now() - this.#busySinceMs : 0);
    return this.givenBytes > 0 && busyMs > 0 ? this.givenBytes / busyMs : undefined;
  }

  /** When it would have given so many bytes more, after what is awaited of it already. */
  readyInMs(bytes: number, rateIfUnknown: number): number {
    return (this.#awaitedBytes + bytes) / (this.rate ?? rateIfUnknown);
  }

  /** It has shown that it cannot be trusted, or said that it will not serve. */
  exclude(reason: ResettleError): void {
    this.#out ??= reason;
    this.#drop(reason, false);
  }

  /** `leastBytes`: fewer within the stall time count as a stall. Throws only what `signal` is aborted with. */
  async fetch(want: PackWant, leastBytes: () => number, signal: AbortSignal): Promise<Outcome> {
    let awaitedBytes = want.sizeBytes - want.from;
    let filled = want.from;
    const settle = (bytes: number): void => {
      this.#awaitedBytes -= bytes;
      awaitedBytes -= bytes;
    };
    this.#awaitedBytes += awaitedBytes;
    this.#begin();
    let open: OpenHolder | undefined;
    try {
      open = await this.#opened(signal);
      if (!this.mayHave(want.id)) return this.#out ? 'out' : 'lacks';
      const counted: PackWant = {
        ...want,
        onBytes: (now) => {
          this.givenBytes += now - filled;
          settle(now - filled);
          filled = now;
          this.#failures = 0;
          this.#problem = undefined;
          want.onBytes(now);
        },
      };
      const right = await fetchWatched(
        open,
        counted,
        { ...this.#options.timing, given: () => this.givenBytes, leastBytes },
        signal,
      );
      return right ? 'right' : 'wrong';
    } catch (error) {
      signal.throwIfAborted();
      if (open && open.failure === undefined) {
        this.#lacks.set(want.id, messageOf(error));
        return 'lacks';
      }
      return this.#lost(open, error instanceof Error ? error : new Error(String(error)));
    } finally {
      settle(awaitedBytes);
      this.#end();
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close().catch(() => {});
  }

  abort(reason: Error): void {
    this.#drop(reason, false);
  }

  /** One transfer for all packs that are under way at once. */
  #opened(signal: AbortSignal): Promise<OpenHolder> {
    if (this.#open && this.#open.failure === undefined) return Promise.resolve(this.#open);
    this.#open = undefined;
    this.#opening ??= this.#openAnew(signal).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openAnew(signal: AbortSignal): Promise<OpenHolder> {
    const { state, packs } = this.#options;
    const open = await this.holder.open(state, signal);
    try {
      if (!this.#wasAsked) {
        // A holder that does not answer this is found out pack by pack.
        const missing = await open.missing(packs, signal).catch((error: unknown) => {
          if (error instanceof ResettleError && error.code === 'refused') return [];
          throw error;
        });
        for (const id of missing) this.#lacks.set(id, 'it does not have that pack');
        this.#wasAsked = true;
      }
    } catch (error) {
      open.abort(error instanceof Error ? error : new Error(String(error)), false);
      throw error;
    }
    this.#open = open;
    return open;
  }

  #lost(open: OpenHolder | undefined, error: Error): Outcome {
    // Several packs of one transfer fail together: that is one failure.
    const isNew = open === undefined || open === this.#open;
    if (open !== undefined && open === this.#open) this.#open = undefined;
    this.#problem = error;
    if (error instanceof ResettleError && (error.code === 'refused' || error.code === 'not-found')) {
      this.#out ??= error;
      return 'out';
    }
    if (open !== undefined && error instanceof ResettleError && error.code === 'damaged') {
      this.#out ??= error;
      return 'out';
    }
    if (isNew) {
      const { retryFirstMs, retryLastMs } = this.#options.timing;
      this.#retryAtMs = this.#now() + Math.min(retryLastMs, retryFirstMs * 2 ** Math.min(this.#failures, 20));
      this.#failures += 1;
    }
    return 'lost';
  }

  #drop(reason: Error, unreachable: boolean): void {
    const open = this.#open;
    this.#open = undefined;
    open?.abort(reason, unreachable);
  }

  #begin(): void {
    if (this.#busy === 0) this.#busySinceMs = this.#now();
    this.#busy += 1;
  }

  #end(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#busyMs += this.#now() - this.#busySinceMs;
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
