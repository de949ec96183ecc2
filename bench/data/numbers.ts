const WORDS = (
  'the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not ' +
  'what all were we when your can said there use an each which she do how their if will up other about out many then ' +
  'them these so some her would make like him into time has look two more write go see number no way could people my ' +
  'than first water been call who oil its now find long down day did get come made may part return import const value'
).split(' ');

/** Numbers that look random and are the same for the same seed (xorshift32; Marsaglia 2003). */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    // Spreads neighbouring seeds (multiplicative hashing); the state is never zero.
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
    for (let i = 0; i < 4; i++) this.#next();
  }

  #next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    return this.#next() % limit;
  }

  /** Bytes that do not compress. */
  fill(into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      let word = this.#next();
      for (let i = 0; i < 4 && at < into.length; i++, at++) {
        into[at] = word;
        word >>>= 8;
      }
    }
  }

  /** English-looking lines. */
  fillWithWords(into: Buffer): void {
    for (let at = 0; at < into.length; ) {
      const word = WORDS[this.below(WORDS.length)]!;
      at += into.write(`${word}${this.below(10) === 0 ? '\n' : ' '}`, at, 'latin1');
    }
  }

  /** Puts a list into an order that only the seed decides. */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j]!, list[i]!];
    }
    return list;
  }
}
