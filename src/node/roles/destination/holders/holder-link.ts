import type { Clock } from '../../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../../common/errors.ts';
import type { PackId, StateId } from '../../../../common/ids.ts';
import type { PackWant } from '../../../../protocols/blocks/client.ts';
import { Rate } from './rate.ts';
import type { Timing } from './timing.ts';
import type { Holder, OpenHolder } from './types.ts';
import { fetchWatched } from './watched.ts';

/** What came of asking a holder for a pack. `lacks`: it does not have it whole. `ended`: its transfer has. */
export type Outcome = 'right' | 'wrong' | 'lacks' | 'ended';

export interface LinkOptions {
  readonly state: StateId;
  readonly packs: readonly PackId[];
  readonly clock: Clock;
  readonly timing: Timing;
  /** It was opened, lost, or is not asked again. */
  readonly onChange: (link: HolderLink) => void;
}

/** One holder as a restore sees it: its transfer, what it lacks, how fast it is, and whether it is asked at all. */
export class HolderLink {
  readonly holder: Holder;
  readonly rate: Rate;
  /** Bytes of packs that it has given. */
  givenBytes = 0;
  /** Bytes of packs that it was asked for and has not given yet. */
  awaitedBytes = 0;
  readonly #options: LinkOptions;
  readonly #lacks = new Map<PackId, string>();
  readonly #end = new AbortController();
  #open: OpenHolder | undefined;
  #isOpening = false;
  #wasOpen = false;
  #wasAsked = false;
  #out: ResettleError | undefined;
  #problem: Error | undefined;
  #failures = 0;
  #retryAtMs = 0;

  constructor(holder: Holder, options: LinkOptions) {
    this.holder = holder;
    this.#options = options;
    this.rate = new Rate(options.clock);
  }

  /** Why it is not asked again, if so. */
  get out(): ResettleError | undefined {
    return this.#out;
  }

  /** Why it was lost last; undefined once it has given something again. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  get isOpen(): boolean {
    return this.#open !== undefined && this.#open.failure === undefined;
  }

  get isOpening(): boolean {
    return this.#isOpening;
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

  /** Opens it, unless that is done, under way, or too soon. Nobody waits: a machine that is off takes seconds to say so. */
  warm(): void {
    const tooSoon = this.#retryAtMs > this.#options.clock.monotonicMs();
    if (this.isOpen || this.#isOpening || this.#out || tooSoon || this.#end.signal.aborted) return;
    this.#isOpening = true;
    void this.#openAnew().then(
      (open) => {
        this.#isOpening = false;
        if (this.#end.signal.aborted || this.#out) {
          open.abort(this.#out ?? (this.#end.signal.reason as Error), false);
          return;
        }
        this.#open = open;
        this.#wasOpen = true;
        this.#options.onChange(this);
      },
      (error: unknown) => {
        this.#isOpening = false;
        if (!this.#end.signal.aborted) this.#lost(asError(error), false);
      },
    );
  }

  /** It has shown that it cannot be trusted. */
  exclude(reason: ResettleError): void {
    this.#out ??= reason;
    this.#drop(reason);
    this.#options.onChange(this);
  }

  /** Of one that is open. `leastBytes`: fewer within the stall time count as a stall. Throws only what `signal` says. */
  async fetch(want: PackWant, leastBytes: () => number, signal: AbortSignal): Promise<Outcome> {
    const open = this.#open;
    if (!open || open.failure) return 'ended';
    let filled = want.from;
    let awaitedBytes = want.sizeBytes - want.from;
    const settle = (bytes: number): void => {
      this.awaitedBytes -= bytes;
      awaitedBytes -= bytes;
    };
    const onBytes = (now: number): void => {
      const bytes = now - filled;
      filled = now;
      settle(bytes);
      this.givenBytes += bytes;
      this.rate.add(bytes);
      this.#failures = 0;
      this.#problem = undefined;
      want.onBytes(now);
    };
    this.awaitedBytes += awaitedBytes;
    this.rate.begin();
    try {
      const patience = { ...this.#options.timing, given: () => this.givenBytes, leastBytes };
      return (await fetchWatched(open, { ...want, onBytes }, patience, signal)) ? 'right' : 'wrong';
    } catch (error) {
      signal.throwIfAborted();
      if (open.failure === undefined) {
        this.#lacks.set(want.id, messageOf(error));
        return 'lacks';
      }
      // Several packs of one transfer fail together: that is one failure.
      if (open === this.#open) {
        this.#open = undefined;
        this.#lost(asError(error), true);
      }
      return 'ended';
    } finally {
      settle(awaitedBytes);
      this.rate.end();
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#end.abort(new ResettleError('interrupted', 'the restore has ended'));
    await open?.close().catch(() => {});
  }

  abort(reason: Error): void {
    this.#end.abort(reason);
    this.#drop(reason);
  }

  async #openAnew(): Promise<OpenHolder> {
    const { state, packs } = this.#options;
    const { signal } = this.#end;
    const open = await this.holder.open(state, signal);
    if (this.#wasAsked) return open;
    try {
      // A holder that does not answer this is found out pack by pack.
      const missing = await open.missing(packs, signal).catch((error: unknown) => {
        if (error instanceof ResettleError && error.code === 'refused') return [];
        throw error;
      });
      for (const id of missing) this.#lacks.set(id, 'it does not have that pack');
      this.#wasAsked = true;
      return open;
    } catch (error) {
      open.abort(asError(error), false);
      throw error;
    }
  }

  #lost(error: Error, wasOpen: boolean): void {
    const { timing, clock, onChange } = this.#options;
    this.#problem = error;
    const code = error instanceof ResettleError ? error.code : 'failed';
    // It refuses, has nothing of it, or breaks the protocol: no waiting mends that.
    if (code === 'refused' || code === 'not-found' || (wasOpen && code === 'damaged')) {
      this.#out ??= error as ResettleError;
    } else {
      const waitMs = timing.retryFirstMs * 2 ** Math.min(this.#failures, 20);
      this.#retryAtMs = clock.monotonicMs() + Math.min(timing.retryLastMs, waitMs);
      this.#failures += 1;
    }
    onChange(this);
  }

  #drop(reason: Error): void {
    const open = this.#open;
    this.#open = undefined;
    open?.abort(reason, false);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
