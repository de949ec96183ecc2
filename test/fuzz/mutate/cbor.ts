/** Changes to a tree of CBOR items (RFC 8949): its counts stay right, unless they are what is changed. */
import type { Random } from '../../faults/scenario.ts';
import { edgeNumber, fixedWidth } from './integers.ts';

const DEPTH_MAX = 64;
const ITEMS_MAX = 20_000;
const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** An item that is written as it stands, or one with items in it. */
type Item =
  | { readonly major: number; readonly argument: bigint; readonly content: Buffer; readonly items?: undefined }
  | { readonly major: number; readonly argument?: undefined; readonly items: Item[] };

/** What no writer of ours writes. */
const ODD: readonly Buffer[] = `
  f6 f7 f4 f5 f98000 f93c00 f97e00 f97c00 fb3ff0000000000000 fb8000000000000000 fa4f000000 fb7ff0000000000000 f8ff e0 20
  3bffffffffffffffff 1bffffffffffffffff 80 a0 40 60 5fff 9fff bfff 7f6161ff c249010000000000000000 c000 d9d9f7a0 61ff
  a2000000 1800 190001 1b0000000000000001 3900 5800 5b0000000000000000 9a00000000 ff 1c a10001`
  .trim()
  .split(/\s+/)
  .map((hex) => Buffer.from(hex, 'hex'));

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #left = ITEMS_MAX;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Undefined where it is none, or none that is worth following. */
  item(depth = 0): Item | undefined {
    const first = this.#bytes[this.#at];
    this.#left -= 1;
    if (first === undefined || depth > DEPTH_MAX || this.#left < 0) return undefined;
    const [major, low] = [first >> 5, first & 31];
    if (low > 27) return undefined;
    const width = low < 24 ? 0 : 1 << (low - 24);
    if (this.#at + 1 + width > this.#bytes.length) return undefined;
    const argument = low < 24 ? BigInt(low) : bigEndian(this.#bytes.subarray(this.#at + 1, this.#at + 1 + width));
    this.#at += 1 + width;
    if (major === MAJOR.array || major === MAJOR.map) return this.#list(major, argument, depth);
    const size = major === MAJOR.bytes || major === MAJOR.text ? argument : 0n;
    if (BigInt(this.#at) + size > BigInt(this.#bytes.length)) return undefined;
    const content = this.#bytes.subarray(this.#at, this.#at + Number(size));
    this.#at += content.length;
    return { major, argument, content };
  }

  #list(major: number, count: bigint, depth: number): Item | undefined {
    const items: Item[] = [];
    const all = major === MAJOR.map ? count * 2n : count;
    for (let index = 0n; index < all; index++) {
      const item = this.item(depth + 1);
      if (!item) return undefined;
      items.push(item);
    }
    return { major, items };
  }
}

const bigEndian = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);

function head(major: number, argument: bigint, wide = false): Buffer {
  const width = argument < 256n ? 1 : argument < 0x10000n ? 2 : argument < 0x1_0000_0000n ? 4 : 8;
  if (argument < 24n && !wide) return Buffer.from([(major << 5) | Number(argument)]);
  const low = { 1: 24, 2: 25, 4: 26, 8: 27 }[width];
  return Buffer.concat([Buffer.from([(major << 5) | low]), fixedWidth(argument, width, false)]);
}

function listsOf(item: Item, found: Item[][] = []): Item[][] {
  if (item.items === undefined) return found;
  if (item.items.length > 0) found.push(item.items);
  for (const inner of item.items) listsOf(inner, found);
  return found;
}

/** The major type of an item that is written as its content alone. */
const RAW = -1;
const raw = (content: Buffer): Item => ({ major: RAW, argument: 0n, content });

function changed(item: Item, random: Random, all: readonly Item[]): Item {
  const which = random.integer(10);
  if (which < 2) return raw(random.pick(ODD));
  if (which === 2) return raw(written(random.pick(all)));
  if (which === 3) return { major: MAJOR.array, items: [item] };
  if (which === 4) return raw(Buffer.concat([Buffer.alloc(1 + random.integer(4000), 0x81), written(item)]));
  if (item.items !== undefined) return { major: random.pick([MAJOR.array, MAJOR.map]), items: item.items };
  if (item.major === MAJOR.bytes || item.major === MAJOR.text) return changedString(item, random);
  if (which === 6 && item.major === MAJOR.uint) return raw(fraction(Number(item.argument)));
  const argument = edgeNumber(random, all.length);
  if (which === 5) return raw(head(item.major < 2 ? item.major : 0, argument & 0xffn, true));
  return { major: random.integer(2), argument, content: Buffer.alloc(0) };
}

/** A whole number as a fraction: the same value in a form that no writer of ours writes. */
function fraction(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0xfb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function changedString(item: Item & { content: Buffer }, random: Random): Item {
  const which = random.integer(5);
  const inner = which < 2 && item.major === MAJOR.bytes ? mutateCbor(item.content, random) : undefined;
  let content = inner ?? Buffer.from(item.content);
  if (which === 2 && content.length > 0) content[random.integer(content.length)]! ^= 1 << random.integer(8);
  if (which === 3) content = content.subarray(0, random.integer(content.length + 1));
  if (which === 4) content = Buffer.concat([content, content, random.bytes(random.integer(4))]);
  return { major: random.integer(8) === 0 ? 5 - item.major : item.major, argument: BigInt(content.length), content };
}

function written(item: Item): Buffer {
  const parts: Buffer[] = [];
  write(item, parts);
  return Buffer.concat(parts);
}

function write(item: Item, parts: Buffer[]): void {
  if (item.major === RAW && item.items === undefined) parts.push(item.content);
  else if (item.items === undefined) parts.push(head(item.major, item.argument), item.content);
  else {
    parts.push(head(item.major, BigInt(item.major === MAJOR.map ? item.items.length >> 1 : item.items.length)));
    for (const inner of item.items) write(inner, parts);
  }
}

/** Undefined where the bytes are no CBOR that it can follow. */
export function mutateCbor(bytes: Buffer, random: Random): Buffer | undefined {
  const reader = new Reader(bytes);
  const root = reader.item();
  if (!root || !reader.isAtEnd) return undefined;
  const lists = listsOf(root);
  if (lists.length === 0) return written(changed(root, random, [root]));
  const list = random.pick(lists);
  const at = random.integer(list.length);
  const which = random.integer(8);
  if (which === 0) list.splice(at, 1 + random.integer(2));
  else if (which === 1) list.splice(at, 0, ...list.slice(at & ~1, (at & ~1) + 2));
  else if (which === 2) list.unshift(...list.splice(at & ~1, 2));
  else if (which === 3) list.push(...random.pick(lists).map((item) => raw(written(item))));
  else list[at] = changed(list[at]!, random, random.pick(lists));
  return written(root);
}
