/** Numbers at which code goes wrong: the ends of each width, and what is next to them. */
import type { Random } from '../../faults/scenario.ts';

const EDGES: readonly bigint[] = [7n, 8n, 15n, 16n, 20n, 24n, 31n, 32n, 52n, 53n, 62n, 63n, 64n].map(
  (bits) => 1n << bits,
);

/** 0 to 2^64 - 1, mostly near an edge. */
export function edgeNumber(random: Random, lengthNearby: number): bigint {
  const which = random.integer(8);
  if (which === 0) return BigInt(random.integer(4));
  if (which === 1) return BigInt(random.integer(256));
  if (which === 2) return BigInt(Math.max(0, lengthNearby + random.integer(5) - 2));
  if (which === 3) return (BigInt(random.integer(2 ** 32)) << 32n) | BigInt(random.integer(2 ** 32));
  return BigInt.asUintN(64, random.pick(EDGES) + BigInt(random.integer(3) - 1));
}

/** LEB128, sometimes with more bytes than needed. */
export function varint(value: bigint, spareBytes = 0): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let spare = 0; spare < spareBytes; spare++) bytes.push(0x80);
  bytes[bytes.length - 1]! &= 0x7f;
  return Buffer.from(bytes);
}

/** `width` bytes of a number, the lowest first or last. */
export function fixedWidth(value: bigint, width: 1 | 2 | 4 | 8, isLittleEndian: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(width * 8, value));
  const cut = bytes.subarray(0, width);
  return isLittleEndian ? cut : cut.reverse();
}
