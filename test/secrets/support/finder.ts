/** Finds any part of a secret in any form, in as much text as one likes: one pass over it, however many secrets there are. */
import { formsOf } from './forms.ts';

/** As many characters in a row are a part of a secret: of a hexadecimal number 64 bits, which nobody hits by chance. */
export const PART_CHARS = 16;
/** A row of numbers that is set in columns. */
const BLANKS = /\d,[ \n]{2,}\d/;
const BASE = 0x01000193;
const TABLE_BITS = 22;

export interface Found {
  /** Which secret. */
  readonly secret: string;
  readonly form: string;
  /** Where in what was searched; of numbers in columns, with single blanks. */
  readonly at: number;
}

/** A rolling hash (Rabin and Karp) of every part of every form, and a table of those that there are. */
export class Finder {
  readonly #parts = new Map<string, { secret: string; form: string }>();
  readonly #seen = new Uint8Array(2 ** TABLE_BITS);
  readonly #out = power(BASE, PART_CHARS);

  /** `name` is what is told; the secret itself never is. */
  add(name: string, secret: Uint8Array | string): void {
    const bytes = typeof secret === 'string' ? Buffer.from(secret) : Buffer.from(secret);
    if (bytes.length < PART_CHARS) throw new Error(`${name} is too short to be found by its parts`);
    for (const form of formsOf(bytes)) {
      this.#eachHash(form.bytes, (at, hash) => {
        this.#seen[hash >>> (32 - TABLE_BITS)] = 1;
        const part = form.bytes.toString('latin1', at, at + PART_CHARS);
        if (!this.#parts.has(part)) this.#parts.set(part, { secret: name, form: form.name });
      });
    }
  }

  /** The first part of each secret that is in there, as it is or with single blanks: numbers are logged in columns. */
  in(bytes: Buffer): Found[] {
    const found = new Map<string, Found>();
    this.#search(bytes, found);
    if (BLANKS.test(bytes.toString('latin1'))) this.#search(singleBlanks(bytes), found);
    return [...found.values()];
  }

  #search(bytes: Buffer, found: Map<string, Found>): void {
    this.#eachHash(bytes, (at, hash) => {
      if (this.#seen[hash >>> (32 - TABLE_BITS)] === 0) return;
      const part = this.#parts.get(bytes.toString('latin1', at, at + PART_CHARS));
      if (part && !found.has(part.secret)) found.set(part.secret, { ...part, at });
    });
  }

  #eachHash(bytes: Buffer, visit: (at: number, hash: number) => void): void {
    let hash = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      hash = Math.imul(hash, BASE) + bytes[index]! + 1;
      if (index >= PART_CHARS) hash -= Math.imul(this.#out, bytes[index - PART_CHARS]! + 1);
      hash |= 0;
      if (index >= PART_CHARS - 1) visit(index - PART_CHARS + 1, Math.imul(hash, 0x9e3779b1) >>> 0);
    }
  }
}

function singleBlanks(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(/[ \n]+/g, ' '), 'latin1');
}

function power(base: number, times: number): number {
  let result = 1;
  for (let time = 0; time < times; time += 1) result = Math.imul(result, base);
  return result;
}
