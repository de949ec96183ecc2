import { ResettleError } from '../../common/errors.ts';
import { PACK_MAX_BYTES, RESTORE_PACKS_IN_FLIGHT } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import { digest } from '../format/digest.ts';
import type { PackReference } from '../format/index.ts';
import type { Inbox } from '../threads/inbox.ts';
import { fromThreadError } from '../threads/thread-error.ts';
import type { FromRestoreWorker, ToRestoreWorker } from './messages.ts';

/** Asks the main thread for packs, a few ahead; the same buffers go to and fro. */
export class PackFeed {
  readonly #packs: readonly PackReference[];
  readonly #inbox: Inbox<ToRestoreWorker>;
  readonly #tell: (message: FromRestoreWorker, transfer: ArrayBuffer[]) => void;
  readonly #free: ArrayBuffer[] = [];
  /** What came, by index; a failure is told when its turn comes, so that the packs before it are used. */
  readonly #arrived = new Map<number, ToRestoreWorker>();
  #made = 0;

  constructor(
    packs: readonly PackReference[],
    inbox: Inbox<ToRestoreWorker>,
    tell: (message: FromRestoreWorker, transfer: ArrayBuffer[]) => void,
  ) {
    this.#packs = packs;
    this.#inbox = inbox;
    this.#tell = tell;
  }

  /**
   * Yields each of the packs, by index, in the given order, its id and size checked; the bytes are good until the next.
   * Throws `damaged`, naming the pack.
   */
  async *fetch(order: readonly number[]): AsyncGenerator<{ index: number; bytes: Uint8Array }, void> {
    let asked = 0;
    for (const index of order) {
      while (asked < order.length && this.#hasBuffer()) this.#ask(order[asked++]!);
      const buffer = await this.#arrival(index);
      const { id, sizeBytes } = this.#packs[index]!;
      const bytes = new Uint8Array(buffer, 0, sizeBytes);
      if (digest(bytes).toString('hex') !== id) throw this.damaged(index, 'its bytes are not what its name says');
      yield { index, bytes };
      this.#free.push(buffer);
    }
  }

  /** Names the pack and says what stays. */
  damaged(index: number, why: string, cause?: unknown): ResettleError {
    const { id } = this.#packs[index]!;
    const message = `pack ${id} is damaged or missing: ${why}`;
    return new ResettleError('damaged', `${message}; the restore is unfinished`, {
      hint: 'files that are in place are whole; run the same restore again with a copy that has this pack',
      cause: cause ?? damaged(why),
    });
  }

  #hasBuffer(): boolean {
    if (this.#free.length === 0 && this.#made < RESTORE_PACKS_IN_FLIGHT) {
      this.#made += 1;
      this.#free.push(new ArrayBuffer(PACK_MAX_BYTES));
    }
    return this.#free.length > 0;
  }

  #ask(index: number): void {
    const buffer = this.#free.pop()!;
    this.#tell({ type: 'want', index, buffer }, [buffer]);
  }

  async #arrival(index: number): Promise<ArrayBuffer> {
    for (;;) {
      const message = this.#arrived.get(index);
      if (message?.type === 'pack') {
        this.#arrived.delete(index);
        return message.buffer;
      }
      if (message) throw this.damaged(index, message.error.message, fromThreadError(message.error));
      const next = await this.#inbox.next();
      this.#arrived.set(next.index, next);
    }
  }
}
