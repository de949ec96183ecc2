import { regroupBits } from './regroup-bits.ts';

const DIGITS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECK_DIGITS = 6;

/** Text of bytes as BIP 173 has it, which age writes its keys in. In lower case; the prefix must be so, too. */
export function bech32(prefix: string, bytes: Uint8Array): string {
  const data = regroupBits(bytes, 8, 5, true);
  const codes = [...prefix].map((char) => char.charCodeAt(0));
  const before = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...data];
  const sum = remainder([...before, ...Array<number>(CHECK_DIGITS).fill(0)]) ^ 1;
  const check = Array.from({ length: CHECK_DIGITS }, (_, index) => (sum >> (5 * (CHECK_DIGITS - 1 - index))) & 31);
  return `${prefix}1${[...data, ...check].map((digit) => DIGITS[digit]).join('')}`;
}

function remainder(digits: readonly number[]): number {
  let value = 1;
  for (const digit of digits) {
    const top = value >> 25;
    value = ((value & 0x1ffffff) << 5) ^ digit;
    for (const [bit, generator] of GENERATORS.entries()) if ((top >> bit) & 1) value ^= generator;
  }
  return value;
}
