import { messageOf } from '../../../../common/errors.ts';
import type { PackId, PeerIdText, StateId } from '../../../../common/ids.ts';
import type { PointClient } from '../../../../protocols/point/point.ts';
import type { KnownPlace } from '../source-state.ts';

/** None of the points that have what was captured before can be asked. */
export class HoldersSilent extends Error {}

/** Which of the packs of earlier captures each point of one place still has. */
export class HeldPacks {
  readonly #holders = new Map<PackId, PeerIdText[]>();
  readonly #place: KnownPlace;
  readonly #state: StateId;
  readonly #reach: (peerId: PeerIdText, signal: AbortSignal) => Promise<PointClient>;

  constructor(
    place: KnownPlace,
    state: StateId,
    reach: (peerId: PeerIdText, signal: AbortSignal) => Promise<PointClient>,
  ) {
    this.#place = place;
    this.#state = state;
    this.#reach = reach;
  }

  /** Asks all points; returns those of `packs` that none of them has. Throws HoldersSilent where none answers. */
  async missing(packs: readonly PackId[], signal: AbortSignal): Promise<readonly PackId[]> {
    let lastError: unknown;
    let answers = 0;
    await Promise.all(
      this.#place.points.map(async (peerId) => {
        try {
          const client = await this.#reach(peerId, signal);
          const missing = new Set(await client.missing(this.#state, packs, signal));
          answers += 1;
          for (const id of packs) {
            if (!missing.has(id)) this.#holders.set(id, [...(this.#holders.get(id) ?? []), peerId]);
          }
        } catch (error) {
          signal.throwIfAborted();
          lastError = error;
        }
      }),
    );
    if (answers === 0) throw new HoldersSilent(messageOf(lastError));
    return packs.filter((id) => !this.#holders.has(id));
  }

  /** Who has that pack of an earlier capture. */
  holdersOf(id: PackId): readonly PeerIdText[] {
    return this.#holders.get(id) ?? [];
  }
}
