import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { ResettleError } from '../../common/errors.ts';
import { WORKER_STOP_GRACE_MS } from '../../common/limits.ts';
import type { StopData } from './stop.ts';
import { fromThreadError, type ThreadError } from './thread-error.ts';

/** Enough for a worker that handles packs, not files. */
const SEMI_SPACE_MB = 4;

/** What every worker of ours may say beside its own messages. */
export interface FailedMessage {
  readonly type: 'failed';
  readonly error: ThreadError;
}

/** A worker thread whose messages are of one type; an error of any kind ends it and is told once. */
export class WorkerThread<FromWorker extends { readonly type: string }> {
  readonly #worker: Worker;
  readonly #stop = new SharedArrayBuffer(4);
  #ended = false;
  #exited = false;
  #onMessage: (message: FromWorker) => void = () => {};
  #onError: (error: Error) => void = () => {};
  #error: Error | undefined;

  /** `semiSpaceMb`: half of its young generation; what dies there costs little (docs/PERFORMANCE.md). */
  constructor(file: URL, workerData: object, semiSpaceMb = SEMI_SPACE_MB) {
    const stop: StopData = { stop: this.#stop };
    // The flag that keeps the main thread's own young generation small would hold for the worker too.
    setFlagsFromString(`--max-semi-space-size=${semiSpaceMb}`);
    this.#worker = new Worker(file, { workerData: { ...workerData, ...stop } });
    this.#worker.on('message', (message: FromWorker | FailedMessage) => {
      if (this.#ended) return;
      if (message.type === 'failed') this.#fail(fromThreadError((message as FailedMessage).error));
      else this.#onMessage(message as FromWorker);
    });
    this.#worker.on('error', (error) =>
      this.#fail(new ResettleError('failed', `a worker thread failed: ${String(error)}`, { cause: error })),
    );
    this.#worker.on('exit', (code) => {
      this.#exited = true;
      if (!this.#ended) this.#fail(new ResettleError('failed', `a worker thread ended early (${code})`));
    });
  }

  /** Who is told from now on. An error from before is told at once. */
  listen(onMessage: (message: FromWorker) => void, onError: (error: Error) => void): void {
    this.#onMessage = onMessage;
    this.#onError = onError;
    if (this.#error) onError(this.#error);
  }

  post(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#ended) this.#worker.postMessage(message, transfer);
  }

  /** Asks the thread to end by itself, and ends it after a while; nothing is told any more. */
  async stop(): Promise<void> {
    this.#ended = true;
    Atomics.store(new Int32Array(this.#stop), 0, 1);
    this.#worker.postMessage({ type: 'stop' });
    if (this.#exited) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, WORKER_STOP_GRACE_MS);
      this.#worker.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
    });
    await this.#worker.terminate();
  }

  /** Ends the thread at once; nothing is told any more. */
  async terminate(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    if (this.#error || this.#ended) return;
    this.#error = error;
    this.#onError(error);
  }
}
