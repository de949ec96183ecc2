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

function isSet(bits: PackBits, index: number): boolean {
  return ((bits[index >> 3] ?? 0) >> (index & 7)) % 2 === 1;
}
