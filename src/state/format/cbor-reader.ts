import { decode, decodeFirst, Tokenizer } from 'cborg';
import { CBOR_OBJECTS_MAX } from '../../common/limits.ts';
import { damaged } from './damaged.ts';

/** A decoded CBOR map whose keys are small integers. */
export type FieldMap = ReadonlyMap<number, unknown>;

/** Strict, and only what our writers write. */
const CBOR_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
};

/** Refuses what would take far more memory than its bytes: an empty map is one byte, and 200 when it is decoded. */
class BoundedTokenizer extends Tokenizer {
  #objects = 0;

  override next() {
    const major = this.data[this.pos()]! >>> 5;
    if ((major === BYTES || major === LIST || major === MAP) && ++this.#objects > CBOR_OBJECTS_MAX) {
      throw new Error(`more than ${CBOR_OBJECTS_MAX} lists, maps and byte strings`);
    }
    return super.next();
  }
}

/** Major types of CBOR. */
const BYTES = 2;
const LIST = 4;
const MAP = 5;

/** Decodes one strict CBOR item. Throws `damaged`. */
export function decodeCbor(bytes: Uint8Array, what: string): unknown {
  try {
    return decode(bytes, { ...CBOR_OPTIONS, tokenizer: new BoundedTokenizer(bytes, CBOR_OPTIONS) });
  } catch (error) {
    throw damaged(`${what} is not valid CBOR`, error);
  }
}

/** The item that the bytes begin with, and what is behind it. Throws `damaged`. */
export function decodeFirstCbor(bytes: Uint8Array, what: string): readonly [item: unknown, rest: Uint8Array] {
  try {
    return decodeFirst(bytes, CBOR_OPTIONS);
  } catch (error) {
    throw damaged(`${what} is not valid CBOR`, error);
  }
}

/** Every reader below throws `damaged`, naming what was being read. */
export function readMap(value: unknown, what: string, knownKeys: ReadonlySet<number>): FieldMap {
  if (!(value instanceof Map)) throw damaged(`${what} is not a map`);
  for (const key of value.keys()) {
    if (typeof key !== 'number' || !knownKeys.has(key)) throw damaged(`${what} has an unknown key`);
  }
  return value as FieldMap;
}

export function readArray(value: unknown, what: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw damaged(`${what} is not a list of at most ${max}`);
  return value;
}

/** A list of exactly that many items. */
export function readTuple(value: unknown, what: string, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw damaged(`${what} is not a list of ${length}`);
  return value;
}

export function readUint(value: unknown, what: string, max: number = Number.MAX_SAFE_INTEGER): number {
  // CBOR has a zero with a sign among its fractions, and it passes for an integer.
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max || Object.is(value, -0)) {
    throw damaged(`${what} is not an integer from 0 to ${max}`);
  }
  return value;
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export function readInt64(value: unknown, what: string): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX) return value;
  throw damaged(`${what} is not a 64-bit integer`);
}

export function readBytes(value: unknown, what: string, min: number, max: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length < min || value.length > max) {
    throw damaged(`${what} is not ${min === max ? min : `${min} to ${max}`} bytes`);
  }
  return value;
}

export function readText(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== 'string' || value.length > maxLength) {
    throw damaged(`${what} is not a text of at most ${maxLength} characters`);
  }
  return value;
}
