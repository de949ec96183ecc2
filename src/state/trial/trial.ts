import { PACK_MAX_BYTES } from '../../common/limits.ts';
import type { PackReference } from '../format/index.ts';
import { fromThreadError } from '../threads/thread-error.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import type { FromTrialWorker, ToTrialWorker, TrialSnapshot } from './messages.ts';

export type { TrialSnapshot } from './messages.ts';

interface Settle {
  resolve(answer: FromTrialWorker): void;
  reject(error: Error): void;
}

/** Opens what holders gave, one thing at a time, in a worker thread with one buffer. */
export class Trial {
  readonly #worker: WorkerThread<FromTrialWorker>;
  #buffer = new ArrayBuffer(PACK_MAX_BYTES);
  #settle: Settle | undefined;
  #failure: Error | undefined;

  constructor() {
    this.#worker = new WorkerThread<FromTrialWorker>(new URL('./worker.ts', import.meta.url), {});
    this.#worker.listen(
      (message) => this.#take()?.resolve(message),
      (error) => {
        this.#failure = error;
        this.#take()?.reject(error);
      },
    );
  }

  /**
   * Checks descriptor, key file and sealed part. Settles with the packs that were drawn, in an unpredictable order.
   * Throws `refused` when it is not the expected snapshot or not its key, `damaged`.
   */
  async openSnapshot(snapshot: TrialSnapshot): Promise<readonly PackReference[]> {
    const answer = await this.#ask({ type: 'snapshot', snapshot }, []);
    return answer.type === 'drawn' ? answer.packs : [];
  }

  /** Memory for the next pack, of PACK_MAX_BYTES. */
  get buffer(): Uint8Array {
    return new Uint8Array(this.#buffer);
  }

  /** Opens every frame of the pack that lies in `buffer`, and settles with their number. Throws `damaged`. */
  async openPack(sizeBytes: number): Promise<number> {
    const buffer = this.#buffer;
    const answer = await this.#ask({ type: 'pack', sizeBytes, buffer }, [buffer]);
    return answer.type === 'opened' ? answer.frames : 0;
  }

  close(): Promise<void> {
    return this.#worker.stop();
  }

  async #ask(message: ToTrialWorker, transfer: ArrayBuffer[]): Promise<FromTrialWorker> {
    if (this.#failure) throw this.#failure;
    const answer = await new Promise<FromTrialWorker>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.post(message, transfer);
    });
    if ('buffer' in answer && answer.buffer) this.#buffer = answer.buffer;
    if (answer.type === 'no') throw fromThreadError(answer.error);
    return answer;
  }

  #take(): Settle | undefined {
    const settle = this.#settle;
    this.#settle = undefined;
    return settle;
  }
}
