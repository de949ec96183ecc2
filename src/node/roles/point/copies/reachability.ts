import type { Clock } from '../../../../common/clock.ts';
import { messageOf } from '../../../../common/errors.ts';
import type { PeerIdText } from '../../../../common/ids.ts';
import type { Log } from '../../../log.ts';
import type { ConnectPoint } from '../other-points.ts';

export interface ReachabilityOptions {
  readonly connect: ConnectPoint;
  readonly clock: Clock;
  readonly lostAfterMs: number;
  readonly log: Log;
}

/** Looks of others in one time of `lostAfterMs`. */
const LOOKS = 4;

/** Which other holders can be reached. One that could not for long enough is lost, until it can again. */
export class Reachability {
  readonly #options: ReachabilityOptions;
  /** Since when not, by the monotonic clock; undefined: it answered. */
  readonly #away = new Map<PeerIdText, { sinceMs: number | undefined; lookedMs: number }>();

  constructor(options: ReachabilityOptions) {
    this.#options = options;
  }

  /** Asks those whose turn it is. Forgets everybody else. */
  async look(holders: ReadonlySet<PeerIdText>, signal: AbortSignal): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    for (const peer of this.#away.keys()) if (!holders.has(peer)) this.#away.delete(peer);
    for (const peer of holders) {
      const known = this.#away.get(peer);
      if (!known || now - known.lookedMs >= this.#options.lostAfterMs / LOOKS) await this.ask(peer, signal);
    }
  }

  /** Asks one now. True when it answers. */
  async ask(peer: PeerIdText, signal: AbortSignal): Promise<boolean> {
    const { connect, clock, log } = this.#options;
    const before = this.#away.get(peer);
    try {
      await (await connect(peer, signal)).capacity(signal);
      this.#away.set(peer, { sinceMs: undefined, lookedMs: clock.monotonicMs() });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      const now = clock.monotonicMs();
      this.#away.set(peer, { sinceMs: before?.sinceMs ?? now, lookedMs: now });
      log.debug({ peer, reason: messageOf(error) }, 'another holder cannot be reached');
      return false;
    }
  }

  isLost(peer: PeerIdText): boolean {
    const sinceMs = this.#away.get(peer)?.sinceMs;
    return sinceMs !== undefined && this.#options.clock.monotonicMs() - sinceMs >= this.#options.lostAfterMs;
  }
}
