import { ResettleError } from '../../common/errors.ts';

interface Entered {
  end(reason: Error): void;
  readonly over: Promise<void>;
}

/** Of each session one stream at a time: the newest. */
export class SessionStreams {
  readonly #newest = new Map<string, Entered>();

  /**
   * Ends the stream that this one replaces, through its `end`. `ready` settles when that one is over; call `leave` when
   * this one is, even if it never became ready.
   */
  enter(key: string, end: (reason: Error) => void): { ready: Promise<void>; leave(): void } {
    const earlier = this.#newest.get(key);
    const left = Promise.withResolvers<void>();
    const ready = earlier?.over ?? Promise.resolve();
    // One that was replaced before it was ready hands on the wait for the one before it.
    const entered = { end, over: ready.then(() => left.promise) };
    this.#newest.set(key, entered);
    earlier?.end(new ResettleError('failed', 'the receiving machine goes on over a newer stream'));
    const leave = (): void => {
      if (this.#newest.get(key) === entered) this.#newest.delete(key);
      left.resolve();
    };
    return { ready, leave };
  }
}
