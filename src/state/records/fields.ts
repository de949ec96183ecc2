/**
 * Strict CBOR: maps with small integer keys, every key known and present, every size capped. What `decodeStrict` takes
 * encodes to the same bytes again, so a payload has one form only.
 */
import { decode, encode } from 'cborg';
import { asBuffer, bytesOfHex, hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';

/** How one value is written and read. `decode` throws for what it does not take. */
export interface Field<T> {
  encode(value: T): unknown;
  decode(raw: unknown, what: string): T;
}

type Shape = Readonly<Record<string, Field<unknown>>>;
type Shaped<S extends Shape> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

/** The error for bytes that are not what they claim to be. */
export function malformed(message: string): ResettleError {
  return new ResettleError('refused', message, { hint: 'the sender is damaged, hostile or of another version' });
}

function field<T>(accepts: (raw: unknown) => raw is T): Field<T> {
  const check = (raw: unknown, what: string): T => {
    if (!accepts(raw)) throw malformed(`${what} is malformed`);
    return raw;
  };
  return { encode: (value) => check(value, 'a value'), decode: check };
}

export const flag: Field<boolean> = field((raw): raw is boolean => typeof raw === 'boolean');

export function integer(min: number, max: number): Field<number> {
  return field((raw): raw is number => Number.isSafeInteger(raw) && (raw as number) >= min && (raw as number) <= max);
}

/** Milliseconds since 1970, up to the year 9999. */
export const timeMs: Field<number> = integer(0, 253_402_300_799_999);

export function bytes(min: number, max: number): Field<Uint8Array> {
  return field((raw): raw is Uint8Array => raw instanceof Uint8Array && raw.length >= min && raw.length <= max);
}

export function text(pattern: RegExp): Field<string> {
  return field((raw): raw is string => typeof raw === 'string' && raw.isWellFormed() && pattern.test(raw));
}

/** Bytes of a fixed length that are hex in memory. */
export function hex<T extends string = string>(byteCount: number): Field<T> {
  const inner = bytes(byteCount, byteCount);
  return {
    encode: (value) => inner.encode(bytesOfHex(value)),
    decode: (raw, what) => hexOf(inner.decode(raw, what)) as T,
  };
}

export function nullable<T>(inner: Field<T>): Field<T | null> {
  return {
    encode: (value) => (value === null ? null : inner.encode(value)),
    decode: (raw, what) => (raw === null ? null : inner.decode(raw, what)),
  };
}

export function list<T>(inner: Field<T>, maxItems: number): Field<readonly T[]> {
  const check = (raw: unknown, what: string): readonly unknown[] => {
    if (!Array.isArray(raw) || raw.length > maxItems) throw malformed(`${what} is malformed`);
    return raw;
  };
  return {
    encode: (value) => check(value, 'a list').map((item) => inner.encode(item as T)),
    decode: (raw, what) => check(raw, what).map((item) => inner.decode(item, what)),
  };
}

/** One of a few words, each with the number that stands for it on the wire. */
export function choice<T extends string>(numbers: Readonly<Record<T, number>>): Field<T> {
  const words = new Map<unknown, T>(Object.entries(numbers).map(([word, number]) => [number, word as T]));
  return {
    encode: (value) => numbers[value],
    decode: (raw, what) => {
      const word = words.get(raw);
      if (word === undefined) throw malformed(`${what} is of an unknown kind`);
      return word;
    },
  };
}

/** A map whose keys are the numbers of the shape's fields, in their order from 0. */
export function mapOf<S extends Shape>(shape: S): Field<Shaped<S>> {
  const names = Object.keys(shape);
  return {
    encode: (value) => new Map(names.map((name, key) => [key, shape[name]!.encode(value[name as keyof S])])),
    decode: (raw, what) => {
      if (!(raw instanceof Map) || raw.size !== names.length) throw malformed(`${what} does not have its fields`);
      const value: Record<string, unknown> = {};
      for (const [key, name] of names.entries()) {
        if (!raw.has(key)) throw malformed(`${what} does not have its fields`);
        value[name] = shape[name]!.decode(raw.get(key), `${what}: ${name}`);
      }
      return value as Shaped<S>;
    },
  };
}

export function encodeStrict<T>(codec: Field<T>, value: T): Uint8Array {
  return encode(codec.encode(value));
}

/** How a value is read from bytes: `decodeStrict`, or `decodeKnown` where they were read strictly before. */
export type Decode = <T>(codec: Field<T>, encoded: Uint8Array, what: string, maxBytes: number) => T;

/** For bytes that `decodeStrict` took before: it does not look whether they are in their one form. */
export function decodeKnown<T>(codec: Field<T>, encoded: Uint8Array, what: string): T {
  return codec.decode(decodeCbor(encoded, what), what);
}

/** Throws `refused` for anything that `encodeStrict` does not write. */
export function decodeStrict<T>(codec: Field<T>, encoded: Uint8Array, what: string, maxBytes: number): T {
  if (encoded.length > maxBytes) throw malformed(`${what} is larger than ${maxBytes} bytes`);
  const value = codec.decode(decodeCbor(encoded, what), what);
  if (!asBuffer(encodeStrict(codec, value)).equals(encoded)) throw malformed(`${what} is not in its one form`);
  return value;
}

function decodeCbor(encoded: Uint8Array, what: string): unknown {
  try {
    return decode(encoded, {
      useMaps: true,
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (error) {
    throw new ResettleError('refused', `${what} is not CBOR`, {
      hint: 'the sender is damaged, hostile or of another version',
      cause: error,
    });
  }
}
