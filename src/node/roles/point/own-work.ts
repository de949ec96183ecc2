import type { Clock } from '../../../common/clock.ts';
import { messageOf } from '../../../common/errors.ts';
import type { StateId } from '../../../common/ids.ts';
import { OWN_WORK_RETRY_MAX_MS } from '../../../common/limits.ts';
import type { Log } from '../../log.ts';
import type { Replication } from './copies/replication.ts';
import type { Held, HeldStates } from './held-states.ts';
import type { Sleep } from './sleep.ts';
import type { PointTiming } from './timing.ts';
import type { Repair } from './upkeep/repair.ts';

export interface OwnWorkParts {
  readonly held: HeldStates;
  readonly repair: Repair;
  readonly replication: Replication;
  readonly timing: Pick<PointTiming, 'tickMs' | 'retryMs'>;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly log: Log;
}

type Kind = 'repair' | 'copy';

/** What a point does unasked: repairs and copies, one at a time, with patience for what fails. */
export class OwnWork {
  readonly #parts: OwnWorkParts;
  readonly #damaged = new Set<StateId>();
  /** When what failed is tried again, by the monotonic clock. */
  readonly #waits = new Map<string, { untilMs: number; delayMs: number }>();
  #nap = new AbortController();
  #nextMs = 0;

  constructor(parts: OwnWorkParts) {
    this.#parts = parts;
  }

  /** Something may be to be done now. */
  wake(): void {
    this.#nap.abort();
  }

  /** A state has lost packs: it is repaired as soon as may be. */
  noteDamage(state: StateId): void {
    this.#damaged.add(state);
    this.#waits.delete(keyOf('repair', state));
    this.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { timing, sleep } = this.#parts;
    while (!signal.aborted) {
      this.#nap = new AbortController();
      this.#nextMs = timing.tickMs;
      await this.#once(signal);
      await sleep(this.#nextMs, AbortSignal.any([signal, this.#nap.signal]));
    }
  }

  /** One round over all states. Leaves in `nextMs` when the next one is worth it: at once where something was done. */
  async #once(signal: AbortSignal): Promise<void> {
    const { held, replication } = this.#parts;
    for (const one of held.all()) {
      if (signal.aborted) return;
      if (this.#needsRepair(one)) await this.#try('repair', one, signal, () => this.#repair(one, signal));
      const dueInMs = replication.dueInMs(one);
      if (dueInMs === undefined) this.#waits.delete(keyOf('copy', one.state));
      else if (dueInMs > 0) this.#comeBackIn(dueInMs);
      else if (await this.#try('copy', one, signal, () => this.#copy(one, signal))) this.#comeBackIn(0);
    }
  }

  #comeBackIn(ms: number): void {
    this.#nextMs = Math.min(this.#nextMs, ms);
  }

  #needsRepair(one: Held): boolean {
    return (
      this.#damaged.has(one.state) ||
      (one.newest?.missing ?? 0) > 0 ||
      one.badKeys > 0 ||
      (one.info?.scrub?.bad ?? 0) > 0
    );
  }

  async #repair(one: Held, signal: AbortSignal): Promise<'done' | 'later'> {
    const lacking = await this.#parts.repair.repair(one, signal);
    if (lacking > 0) return 'later';
    this.#damaged.delete(one.state);
    return 'done';
  }

  async #copy(one: Held, signal: AbortSignal): Promise<'done' | 'later'> {
    // Where nothing more is to be done although it seemed so, nobody needs to be asked again soon.
    return (await this.#parts.replication.makeCopy(one, signal)) ? 'later' : 'done';
  }

  /** True when it was done. */
  async #try(kind: Kind, one: Held, signal: AbortSignal, work: () => Promise<'done' | 'later'>): Promise<boolean> {
    const { clock, timing, log } = this.#parts;
    const key = keyOf(kind, one.state);
    const wait = this.#waits.get(key);
    if (wait && clock.monotonicMs() < wait.untilMs) {
      this.#comeBackIn(wait.untilMs - clock.monotonicMs());
      return false;
    }
    try {
      if ((await work()) === 'done') {
        this.#waits.delete(key);
        return true;
      }
    } catch (error) {
      if (signal.aborted) return false;
      log.info({ state: one.state, kind, reason: messageOf(error) }, 'it is tried again later');
    }
    const delayMs = Math.min(OWN_WORK_RETRY_MAX_MS, wait ? wait.delayMs * 2 : timing.retryMs);
    this.#waits.set(key, { delayMs, untilMs: clock.monotonicMs() + delayMs });
    this.#comeBackIn(delayMs);
    return false;
  }
}

function keyOf(kind: Kind, state: StateId): string {
  return `${kind} ${state}`;
}
