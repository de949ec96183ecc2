import { asBuffer } from '../../common/bytes.ts';
import { SEEN_CONTENT_SLOTS } from '../../common/limits.ts';
import type { Extent } from '../format/index.ts';

/** Words of a slot: 128 bits of the hash, segment + 1, offset, length. */
const WORDS = 7;

/**
 * Contents of this capture by their hash: the same bytes are sealed once. A table of fixed size in which a newcomer takes
 * the place of whoever has it: what is forgotten is sealed again. 128 bits of BLAKE3 tell contents apart.
 */
export class SeenContent {
  readonly #slots = new Uint32Array(SEEN_CONTENT_SLOTS * WORDS);
  readonly #key = new Uint32Array(4);

  /** An extent of those very bytes. */
  find(hash: Uint8Array, length: number): Extent | undefined {
    const at = this.#at(hash);
    const slots = this.#slots;
    for (let word = 0; word < 4; word++) if (slots[at + word] !== this.#key[word]) return undefined;
    if (slots[at + 4] === 0 || slots[at + 6] !== length) return undefined;
    return { pack: 0, segment: slots[at + 4]! - 1, offset: slots[at + 5]!, length, hash };
  }

  add({ hash, segment, offset, length }: Extent): void {
    const at = this.#at(hash);
    this.#slots.set(this.#key, at);
    this.#slots[at + 4] = segment + 1;
    this.#slots[at + 5] = offset;
    this.#slots[at + 6] = length;
  }

  /** Where that hash has its slot; its first words are in `key` then. */
  #at(hash: Uint8Array): number {
    const bytes = asBuffer(hash);
    for (let word = 0; word < 4; word++) this.#key[word] = bytes.readUInt32LE(word * 4);
    return (this.#key[0]! % SEEN_CONTENT_SLOTS) * WORDS;
  }
}
