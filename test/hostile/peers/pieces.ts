/** Cuts one direction of a connection into the pieces of Noise, however TCP has cut it. */
import { LengthGuard } from '../../../src/node/link/length-guard.ts';

const LENGTH_BYTES = 2;

export class Pieces {
  /** Follows the lines before Noise. */
  readonly #lines = new LengthGuard({ isChosen: (name) => name === '/noise', isPrefixed: () => false });
  #rest = Buffer.alloc(0);

  /** What of this comes before Noise, and the pieces that are whole with it, their lengths in front. */
  take(chunk: Buffer): { before: Buffer; whole: Buffer[] } {
    let before = 0;
    if (!this.#lines.isOver) {
      this.#lines.look(chunk);
      before = this.#lines.isOver ? this.#lines.lookedAtBytes : chunk.length;
    }
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(before)]);
    const whole: Buffer[] = [];
    for (;;) {
      const end =
        this.#rest.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + this.#rest.readUInt16BE();
      if (this.#rest.length < end) return { before: chunk.subarray(0, before), whole };
      whole.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
  }
}
