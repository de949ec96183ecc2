import { ResettleError } from '../../../common/errors.ts';

/** One bit for each pack of a descriptor: bit `i % 8`, lowest first, of byte `i / 8`. Empty: all of them. */
export type PackBits = Uint8Array;

/** Throws `damaged` where it is not one for so many packs, or where it names none. */
export function checkPackBits(bits: PackBits, packs: number): void {
  if (bits.length === 0) return;
  const spare = bits.length * 8 - packs;
  const rightLength = bits.length === Math.ceil(packs / 8);
  if (!rightLength || (spare > 0 && bits.at(-1)! >> (8 - spare) !== 0) || bits.every((byte) => byte === 0)) {
    throw new ResettleError('damaged', `the list of packs to hold does not fit a descriptor of ${packs} packs`);
  }
}

/** Of these packs, in the order of the descriptor, those whose bits are set. */
export function chosen<T>(packs: readonly T[], bits: PackBits): T[] {
  return bits.length === 0 ? [...packs] : packs.filter((_, index) => isSet(bits, index));
}

/** The bits of those packs for which `has` is true. */
export function bitsOf<T>(packs: readonly T[], has: (pack: T, index: number) => boolean): PackBits {
  const bits = new Uint8Array(Math.ceil(packs.length / 8));
  let all = true;
  for (const [index, pack] of packs.entries()) {
    if (has(pack, index)) bits[index >> 3]! |= 1 << (index & 7);
    else all = false;
  }
  return all ? new Uint8Array(0) : bits;
}

/** What two holders of parts have together. */
export function joinPackBits(a: PackBits, b: PackBits, packs: number): PackBits {
  if (a.length === 0 || b.length === 0) return new Uint8Array(0);
  return bitsOf(new Array<undefined>(packs).fill(undefined), (_, index) => isSet(a, index) || isSet(b, index));
}

function isSet(bits: PackBits, index: number): boolean {
  return ((bits[index >> 3] ?? 0) >> (index & 7)) % 2 === 1;
}
