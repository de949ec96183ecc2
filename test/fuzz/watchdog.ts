/**
 * A thread beside the one that fuzzes. A decoder that does not come back holds its own thread for ever, so this one writes
 * down the input and ends the process.
 */
import { Worker } from 'node:worker_threads';

/** Of CPU, far beyond what the slowest execution takes. */
const HANG_MS = 30_000;
const INPUT_MAX_BYTES = 1024 * 1024;
/** 0: number of the execution; 1: bytes of its input; 2: bytes of the target's name. */
const WORDS = 3;

export class Watchdog {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #worker: Worker;

  constructor() {
    const shared = new SharedArrayBuffer(WORDS * 4 + INPUT_MAX_BYTES);
    this.#words = new Int32Array(shared, 0, WORDS);
    this.#bytes = Buffer.from(shared, WORDS * 4);
    this.#worker = new Worker(new URL('watch-worker.ts', import.meta.url), { workerData: { shared, hangMs: HANG_MS } });
    this.#worker.unref();
  }

  /** Before each execution. */
  begins(target: string, input: Uint8Array): void {
    const name = this.#bytes.write(target, 0);
    this.#bytes.set(input.subarray(0, INPUT_MAX_BYTES - name), name);
    this.#words[1] = Math.min(input.length, INPUT_MAX_BYTES - name);
    this.#words[2] = name;
    Atomics.add(this.#words, 0, 1);
  }

  /** Nothing is being executed. */
  rests(): void {
    Atomics.store(this.#words, 0, 0);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
