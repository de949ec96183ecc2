/** The longest that the main thread was busy without a pause: by its own CPU time, which load on the machine does not change. */
export class Blocks {
  #isOver = false;
  #longestMs = 0;

  constructor() {
    let before = process.threadCpuUsage();
    const look = (): void => {
      const { user, system } = process.threadCpuUsage(before);
      this.#longestMs = Math.max(this.#longestMs, (user + system) / 1000);
      before = process.threadCpuUsage();
      if (!this.#isOver) setImmediate(look);
    };
    setImmediate(look);
  }

  /** Ends it. Milliseconds. */
  longestMs(): number {
    this.#isOver = true;
    return this.#longestMs;
  }
}
