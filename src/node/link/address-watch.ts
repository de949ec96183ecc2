import { messageOf } from '../../common/errors.ts';
import type { Log } from '../log.ts';
import { type LocalLink, localLinks } from './interfaces.ts';

const LOOK_EVERY_MS = 2000;

/** What has changed since the last look. */
export interface AddressChange {
  readonly links: readonly LocalLink[];
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

export interface AddressWatchOptions {
  readonly log: Log;
  /** Called at every look, changed or not: what could not be done last time is tried again. */
  readonly onLook: (change: AddressChange) => Promise<void>;
  readonly links?: () => readonly LocalLink[];
}

/** Looks at this machine's addresses every two seconds: a cable, a new lease, a tunnel that comes up. */
export class AddressWatch {
  readonly #options: AddressWatchOptions;
  #known: ReadonlySet<string>;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLooking = false;

  constructor(options: AddressWatchOptions) {
    this.#options = options;
    this.#known = addressesIn(this.#links());
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks once. Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const links = this.#links();
      const now = addressesIn(links);
      const change = { links, gained: without(now, this.#known), lost: without(this.#known, now) };
      this.#known = now;
      if (change.gained.length + change.lost.length > 0) {
        const { gained, lost } = change;
        this.#options.log.info({ gained, lost }, 'the addresses of this machine have changed');
      }
      await this.#options.onLook(change);
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'following the addresses of this machine failed');
    } finally {
      this.#isLooking = false;
    }
  }

  #links(): readonly LocalLink[] {
    return (this.#options.links ?? localLinks)();
  }
}

function addressesIn(links: readonly LocalLink[]): Set<string> {
  return new Set(links.flatMap((link) => link.addresses.map(({ ip }) => ip)));
}

function without(all: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  return [...all].filter((item) => !others.has(item));
}
