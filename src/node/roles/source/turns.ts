/** Work of one key at a time, first come first served. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Whether somebody of that key is at work or waits. */
  isTaken(key: string): boolean {
    return this.#last.has(key);
  }

  /** Does the work when its turn comes. Throws the signal's reason where it aborts first; later ones wait on all the same. */
  async take<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(() => {
      signal.throwIfAborted();
      return work();
    });
    const ended = turn.then(
      () => {},
      () => {},
    );
    this.#last.set(key, ended);
    void ended.then(() => {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    });
    return await turn;
  }
}
