import { messageOf } from '../../../common/errors.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Log } from '../../log.ts';

export interface WatchOptions {
  readonly fleet: Pick<FleetView, 'onChange'>;
  readonly log: Log;
  /** Changes that come together are looked at once. */
  readonly delayMs: number;
  /** Without any change it looks this often: evidence grows old by itself, and what could not be reached may be back. */
  readonly everyMs: number;
}

/** Does a piece of work after changes of the records, one run at a time, until it is stopped. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlisten: (() => void) | undefined;
  #running = false;
  #again = false;

  constructor(options: WatchOptions, work: (signal: AbortSignal) => Promise<void>) {
    this.#options = options;
    this.#work = work;
  }

  start(): void {
    this.#unlisten = this.#options.fleet.onChange(() => this.soon());
    this.soon();
  }

  stop(): void {
    this.#stop.abort();
    this.#unlisten?.();
    clearTimeout(this.#timer);
  }

  /** Looks after `delayMs`, if it is not about to anyway. */
  soon(): void {
    if (this.#running) this.#again = true;
    else this.#after(this.#options.delayMs, true);
  }

  #after(delayMs: number, replace: boolean): void {
    if (this.#stop.signal.aborted) return;
    if (replace) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#again = false;
    try {
      await this.#work(this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#options.log.warn({ err: error }, `not now: ${messageOf(error)}`);
    } finally {
      this.#running = false;
      this.#after(this.#again ? this.#options.delayMs : this.#options.everyMs, true);
    }
  }
}
