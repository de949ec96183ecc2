/** Finds any part of a secret in any form, in as much text as one likes: one pass over it, however many secrets there are. */
import { type Form, formsOf } from './forms.ts';

/** What is looked up first: any so many characters in a row of any form. */
const PROBE_CHARS = 16;
/** As much of a secret as is taken for it: 64 bits, which nobody hits by chance. In hexadecimal 16 characters, in a list of numbers some 28. */
const PART_BYTES = 8;
/** A row of numbers that is set in columns. */
const BLANKS = /\d,[ \n]{2,}\d/;
const BASE = 0x01000193;
const TABLE_BITS = 22;
/** By what a character counts when it leaves the probe. */
const LEAVING = power(BASE, PROBE_CHARS);

export interface Found {
  /** Which secret. */
  readonly secret: string;
  readonly form: string;
  /** Where in what was searched; of numbers in columns, with single blanks. */
  readonly at: number;
}

/** Where a probe comes from. */
interface Place {
  readonly secret: string;
  readonly form: Form;
  /** Which of the form's characters is the probe's first. */
  readonly at: number;
  /** How many characters of the form in a row are taken for the secret. */
  readonly enough: number;
}

/** A rolling hash (Rabin and Karp) of every probe of every form, and a table of those that there are. */
export class Finder {
  readonly #places = new Map<string, Place[]>();
  readonly #seen = new Uint8Array(2 ** TABLE_BITS);

  /** `name` is what is told; the secret itself never is. */
  add(name: string, secret: Uint8Array | string): void {
    const bytes = typeof secret === 'string' ? Buffer.from(secret) : Buffer.from(secret);
    if (bytes.length < PROBE_CHARS) throw new Error(`${name} is too short to be found by its parts`);
    for (const form of formsOf(bytes)) {
      const enough = Math.max(PROBE_CHARS, Math.ceil((PART_BYTES * form.bytes.length) / bytes.length));
      eachHash(form.bytes, (at, hash) => {
        this.#seen[hash >>> (32 - TABLE_BITS)] = 1;
        const probe = form.bytes.toString('latin1', at, at + PROBE_CHARS);
        const places = this.#places.get(probe);
        if (places) places.push({ secret: name, form, at, enough });
        else this.#places.set(probe, [{ secret: name, form, at, enough }]);
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
    eachHash(bytes, (at, hash) => {
      if (this.#seen[hash >>> (32 - TABLE_BITS)] === 0) return;
      for (const place of this.#places.get(bytes.toString('latin1', at, at + PROBE_CHARS)) ?? []) {
        if (found.has(place.secret) || alike(bytes, at, place) < place.enough) continue;
        found.set(place.secret, { secret: place.secret, form: place.form.name, at });
      }
    });
  }
}

/** How many characters in a row, the probe amid them, are the form's. */
function alike(bytes: Buffer, at: number, { form, at: place }: Place): number {
  let before = 0;
  while (before < place && before < at && bytes[at - before - 1] === form.bytes[place - before - 1]) before += 1;
  let after = PROBE_CHARS;
  while (place + after < form.bytes.length && bytes[at + after] === form.bytes[place + after]) after += 1;
  return before + after;
}

function eachHash(bytes: Buffer, visit: (at: number, hash: number) => void): void {
  let hash = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    hash = Math.imul(hash, BASE) + bytes[index]! + 1;
    if (index >= PROBE_CHARS) hash -= Math.imul(LEAVING, bytes[index - PROBE_CHARS]! + 1);
    hash |= 0;
    if (index >= PROBE_CHARS - 1) visit(index - PROBE_CHARS + 1, Math.imul(hash, 0x9e3779b1) >>> 0);
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
