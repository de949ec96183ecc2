import { ResettleError } from '../../common/errors.ts';
import type { DirectAsk, DirectSink } from '../../common/ports.ts';
import type { CaptureEvents, PlanSummary } from '../capture/index.ts';
import { fromThreadError } from '../threads/thread-error.ts';
import type { WorkerThread } from '../threads/worker-thread.ts';
import type { FromSendWorker, ToSendWorker } from './messages.ts';
import type { Sending } from './types.ts';

export interface WorkerSendingOptions {
  readonly plan: PlanSummary;
  readonly descriptor: Uint8Array;
  readonly worker: WorkerThread<FromSendWorker>;
  /** Where the worker reads which answers are not wanted any more. */
  readonly ended: SharedArrayBuffer;
  readonly close: () => Promise<void>;
}

/** The answer that is under way. */
interface Current {
  readonly number: number;
  onMessage(message: FromSendWorker): void;
  reject(error: unknown): void;
}

/** The main thread's side: passes asks to the worker, and its packs to the network. */
export class WorkerSending implements Sending {
  readonly plan: PlanSummary;
  readonly descriptor: Uint8Array;
  readonly #worker: WorkerThread<FromSendWorker>;
  readonly #ended: Int32Array;
  readonly #close: () => Promise<void>;
  #answers = 0;
  #current: Current | undefined;
  /** Why no answer can be given any more. */
  #error: Error | undefined;

  constructor(options: WorkerSendingOptions) {
    this.plan = options.plan;
    this.descriptor = options.descriptor;
    this.#worker = options.worker;
    this.#ended = new Int32Array(options.ended);
    this.#close = options.close;
    this.#worker.listen(
      (message) => {
        // What an ended answer still says is dropped, its packs too.
        if ('answer' in message && message.answer === this.#current?.number) this.#current.onMessage(message);
      },
      (error) => this.#fail(error),
    );
  }

  async answer(ask: DirectAsk, sink: DirectSink, on: CaptureEvents): Promise<void> {
    if (this.#error) throw this.#error;
    if (this.#current) throw new ResettleError('failed', 'another answer is under way');
    on.signal.throwIfAborted();
    const number = ++this.#answers;
    // A failed put aborts the others, and whoever calls aborts them all.
    const puts = new AbortController();
    const signal = AbortSignal.any([on.signal, puts.signal]);
    const pending = new Set<Promise<void>>();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const put = async ({ id, sizeBytes, buffer }: Extract<FromSendWorker, { type: 'pack' }>) => {
      const idleMs = await sink.put({ id, bytes: new Uint8Array(buffer, 0, sizeBytes) }, signal);
      if (this.#current?.number === number) this.#post({ type: 'buffer', answer: number, buffer, idleMs }, [buffer]);
    };
    const onMessage = (message: FromSendWorker) => {
      if (message.type === 'progress') on.onProgress(message.progress);
      else if (message.type === 'pack') {
        const task = put(message);
        pending.add(task);
        task.then(() => pending.delete(task), reject);
      } else if (message.type === 'answered') {
        if (message.error) reject(fromThreadError(message.error));
        else Promise.all(pending).then(() => resolve(), reject);
      }
    };
    const onAbort = () => reject(on.signal.reason);
    on.signal.addEventListener('abort', onAbort, { once: true });
    this.#current = { number, onMessage, reject };
    this.#post({ type: 'ask', answer: number, ask });
    try {
      await promise;
    } catch (error) {
      Atomics.store(this.#ended, 0, number);
      this.#post({ type: 'end', answer: number });
      puts.abort(error);
      throw error;
    } finally {
      this.#current = undefined;
      on.signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#fail(new ResettleError('interrupted', 'the sending was ended'));
    await this.#close();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#current?.reject(this.#error);
  }

  #post(message: ToSendWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.post(message, transfer);
  }
}
