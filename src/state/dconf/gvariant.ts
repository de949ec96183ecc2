import { isUtf8 } from 'node:buffer';
import { aligned, type GType, readType } from './gvariant-type.ts';

/** A value of GVariant's, as it was stored. */
export type GVariant =
  | { readonly type: GType; readonly kind: 'boolean'; readonly value: boolean }
  /** y, n, q, i, u, h, d. */
  | { readonly type: GType; readonly kind: 'number'; readonly value: number }
  /** x, t. */
  | { readonly type: GType; readonly kind: 'bigint'; readonly value: bigint }
  /** s, o, g. */
  | { readonly type: GType; readonly kind: 'text'; readonly value: string }
  /** Arrays, tuples, entries: their members. A maybe has one or none, a variant one. */
  | { readonly type: GType; readonly kind: 'members'; readonly members: readonly GVariant[] };

/** Values in all that one read makes: a database of somebody’s settings has some thousands. */
const VALUES_MAX = 200_000;
const DEPTH_MAX = 64;

/** Thrown and caught in here: what is read is not what it says it is. */
class Damaged extends Error {}

/**
 * Reads serialised values (https://docs.gtk.org/glib/gvariant-format-strings.html, "GVariant specification"). One reader
 * serves one database and counts what it makes, so that no file can have it make more than a bounded number of values.
 */
export class GVariantReader {
  readonly #isLittle: boolean;
  #left = VALUES_MAX;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  /** The value inside a serialised variant. Undefined where the bytes are none, or would be too many values. */
  readVariant(bytes: Buffer): GVariant | undefined {
    try {
      return this.#variant(bytes, 0);
    } catch (error) {
      if (error instanceof Damaged) return undefined;
      throw error;
    }
  }

  #variant(bytes: Buffer, depth: number): GVariant {
    // Its type stands behind the last NUL.
    const nul = bytes.lastIndexOf(0);
    const type = nul < 0 ? undefined : readType(bytes.toString('latin1', nul + 1));
    if (!type) throw new Damaged();
    return this.#value(type, bytes.subarray(0, nul), depth + 1);
  }

  #value(type: GType, bytes: Buffer, depth: number): GVariant {
    if (--this.#left < 0 || depth > DEPTH_MAX) throw new Damaged();
    if (type.fixedBytes !== undefined && bytes.length !== type.fixedBytes) throw new Damaged();
    switch (type.kind) {
      case 'b':
        return { type, kind: 'boolean', value: bytes[0] !== 0 };
      case 's':
      case 'o':
      case 'g':
        return { type, kind: 'text', value: textOf(bytes) };
      case 'x':
      case 't':
        return { type, kind: 'bigint', value: this.#big(type.kind, bytes) };
      case 'v':
        return { type, kind: 'members', members: [this.#variant(bytes, depth)] };
      case 'm':
        return { type, kind: 'members', members: this.#maybe(type, bytes, depth) };
      case 'a':
        return { type, kind: 'members', members: this.#array(type, bytes, depth) };
      case '(':
      case '{':
        return { type, kind: 'members', members: this.#tuple(type, bytes, depth) };
      default:
        return { type, kind: 'number', value: this.#number(type.kind, bytes) };
    }
  }

  #maybe({ inner: [inner] }: GType, bytes: Buffer, depth: number): GVariant[] {
    if (!inner) throw new Damaged();
    if (bytes.length === 0) return [];
    // Of one whose length differs a NUL behind it tells that it is there.
    const content = inner.fixedBytes === undefined ? bytes.subarray(0, -1) : bytes;
    return [this.#value(inner, content, depth + 1)];
  }

  #array({ inner: [inner] }: GType, bytes: Buffer, depth: number): GVariant[] {
    if (!inner) throw new Damaged();
    if (bytes.length === 0) return [];
    const members: GVariant[] = [];
    if (inner.fixedBytes !== undefined) {
      if (bytes.length % inner.fixedBytes !== 0) throw new Damaged();
      for (let at = 0; at < bytes.length; at += inner.fixedBytes) {
        members.push(this.#value(inner, bytes.subarray(at, at + inner.fixedBytes), depth + 1));
      }
      return members;
    }
    const size = offsetBytes(bytes.length);
    const table = this.#offset(bytes, bytes.length - size, size);
    if (table > bytes.length - size || (bytes.length - table) % size !== 0) throw new Damaged();
    let start = 0;
    for (let at = table; at < bytes.length; at += size) {
      const end = this.#offset(bytes, at, size);
      const begin = aligned(start, inner.alignment);
      if (begin > end || end > table) throw new Damaged();
      members.push(this.#value(inner, bytes.subarray(begin, end), depth + 1));
      start = end;
    }
    return members;
  }

  #tuple({ inner }: GType, bytes: Buffer, depth: number): GVariant[] {
    const size = offsetBytes(bytes.length);
    let table = bytes.length;
    let start = 0;
    return inner.map((member, index) => {
      const begin = aligned(start, member.alignment);
      let end = begin + (member.fixedBytes ?? 0);
      if (member.fixedBytes === undefined) {
        // The last one ends where the offsets begin; theirs stand in reverse.
        const isLast = index === inner.length - 1;
        if (!isLast) table -= size;
        end = isLast ? table : this.#offset(bytes, table, size);
      }
      if (begin > end || end > bytes.length || table < 0) throw new Damaged();
      start = end;
      return this.#value(member, bytes.subarray(begin, end), depth + 1);
    });
  }

  /** Offsets are little-endian, whatever the values are. */
  #offset(bytes: Buffer, at: number, size: number): number {
    if (at < 0 || at + size > bytes.length) throw new Damaged();
    return bytes.readUIntLE(at, Math.min(size, 6));
  }

  #number(kind: string, bytes: Buffer): number {
    const little = this.#isLittle;
    switch (kind) {
      case 'y':
        return bytes.readUInt8();
      case 'n':
        return little ? bytes.readInt16LE() : bytes.readInt16BE();
      case 'q':
        return little ? bytes.readUInt16LE() : bytes.readUInt16BE();
      case 'i':
      case 'h':
        return little ? bytes.readInt32LE() : bytes.readInt32BE();
      case 'u':
        return little ? bytes.readUInt32LE() : bytes.readUInt32BE();
      default:
        return little ? bytes.readDoubleLE() : bytes.readDoubleBE();
    }
  }

  #big(kind: 'x' | 't', bytes: Buffer): bigint {
    if (kind === 'x') return this.#isLittle ? bytes.readBigInt64LE() : bytes.readBigInt64BE();
    return this.#isLittle ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE();
  }
}

function textOf(bytes: Buffer): string {
  const text = bytes.subarray(0, -1);
  if (bytes.at(-1) !== 0 || text.includes(0) || !isUtf8(text)) throw new Damaged();
  return text.toString('utf8');
}

function offsetBytes(length: number): number {
  if (length <= 0xff) return 1;
  return length <= 0xffff ? 2 : 4;
}
