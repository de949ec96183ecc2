import type { Uint8ArrayList } from 'uint8arraylist';
import { UNFINISHED_STEP_BYTES } from '../../common/limits.ts';
import type { Follower } from './length-guard.ts';
import type { UnderWay } from './unfinished.ts';

/** In front of each piece, in the handshake and after it. */
const LENGTH_BYTES = 2;

/**
 * Follows the pieces of Noise beneath it. Whoever has lost the step, or inserts bytes, makes the other side take something for a
 * length and wait for so much: nothing fails to decrypt as long as nothing more comes.
 */
export class PieceGuard implements Follower, UnderWay {
  #pieces = 0;
  #lengthBytes = 0;
  #length = 0;
  #bodyLeft = 0;

  get underWay(): string | undefined {
    if (this.#bodyLeft === 0 && this.#lengthBytes === 0) return undefined;
    return `${this.#pieces} ${Math.ceil(this.#bodyLeft / UNFINISHED_STEP_BYTES)}`;
  }

  look(data: Uint8Array | Uint8ArrayList): string | undefined {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      const problem = this.#lookAt(chunk);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #lookAt(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#bodyLeft > 0) {
        const count = Math.min(this.#bodyLeft, chunk.length - at);
        this.#bodyLeft -= count;
        at += count;
        continue;
      }
      this.#length = (this.#length << 8) | chunk[at]!;
      this.#lengthBytes += 1;
      at += 1;
      if (this.#lengthBytes < LENGTH_BYTES) continue;
      // libp2p passes over it, at a cost that two bytes must not have.
      if (this.#length === 0) return 'a piece of nothing';
      this.#bodyLeft = this.#length;
      this.#length = 0;
      this.#lengthBytes = 0;
      this.#pieces += 1;
    }
    return undefined;
  }
}
