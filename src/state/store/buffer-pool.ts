import { PACK_MAX_BYTES } from '../../common/limits.ts';

/** Lends buffers of PACK_MAX_BYTES, never more than a given number at once, first come first served. */
export class BufferPool {
  readonly #max: number;
  readonly #free: ArrayBuffer[] = [];
  readonly #waiting: ((buffer: ArrayBuffer) => void)[] = [];
  #made = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Throws the signal's reason when it aborts first. */
  async borrow(signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const free = this.#free.pop();
    if (free) return new Uint8Array(free);
    if (this.#made < this.#max) {
      this.#made += 1;
      return new Uint8Array(new ArrayBuffer(PACK_MAX_BYTES));
    }
    return new Uint8Array(await this.#wait(signal));
  }

  giveBack(buffer: ArrayBuffer): void {
    const next = this.#waiting.shift();
    if (next) next(buffer);
    else this.#free.push(buffer);
  }

  #wait(signal: AbortSignal): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(take);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      const take = (buffer: ArrayBuffer) => {
        signal.removeEventListener('abort', onAbort);
        resolve(buffer);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(take);
    });
  }
}
