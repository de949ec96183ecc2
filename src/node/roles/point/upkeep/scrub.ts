import type { Clock } from '../../../../common/clock.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { PackId } from '../../../../common/ids.ts';
import { OBSERVED_SAVE_MS } from '../../../../common/limits.ts';
import type { PackReference } from '../../../../state/format/index.ts';
import type { Store } from '../../../../state/store/index.ts';
import type { Log } from '../../../log.ts';
import type { Held, HeldStates } from '../held-states.ts';
import type { PointFile } from '../point-file.ts';
import type { Sleep } from '../sleep.ts';
import type { ScrubMarks } from '../state-info.ts';
import type { PointTiming } from '../timing.ts';
import { inTurns } from './verify-in-turns.ts';

export interface ScrubParts {
  readonly store: Store;
  readonly held: HeldStates;
  readonly file: PointFile;
  readonly timing: Pick<PointTiming, 'scrubEveryMs' | 'scrubBytesPerSecond'>;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly log: Log;
  /** A state has packs or a descriptor that are damaged or missing; what was damaged is set aside. */
  readonly onDamaged: (held: Held) => Promise<void>;
}

const NEVER: ScrubMarks = { after: null, doneAtMs: null, bad: 0 };
/** Between two looks at whether anything is due. */
const IDLE_MS = 60_000;

/**
 * Reads every pack again, without a key, as often as it is told and no faster than it may. In the order of ids, so that
 * it goes on where it was after a restart.
 */
export class Scrub {
  readonly #parts: ScrubParts;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
  }

  /** Runs until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { timing, sleep, log } = this.#parts;
    while (!signal.aborted) {
      const due = this.#mostDue();
      if (!due) {
        await sleep(Math.min(IDLE_MS, timing.scrubEveryMs / 4), signal);
        continue;
      }
      try {
        await this.scrub(due, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error, state: due.state }, 'a state could not be scrubbed now');
        await sleep(IDLE_MS, signal);
      }
    }
  }

  /** One whole scrub of a state, from where the last one was. Returns how much is missing or damaged. */
  async scrub(one: Held, signal: AbortSignal): Promise<number> {
    const { held, file, log } = this.#parts;
    const before = one.info?.scrub ?? NEVER;
    let bad = before.after === null ? (await this.#checkDescriptors(one)) + (await this.#checkKeys(one)) : before.bad;
    const packs = await this.#packsAfter(one, before.after);
    let savedMs = file.observedMs();
    for (const turn of inTurns(packs)) {
      signal.throwIfAborted();
      bad += await this.#checkTurn(one, turn, signal);
      if (held.get(one.state) !== one) return bad;
      if (file.observedMs() - savedMs < OBSERVED_SAVE_MS) continue;
      savedMs = file.observedMs();
      await held.remember(one, { scrub: { after: turn.at(-1)!.id, doneAtMs: before.doneAtMs, bad } });
    }
    failpoint('scrub.read');
    await held.remember(one, { scrub: { after: null, doneAtMs: file.observedMs(), bad } });
    failpoint('scrub.noted');
    log.info({ state: one.state, packs: packs.length, bad }, 'scrubbed');
    if (bad > 0) await this.#parts.onDamaged(one);
    return bad;
  }

  /** The state whose last scrub ended longest ago, if that is long enough. */
  #mostDue(): Held | undefined {
    const { held, file, timing } = this.#parts;
    const doneAt = (one: Held): number => Math.min(one.info?.scrub?.doneAtMs ?? -Infinity, file.observedMs());
    return held
      .all()
      .filter((one) => one.info && one.snapshots.length > 0)
      .filter((one) => one.info?.scrub?.after || file.observedMs() - doneAt(one) >= timing.scrubEveryMs)
      .sort((a, b) => doneAt(a) - doneAt(b))[0];
  }

  /** A descriptor that does not verify any more is set aside: it comes back with a copy. */
  async #checkDescriptors(one: Held): Promise<number> {
    const { held, log } = this.#parts;
    let bad = 0;
    for (const snapshot of one.snapshots) {
      if (await held.header(one.state, snapshot)) continue;
      bad += 1;
      log.warn({ state: one.state, snapshot }, 'a descriptor is damaged');
      await held.setSnapshotAside(one, snapshot);
    }
    return bad;
  }

  /** One that is not as it was brought stays where it is: it may be the note that is wrong. */
  async #checkKeys(one: Held): Promise<number> {
    const bad = await this.#parts.held.badKeys(one);
    for (const name of bad) this.#parts.log.warn({ state: one.state, key: name }, 'a key file is damaged or missing');
    return bad.length;
  }

  async #packsAfter(one: Held, after: PackId | null): Promise<PackReference[]> {
    return [...(await this.#parts.held.expected(one))]
      .map(([id, sizeBytes]) => ({ id, sizeBytes }))
      .filter(({ id }) => after === null || id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #checkTurn(one: Held, turn: readonly PackReference[], signal: AbortSignal): Promise<number> {
    const { store, held, clock, timing, sleep, log } = this.#parts;
    const begunMs = clock.monotonicMs();
    const bad = await store.verifyPacks(one.state, turn);
    // A state that was deleted meanwhile is not damaged.
    if (held.get(one.state) !== one) return 0;
    for (const id of bad) {
      log.warn({ state: one.state, pack: id }, 'a pack is damaged or missing');
      await store.setPackAside(one.state, id);
      failpoint('scrub.set-aside');
    }
    const bytes = turn.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const takesMs = (bytes / timing.scrubBytesPerSecond) * 1000;
    await sleep(Math.max(0, takesMs - (clock.monotonicMs() - begunMs)), signal);
    return bad.length;
  }
}
