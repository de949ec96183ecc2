import { messageOf } from '../../../../common/errors.ts';
import type { AssociationId } from '../../../../common/ids.ts';
import { READ_AGAIN_FIRST_MS, READ_AGAIN_LAST_MS, READ_BACK_FRESH_MS } from '../../../../common/limits.ts';
import type { SourceOptions } from '../types.ts';
import { Confirmation } from './confirm.ts';
import { heldBy } from './evidence.ts';
import { receiptedAssociations } from './receipts.ts';

/**
 * Keeps what this source says of its snapshots true: a trial that comes late makes one safe, a holder that loses its copy
 * takes that back. What was read back too long ago is read again, but only where nothing else is missing.
 */
export class WordKeeper {
  readonly #options: SourceOptions;
  /** Of those whose holders gave nothing when they were last asked. */
  readonly #failed = new Map<AssociationId, { readonly times: number; readonly againMs: number }>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  /** Looks at every association for which something was stored, but those that `isBusy`. */
  async look(isBusy: (id: AssociationId) => boolean, signal: AbortSignal): Promise<void> {
    for (const id of receiptedAssociations(this.#options.home)) {
      signal.throwIfAborted();
      if (isBusy(id)) continue;
      const confirmation = await Confirmation.of(this.#options, id);
      if (!confirmation) continue;
      if (!confirmation.judge().safe && confirmation.judgeIfRead().safe) await this.#read(id, confirmation, signal);
      if (!isBusy(id)) await confirmation.say();
    }
  }

  async #read(id: AssociationId, confirmation: Confirmation, signal: AbortSignal): Promise<void> {
    const { clock, fleet, log } = this.#options;
    const before = this.#failed.get(id);
    if (before && clock.monotonicMs() < before.againMs) return;
    let hasFailed = false;
    for (const { peerId } of heldBy(confirmation.receipt, fleet.events(id))) {
      const read = confirmation.receipt.reads.find((one) => one.peerId === peerId);
      const age = read ? clock.now() - read.atMs : Number.POSITIVE_INFINITY;
      if (age >= 0 && age < READ_BACK_FRESH_MS) continue;
      try {
        await confirmation.read(peerId, () => {}, signal);
      } catch (error) {
        signal.throwIfAborted();
        hasFailed = true;
        log.warn({ association: id }, `nothing could be read back: ${messageOf(error)}`);
      }
    }
    const times = before?.times ?? 0;
    const waitMs = Math.min(READ_AGAIN_LAST_MS, READ_AGAIN_FIRST_MS * 2 ** times);
    if (hasFailed) this.#failed.set(id, { times: times + 1, againMs: clock.monotonicMs() + waitMs });
    else this.#failed.delete(id);
  }
}
