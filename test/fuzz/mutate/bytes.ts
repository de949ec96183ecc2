/** Changes that know nothing of the format. */
import type { Random } from '../../faults/scenario.ts';
import { edgeNumber, fixedWidth, varint } from './integers.ts';

const RUN_MAX = 64;
/** How often an input is blown up, and to what size: what takes quadratic time shows itself there. */
const BLOW_UP_ONE_IN = 1500;
const BLOWN_UP_BYTES = 192 * 1024;

/** Places that are looked at for a length. */
const LOOKED_AT = 64;

type Mutation = (bytes: Buffer, random: Random, other: Uint8Array) => Buffer;

/** The bytes between two places replaced. */
export const replaced = (bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);

/** Somewhere in it, and a little further on. */
export function someRange(length: number, random: Random, most = RUN_MAX): [from: number, to: number] {
  const from = random.integer(length + 1);
  return [from, Math.min(length, from + random.integer(most + 1))];
}

function changedByte(bytes: Buffer, random: Random, change: (byte: number) => number): Buffer {
  if (bytes.length === 0) return random.bytes(1);
  const copy = Buffer.from(bytes);
  const at = random.integer(copy.length);
  copy[at] = change(copy[at]!);
  return copy;
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changedByte(bytes, random, (byte) => byte ^ (1 << random.integer(8))),
  (bytes, random) => changedByte(bytes, random, () => random.integer(256)),
  (bytes, random) => changedByte(bytes, random, () => random.pick([0, 1, 0x7f, 0x80, 0xff, 0x20, 0x0a])),
  (bytes, random) => changedByte(bytes, random, (byte) => byte + random.integer(33) - 16),
  (bytes, random) => {
    const [from] = someRange(bytes.length, random);
    return replaced(bytes, from, from, random.bytes(1 + random.integer(8)));
  },
  (bytes, random) => {
    const [from] = someRange(bytes.length, random);
    return replaced(bytes, from, from, Buffer.alloc(1 + random.integer(RUN_MAX), random.integer(256)));
  },
  (bytes, random) => {
    const [from, to] = someRange(bytes.length, random);
    return replaced(bytes, from, to, Buffer.alloc(0));
  },
  (bytes, random) => {
    const [from, to] = someRange(bytes.length, random);
    return replaced(bytes, to, to, bytes.subarray(from, to));
  },
  (bytes, random) => {
    const [from, to] = someRange(bytes.length, random);
    const [at] = someRange(bytes.length, random);
    return replaced(bytes, at, Math.min(bytes.length, at + to - from), bytes.subarray(from, to));
  },
  (bytes, random, other) => {
    const [from] = someRange(bytes.length, random);
    return Buffer.concat([bytes.subarray(0, from), other.subarray(random.integer(other.length + 1))]);
  },
  (bytes, random, other) => {
    const [from, to] = someRange(other.length, random);
    const [at] = someRange(bytes.length, random);
    return replaced(bytes, at, at, other.subarray(from, to));
  },
  (bytes, random) => bytes.subarray(0, random.integer(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.integer(bytes.length + 1)),
  (bytes, random) => {
    const number = edgeNumber(random, bytes.length);
    const written = fixedWidth(number, random.pick([1, 2, 4, 8] as const), random.integer(2) === 0);
    const [at] = someRange(bytes.length, random);
    return replaced(bytes, at, at + written.length, written);
  },
  (bytes, random) => {
    const [at] = someRange(bytes.length, random);
    return replaced(
      bytes,
      at,
      at + random.integer(3),
      varint(edgeNumber(random, bytes.length - at), random.integer(3)),
    );
  },
  lengthNudged,
];

/** A number in it that could be a length of what follows becomes another one. */
function lengthNudged(bytes: Buffer, random: Random): Buffer {
  const width = random.pick([1, 2, 4] as const);
  const start = random.integer(Math.max(1, bytes.length));
  for (let at = start; at + width <= Math.min(bytes.length, start + LOOKED_AT); at++) {
    for (const isLittleEndian of [true, false]) {
      const value = isLittleEndian ? bytes.readUIntLE(at, width) : bytes.readUIntBE(at, width);
      if (value === 0 || value > bytes.length - at - width) continue;
      const nudged = BigInt(random.pick([value + 1, value - 1, value * 2, bytes.length - at - width, 0]));
      return replaced(bytes, at, at + width, fixedWidth(nudged, width, isLittleEndian));
    }
  }
  return changedByte(bytes, random, (byte) => byte + 1);
}

/** A piece of it so often that it gets long. */
function blownUp(bytes: Buffer, random: Random): Buffer {
  const [from, to] = someRange(bytes.length, random, 12);
  const piece = from === to ? Buffer.from([random.integer(256)]) : bytes.subarray(from, to);
  return replaced(bytes, to, to, Buffer.alloc(BLOWN_UP_BYTES, piece));
}

export function mutateBytes(bytes: Buffer, random: Random, other: Uint8Array): Buffer {
  if (random.integer(BLOW_UP_ONE_IN) === 0) return blownUp(bytes, random);
  return random.pick(MUTATIONS)(bytes, random, other);
}
