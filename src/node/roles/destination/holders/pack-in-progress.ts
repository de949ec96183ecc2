import { hexOf } from '../../../../common/bytes.ts';
import type { PackId } from '../../../../common/ids.ts';
import type { PackWant } from '../../../../protocols/blocks/client.ts';
import { digest } from '../../../../state/format/index.ts';

/** Bytes of one pack that one giver gave. */
interface Part<Giver> {
  readonly giver: Giver;
  readonly from: number;
  to: number;
}

interface Suspect<Giver> extends Part<Giver> {
  readonly hash: Buffer;
}

/**
 * A pack on its way into its memory, perhaps from several givers one after the other. Where they made it wrong together,
 * it comes anew from one of them alone, and the right bytes then show whose were not.
 */
export class PackInProgress<Giver> {
  readonly id: PackId;
  readonly sizeBytes: number;
  readonly #into: Uint8Array;
  #parts: Part<Giver>[] = [];
  readonly #suspects: Suspect<Giver>[] = [];

  constructor(id: PackId, sizeBytes: number, into: Uint8Array) {
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.#into = into;
  }

  get filled(): number {
    return this.#parts.at(-1)?.to ?? 0;
  }

  /** What to ask this giver for: the rest, or all of it. */
  wantFrom(giver: Giver): PackWant {
    const isAlone = this.#parts.every((part) => part.giver === giver);
    if (this.#suspects.length > 0 && !isAlone) this.#parts = [];
    const from = this.filled;
    const part: Part<Giver> = { giver, from, to: from };
    this.#parts = [...this.#parts.filter(({ from: start, to }) => to > start), part];
    return {
      id: this.id,
      sizeBytes: this.sizeBytes,
      into: this.#into,
      from,
      onBytes: (filled) => {
        part.to = filled;
      },
      check: () => hexOf(digest(this.#into.subarray(0, this.sizeBytes))) === this.id,
    };
  }

  /** It is right. Returns who gave wrong bytes on the way. */
  liars(): Giver[] {
    const wrong = this.#suspects.filter(({ from, to, hash }) => !digest(this.#into.subarray(from, to)).equals(hash));
    return [...new Set(wrong.map(({ giver }) => giver))];
  }

  /** It is wrong, and begins anew. Returns who gave it, if it was one alone. */
  reject(): Giver | undefined {
    const givers = new Set(this.#parts.map(({ giver }) => giver));
    if (givers.size > 1) {
      for (const part of this.#parts) {
        this.#suspects.push({ ...part, hash: digest(this.#into.subarray(part.from, part.to)) });
      }
    }
    this.#parts = [];
    return givers.size === 1 ? [...givers][0] : undefined;
  }
}
