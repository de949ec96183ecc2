import type { Clock } from '../../../../common/clock.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { PackId, StateId } from '../../../../common/ids.ts';
import type { Store } from '../../../../state/store/index.ts';
import type { Log } from '../../../log.ts';
import type { Held, HeldStates } from '../held-states.ts';

/** Packs that no descriptor refers to: kept a while for a capture to go on, unless their room is needed. */
export class Unfinished {
  readonly #store: Store;
  readonly #held: HeldStates;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #keepMs: number;
  /** Since when nobody works on them, by the monotonic clock. */
  readonly #since = new Map<StateId, number>();

  constructor(parts: { store: Store; held: HeldStates; clock: Clock; log: Log }, keepMs: number) {
    this.#store = parts.store;
    this.#held = parts.held;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#keepMs = keepMs;
  }

  /** Nobody works on the state any more; what is there of it waits. */
  async leave(held: Held): Promise<void> {
    if (held.usage.packBytes === 0 && held.snapshots.length === 0) return this.drop(held);
    this.#since.set(held.state, this.#clock.monotonicMs());
    await this.#held.remember(held, { lease: null, unfinished: true });
  }

  /** States whose packs wait, those that wait longest first. */
  waiting(): Held[] {
    return [...this.#since]
      .sort(([, a], [, b]) => a - b)
      .map(([state]) => this.#held.get(state))
      .filter((held) => held !== undefined);
  }

  /** Those that have waited long enough. */
  over(): Held[] {
    const now = this.#clock.monotonicMs();
    return this.waiting().filter(({ state }) => now - this.#since.get(state)! >= this.#keepMs);
  }

  /** A capture goes on with them. */
  takenUp(state: StateId): void {
    this.#since.delete(state);
  }

  /** Removes what no descriptor of the state refers to; a state without any is removed whole. */
  async drop(held: Held): Promise<void> {
    this.#since.delete(held.state);
    if (held.snapshots.length === 0) {
      await this.#held.drop(held);
      return;
    }
    const keep: PackId[] = [];
    for (const snapshot of held.snapshots) {
      const header = await this.#held.header(held.state, snapshot);
      if (!header) {
        // It might refer to any pack: the scrub sees to it first.
        this.#log.warn({ state: held.state, snapshot }, 'a descriptor cannot be read, so no pack is dropped');
        return;
      }
      for (const { id } of header.packs) keep.push(id);
    }
    await this.#store.dropPacksExcept(held.state, keep);
    failpoint('lease.leftovers-dropped');
    await this.#held.recount(held);
    await this.#held.remember(held, { unfinished: false });
  }
}
