import type { MessageStream } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';
import { LENGTH_BYTES_MAX, NEGOTIATION_LINE_MAX_BYTES, NEGOTIATION_LINES_MAX } from '../../common/limits.ts';

/** What arrives at a stream, before anything of libp2p has seen it. */
interface Arriving {
  onData(data: Uint8Array | Uint8ArrayList): void;
  abort(error: Error): void;
}

export interface LengthRules {
  /** True for the name of a protocol that ends the negotiation when the other side says it. */
  readonly isChosen: (name: string) => boolean;
  /** True where messages with their lengths in front follow; of other protocols nothing more is looked at. */
  readonly isPrefixed: (name: string) => boolean;
}

const HEADER = '/multistream/1.0.0';

/** Looks at what follows a negotiation. */
export interface Follower {
  /** What is wrong with these bytes, if something is. */
  look(data: Uint8Array | Uint8ArrayList): string | undefined;
}

/**
 * libp2p reads a length byte by byte until it ends, however long that takes: a row of bytes that only begin one keeps the
 * event loop from everything else, timeouts included, and fills the memory. It also answers every protocol that is asked
 * for, without end. This looks at the lengths first, and ends a stream that has one longer than any honest one, or too many
 * lines of negotiation. What it lets through goes on as it is. `follower` sees all that comes once nothing more is guarded.
 */
export function guardLengths(stream: MessageStream, rules: LengthRules, follower?: Follower): void {
  const arriving = stream as unknown as Arriving;
  if (typeof arriving.onData !== 'function') throw new TypeError('streams of this libp2p cannot be guarded');
  const pass = arriving.onData;
  const guard = new LengthGuard(rules);
  const passIf = (problem: string | undefined, data: Uint8Array | Uint8ArrayList): void => {
    if (problem !== undefined) arriving.abort(new Error(problem));
    else pass.call(arriving, data);
  };
  arriving.onData = (data) => {
    const problem = guard.look(data);
    if (!guard.isOver) return passIf(problem, data);
    arriving.onData = follower ? (more) => passIf(follower.look(more), more) : pass;
    passIf(problem ?? follower?.look(data.subarray(guard.lookedAtBytes)), data);
  };
}

/** Follows one direction of a stream: lines of multistream-select, then messages. */
export class LengthGuard {
  /** Nothing more is to be looked at. */
  isOver = false;
  /** Of the data that were looked at last. */
  lookedAtBytes = 0;
  readonly #rules: LengthRules;
  readonly #line: number[] = [];
  #isNegotiating = true;
  #lines = 0;
  #length = 0;
  #lengthBytes = 0;
  #bodyLeft = 0;

  constructor(rules: LengthRules) {
    this.#rules = rules;
  }

  /** What is wrong with these bytes, if something is. */
  look(data: Uint8Array | Uint8ArrayList): string | undefined {
    this.lookedAtBytes = 0;
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      const problem = this.#lookAt(chunk);
      if (problem !== undefined || this.isOver) return problem;
    }
    return undefined;
  }

  #lookAt(chunk: Uint8Array): string | undefined {
    let at = 0;
    while (at < chunk.length && !this.isOver) {
      if (this.#bodyLeft > 0) {
        at += this.#take(chunk, at);
        continue;
      }
      const problem = this.#lengthByte(chunk[at]!);
      if (problem !== undefined) return problem;
      at += 1;
    }
    this.lookedAtBytes += at;
    return undefined;
  }

  #lengthByte(byte: number): string | undefined {
    if (this.#lengthBytes === LENGTH_BYTES_MAX) return `a length of more than ${LENGTH_BYTES_MAX} bytes`;
    this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes);
    this.#lengthBytes += 1;
    if (byte >= 0x80) return undefined;
    this.#bodyLeft = this.#length;
    this.#length = 0;
    this.#lengthBytes = 0;
    if (!this.#isNegotiating) return undefined;
    this.#lines += 1;
    if (this.#lines > NEGOTIATION_LINES_MAX) return `more than ${NEGOTIATION_LINES_MAX} lines to choose a protocol`;
    if (this.#bodyLeft > NEGOTIATION_LINE_MAX_BYTES) return `a line of ${this.#bodyLeft} bytes to choose a protocol`;
    return undefined;
  }

  /** Returns how many bytes of the chunk belong to the body. */
  #take(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#bodyLeft, chunk.length - at);
    this.#bodyLeft -= count;
    if (this.#isNegotiating) {
      this.#line.push(...chunk.subarray(at, at + count));
      if (this.#bodyLeft === 0) this.#endLine();
    }
    return count;
  }

  #endLine(): void {
    const name = Buffer.from(this.#line.splice(0)).toString('latin1').trimEnd();
    if (name === HEADER || !this.#rules.isChosen(name)) return;
    this.#isNegotiating = false;
    this.isOver = !this.#rules.isPrefixed(name);
  }
}
