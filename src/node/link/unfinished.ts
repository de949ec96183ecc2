/** Ends connections on which something was begun that does not come. */
import type { MessageStream } from '@libp2p/interface';
import { UNFINISHED_LOOK_MS, UNFINISHED_LOOKS_MAX } from '../../common/limits.ts';

export interface UnderWay {
  /** Another text whenever what is under way has gone on; undefined while nothing is. */
  readonly underWay: string | undefined;
}

/**
 * Counts looks, not time: a machine that was stopped for an hour looks once before it reads what has come meanwhile.
 */
export class Unfinished {
  readonly #of: UnderWay;
  #last: string | undefined;
  #looks = 0;

  constructor(of: UnderWay) {
    this.#of = of;
  }

  /** True when the same has been under way at so many looks that it will not come. */
  look(): boolean {
    const { underWay } = this.#of;
    this.#looks = underWay !== undefined && underWay === this.#last ? this.#looks + 1 : 0;
    this.#last = underWay;
    return this.#looks >= UNFINISHED_LOOKS_MAX;
  }
}

/** Aborts the stream when what is under way on it stands still. */
export function endUnfinished(stream: MessageStream, of: UnderWay): void {
  const unfinished = new Unfinished(of);
  const timer = setInterval(() => {
    if (unfinished.look()) stream.abort(new Error('what it has begun does not come'));
  }, UNFINISHED_LOOK_MS);
  timer.unref();
  stream.addEventListener('close', () => clearInterval(timer), { once: true });
}
