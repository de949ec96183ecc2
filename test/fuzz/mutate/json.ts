/** Changes to the values of a JSON text; it stays JSON. */
import type { Random } from '../../faults/scenario.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const DEEP = 3_000;
/** Further places are not changed. */
const DEPTH_MAX = 40;
const PLACES_MAX = 20_000;
const LONG = 5_000;
/** Written as they stand: JSON.stringify has no way to write some of them. */
const ODD: readonly string[] = [
  ...String.raw`null true false 0 -0 -1 1 0.5 1e400 -1e400 4294967295 4294967296 9007199254740991 9007199254740993 1e21
    "" "\u0000" "\n" "\ud800" "\u202e" "\u001b[2J" "__proto__" "../../x" "/etc/../x" "/" "." "root" "0" "é" "e\u0301" [] {}
    [[]] [null] {"__proto__":{"isRoot":true}} {"constructor":1} {"toString":null} {"length":-1} {"":1}
    {"a":1,"a":2}`.split(/\s+/),
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
  `"${'x'.repeat(LONG)}"`,
  `[${Array(LONG).fill('1').join(',')}]`,
];

/** A place in the tree, with a way to put something else there. */
interface Place {
  readonly value: Json;
  set(value: Json): void;
  remove(): void;
  /** Once more, beside it. */
  double(): void;
}

function placesOf(value: Json, places: Place[], depth = 0): void {
  if (depth > DEPTH_MAX || places.length > PLACES_MAX) return;
  if (Array.isArray(value)) {
    for (const [at, inner] of value.entries()) {
      places.push({
        value: inner,
        set: (other) => value.splice(at, 1, other),
        remove: () => value.splice(at, 1),
        double: () => value.splice(at, 0, ...Array.from({ length: at % 7 === 0 ? 40 : 1 }, () => inner)),
      });
      placesOf(inner, places, depth + 1);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const put = (name: string, what: Json) =>
        Object.defineProperty(value, name, { value: what, enumerable: true, configurable: true, writable: true });
      places.push({
        value: inner,
        set: (other) => put(key, other),
        remove: () => delete value[key],
        double: () => put(`${key}2`, inner),
      });
      placesOf(inner, places, depth + 1);
    }
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

const HOLE = '\u{f0000}odd\u{f0000}';

function changedText(text: string, random: Random, word: () => string): string {
  const at = random.integer(text.length + 1);
  const by = random.pick([word(), '\n', '\0', '/', '..', ':', ' ', '"', '\\', '%', '-', '\u001b', 'é', '0']);
  return text.slice(0, at) + by + text.slice(at + random.integer(3));
}

/** Undefined where the bytes are no JSON, or deeper than a stack. `words`: those that mean something to whoever reads it. */
export function mutateJson(bytes: Buffer, random: Random, words: readonly string[]): Buffer | undefined {
  try {
    return changed(bytes, random, words);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function changed(bytes: Buffer, random: Random, words: readonly string[]): Buffer | undefined {
  const root = [parse(bytes.toString('utf8'))] as Json[];
  if (root[0] === undefined) return undefined;
  const places: Place[] = [];
  placesOf(root, places);
  const place = random.pick(places);
  const which = random.integer(8);
  const word = (): string => (words.length > 0 ? random.pick(words) : 'x');
  if (which === 0) place.remove();
  else if (which === 1) place.double();
  else if (which === 2) place.set(structuredClone(random.pick(places).value));
  else if (which < 5 && typeof place.value === 'string') place.set(changedText(place.value, random, word));
  else if (which === 5 && typeof place.value === 'number') place.set(place.value + random.integer(5) - 2);
  else if (which === 6 && words.length > 0) place.set(word());
  else place.set(HOLE);
  const text = JSON.stringify(root[0]) ?? '';
  return Buffer.from(text.replace(JSON.stringify(HOLE), () => random.pick(ODD)));
}
