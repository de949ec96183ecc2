import { messageOf } from '../../../../common/errors.ts';
import type { AssociationId } from '../../../../common/ids.ts';
import { READ_BACK_FRESH_MS } from '../../../../common/limits.ts';
import type { SourceOptions } from '../types.ts';
import { Confirmation } from './confirm.ts';
import { heldBy } from './evidence.ts';
import { receiptedAssociations } from './receipts.ts';

/** A holder from which nothing could be read is not asked again before this. */
const READ_AGAIN_MS = 10 * 60_000;

/**
 * Keeps what this source says of its snapshots true: a trial that comes late makes one safe, a holder that loses its copy
 * takes that back. What was read back too long ago is read again, but only where nothing else is missing.
 */
export class WordKeeper {
  readonly #options: SourceOptions;
  readonly #triedMs = new Map<AssociationId, number>();

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
    const now = clock.monotonicMs();
    if (now < (this.#triedMs.get(id) ?? Number.NEGATIVE_INFINITY) + READ_AGAIN_MS) return;
    for (const { peerId } of heldBy(confirmation.receipt, fleet.events(id))) {
      const read = confirmation.receipt.reads.find((one) => one.peerId === peerId);
      const age = read ? clock.now() - read.atMs : Number.POSITIVE_INFINITY;
      if (age >= 0 && age < READ_BACK_FRESH_MS) continue;
      try {
        await confirmation.read(peerId, () => {}, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#triedMs.set(id, now);
        log.warn({ association: id }, `nothing could be read back: ${messageOf(error)}`);
      }
    }
  }
}
