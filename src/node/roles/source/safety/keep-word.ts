import { messageOf } from '../../../../common/errors.ts';
import type { AssociationId } from '../../../../common/ids.ts';
import { KEEP_WORD_FIRST_MS, KEEP_WORD_LAST_MS, READ_BACK_FRESH_MS } from '../../../../common/limits.ts';
import type { SourceOptions } from '../types.ts';
import { Confirmation } from './confirm.ts';
import { heldBy } from './evidence.ts';
import { receiptedAssociations } from './receipts.ts';

/** What failed for an association is tried again, soon at first and ever later. */
class Patience {
  readonly #options: Pick<SourceOptions, 'clock'>;
  readonly #failed = new Map<AssociationId, { readonly times: number; readonly againMs: number }>();

  constructor(options: Pick<SourceOptions, 'clock'>) {
    this.#options = options;
  }

  mayTry(id: AssociationId): boolean {
    return this.#options.clock.monotonicMs() >= (this.#failed.get(id)?.againMs ?? Number.NEGATIVE_INFINITY);
  }

  note(id: AssociationId, isDone: boolean): void {
    const times = this.#failed.get(id)?.times ?? 0;
    const waitMs = Math.min(KEEP_WORD_LAST_MS, KEEP_WORD_FIRST_MS * 2 ** times);
    if (isDone) this.#failed.delete(id);
    else this.#failed.set(id, { times: times + 1, againMs: this.#options.clock.monotonicMs() + waitMs });
  }
}

/**
 * Keeps what this source says of its snapshots true: a trial that comes late makes one safe, a holder that loses its copy
 * takes that back. What was read back too long ago is read again, but only where nothing else is missing. Where those who
 * have shares of a key are revoked, or to be wiped themselves, it is dealt anew; whoever keeps a share that is of no more
 * use is told: his machine would take itself for needed.
 */
export class WordKeeper {
  readonly #options: SourceOptions;
  readonly #reading: Patience;
  readonly #retiring: Patience;
  readonly #dealing: Patience;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#reading = new Patience(options);
    this.#retiring = new Patience(options);
    this.#dealing = new Patience(options);
  }

  /** Looks at every association for which something was stored, but those that `isBusy`. */
  async look(isBusy: (id: AssociationId) => boolean, signal: AbortSignal): Promise<void> {
    for (const id of receiptedAssociations(this.#options.home)) {
      signal.throwIfAborted();
      if (isBusy(id)) continue;
      await this.#retire(id, signal);
      const confirmation = await Confirmation.of(this.#options, id);
      if (!confirmation) continue;
      if (confirmation.lacksShares) await this.#deal(id, confirmation, signal);
      if (isBusy(id)) continue;
      if (!confirmation.judge().safe && confirmation.judgeIfRead().safe) await this.#read(id, confirmation, signal);
      if (!isBusy(id)) await confirmation.say();
    }
  }

  async #retire(id: AssociationId, signal: AbortSignal): Promise<void> {
    const { retireShares, log } = this.#options;
    if (!retireShares || !this.#retiring.mayTry(id)) return;
    try {
      this.#retiring.note(id, await retireShares(id, signal));
    } catch (error) {
      signal.throwIfAborted();
      this.#retiring.note(id, false);
      log.warn({ association: id }, `what was dealt cannot be read: ${messageOf(error)}`);
    }
  }

  async #deal(id: AssociationId, confirmation: Confirmation, signal: AbortSignal): Promise<void> {
    if (!this.#dealing.mayTry(id)) return;
    try {
      await confirmation.dealAgain(signal);
      this.#dealing.note(id, !confirmation.lacksShares);
    } catch (error) {
      signal.throwIfAborted();
      this.#dealing.note(id, false);
      this.#options.log.info({ association: id }, `shares could not be dealt anew: ${messageOf(error)}`);
    }
  }

  async #read(id: AssociationId, confirmation: Confirmation, signal: AbortSignal): Promise<void> {
    const { clock, fleet, log } = this.#options;
    if (!this.#reading.mayTry(id)) return;
    let isDone = true;
    for (const { peerId } of heldBy(confirmation.receipt, fleet.events(id))) {
      const read = confirmation.receipt.reads.find((one) => one.peerId === peerId);
      const age = read ? clock.now() - read.atMs : Number.POSITIVE_INFINITY;
      if (age >= 0 && age < READ_BACK_FRESH_MS) continue;
      try {
        await confirmation.read(peerId, () => {}, signal);
      } catch (error) {
        signal.throwIfAborted();
        isDone = false;
        log.warn({ association: id }, `nothing could be read back: ${messageOf(error)}`);
      }
    }
    this.#reading.note(id, isDone);
  }
}
