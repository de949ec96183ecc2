import { DIRECT_PACK_BYTES } from '../../common/limits.ts';
import type { DirectAsk, DirectAsker, DirectTaker } from '../../common/ports.ts';
import { reportOf } from '../plan/left-out.ts';
import type { RestoreEvents, RestoreOptions, RestoreResult } from '../restore/index.ts';
import type { WorkerResult } from '../restore/messages.ts';
import { workerDataOf } from '../restore/open-snapshot.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import type { FromReceiveWorker } from './messages.ts';

/** As for a restore: `source` is asked instead of packs that are held, and all of it is wanted. */
export interface ReceiveOptions extends Omit<RestoreOptions, 'source' | 'only'> {
  readonly asker: DirectAsker;
}

/** Half of a restore's: memory counts on a machine that people use meanwhile. */
const SEMI_SPACE_MB = 4;

/**
 * Restores a state as it comes from its source, beneath the target and nowhere else. `descriptor` is that of the plan.
 * Killed at any time and run again with the same plan, it goes on. Phases and errors are those of `restoreSnapshot`, and
 * what `asker` throws.
 */
export async function receiveSnapshot(options: ReceiveOptions, on: RestoreEvents): Promise<RestoreResult> {
  on.signal.throwIfAborted();
  const { asker, ...asked } = options;
  const data = await workerDataOf(asked);
  const worker = new WorkerThread<FromReceiveWorker>(new URL('./worker.ts', import.meta.url), data, SEMI_SPACE_MB);
  const end = new AbortController();
  const signal = AbortSignal.any([on.signal, end.signal]);
  const buffers = new Buffers((buffer, sizeBytes) => worker.post({ type: 'pack', buffer, sizeBytes }, [buffer]));
  try {
    const result = await new Promise<WorkerResult>((resolve, reject) => {
      on.signal.addEventListener('abort', () => reject(on.signal.reason), { once: true, signal: end.signal });
      const answer = async (ask: DirectAsk): Promise<void> => {
        const whole = await asker.ask(ask, buffers, signal);
        worker.post({ type: 'answered', whole });
      };
      worker.listen(
        (message) => {
          if (message.type === 'progress') on.onProgress(message.progress);
          else if (message.type === 'ask') answer(message.ask).catch(reject);
          else if (message.type === 'used') buffers.used(message.buffer);
          else if (message.type === 'items') for (const item of message.items) on.onItem?.(item);
          else if (message.type === 'done') resolve(message.result);
        },
        (error) => {
          // The source is told by whoever waits for it.
          buffers.fail(error);
          reject(error);
        },
      );
    });
    return { ...result, skippedAtCapture: reportOf(data.sealed.leftOut) };
  } finally {
    end.abort(new Error('the restore has ended'));
    await worker.stop();
  }
}

/** The buffers of packs that come: lent, handed to the worker in order, and back. */
class Buffers implements DirectTaker {
  readonly #post: (buffer: ArrayBuffer, sizeBytes: number) => void;
  readonly #free: ArrayBuffer[] = [];
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #error: Error | undefined;

  constructor(post: (buffer: ArrayBuffer, sizeBytes: number) => void) {
    this.#post = post;
  }

  borrow(): Uint8Array {
    // One that was lent when a stream broke off never comes back: whoever reads may still write to it.
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(DIRECT_PACK_BYTES));
  }

  take(buffer: Uint8Array, sizeBytes: number): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#post(buffer.buffer as ArrayBuffer, sizeBytes);
    });
  }

  used(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    this.#waiting.shift()?.resolve();
  }

  fail(error: Error): void {
    this.#error = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
