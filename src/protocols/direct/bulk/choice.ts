import { BULK_FAILURES_MAX } from '../../../common/limits.ts';

/** Whether a receiver wants a bulk socket, over all its streams to one sender: not after it has failed twice in a row. */
export class BulkChoice {
  readonly #onClosed: () => void;
  #failures = 0;
  #wasClosed = false;

  /** `onClosed`: the sender's second port cannot be reached, so that packs take the slower way. Called once. */
  constructor(onClosed: () => void = () => {}) {
    this.#onClosed = onClosed;
  }

  get isWanted(): boolean {
    return this.#failures < BULK_FAILURES_MAX;
  }

  /** A pack came over it. */
  worked(): void {
    this.#failures = 0;
  }

  /** It was open, and broke before a pack had come. */
  broke(): void {
    this.#failures += 1;
  }

  /** It could not be opened. */
  closed(): void {
    this.#failures += 1;
    if (!this.#wasClosed) this.#onClosed();
    this.#wasClosed = true;
  }
}
