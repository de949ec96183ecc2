/** Numbers that a seed gives: small and fast (sfc32), for nothing that must be secret. */
import type { Random } from '../faults/scenario.ts';

const ROUNDS_BEFORE_USE = 12;
const TWO_TO_32 = 2 ** 32;

export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: number) {
    [this.#a, this.#b, this.#c] = [seed | 0, Math.floor(seed / TWO_TO_32) | 0, 0x5eed];
    for (let round = 0; round < ROUNDS_BEFORE_USE; round++) this.next();
  }

  /** 32 bits. */
  next(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  integer(below: number): number {
    return Math.floor((this.next() / TWO_TO_32) * below);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.integer(of.length)] as T;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at++) bytes[at] = this.next();
    return bytes;
  }
}

/** The seed of one target in a run: names do not share their numbers. */
export function seedFor(seed: number, name: string): number {
  let hash = seed | 0;
  for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return hash >>> 0;
}
