import { z } from 'zod';
import type { Clock } from '../../../common/clock.ts';
import type { AssociationId, StateId } from '../../../common/ids.ts';
import { OBSERVED_SAVE_MS } from '../../../common/limits.ts';
import { parseBy } from '../../../common/parse-by.ts';
import type { Store } from '../../../state/store/index.ts';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();
const PointFileSchema = z.object({
  version: z.literal(1),
  observedMs: count,
  deleting: z
    .array(
      z.object({
        state: HASH,
        association: HASH,
        snapshot: count,
        descriptorHash: HASH,
        totalBytes: count,
        reason: z.string().max(200),
      }),
    )
    .catch([]),
});

/** A deletion that was decided, and may have been interrupted anywhere up to its signed record. */
export interface Deletion {
  readonly state: StateId;
  readonly association: AssociationId;
  readonly snapshot: number;
  readonly descriptorHash: string;
  readonly totalBytes: number;
  readonly reason: string;
}

/**
 * STORE/point.json: how much time this point has observed, and which deletions are under way. Time is what passed by the
 * monotonic clock while it ran: the wall clock may say what it likes. A crash loses a minute of it at most, so that
 * states are kept a little longer, never shorter.
 */
export class PointFile {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #before: number;
  readonly #deleting = new Map<StateId, Deletion>();
  #savedMs: number;

  private constructor(store: Store, clock: Clock, observedMs: number, deleting: readonly Deletion[]) {
    this.#store = store;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#before = observedMs;
    this.#savedMs = observedMs;
    for (const deletion of deleting) this.#deleting.set(deletion.state, deletion);
  }

  static async open(store: Store, clock: Clock): Promise<PointFile> {
    const parsed = parseBy(PointFileSchema, await store.readPointFile());
    const { observedMs, deleting } = parsed.success ? parsed.data : { observedMs: 0, deleting: [] };
    return new PointFile(store, clock, observedMs, deleting as Deletion[]);
  }

  /** Time observed over the life of the store, in milliseconds. */
  observedMs(): number {
    return this.#before + Math.max(0, Math.floor(this.#clock.monotonicMs() - this.#startedMs));
  }

  /** Writes the time where the last write is long enough ago. */
  async saveNowAndThen(): Promise<void> {
    if (this.observedMs() - this.#savedMs >= OBSERVED_SAVE_MS) await this.save();
  }

  async save(): Promise<void> {
    const observedMs = this.observedMs();
    this.#savedMs = observedMs;
    await this.#store.writePointFile({ version: 1, observedMs, deleting: this.deletions() });
  }

  deletions(): Deletion[] {
    return [...this.#deleting.values()];
  }

  /** Durable when it settles: from here on the state will be deleted. */
  async beginDeletion(deletion: Deletion): Promise<void> {
    this.#deleting.set(deletion.state, deletion);
    await this.save();
  }

  async endDeletion(state: StateId): Promise<void> {
    this.#deleting.delete(state);
    await this.save();
  }
}
