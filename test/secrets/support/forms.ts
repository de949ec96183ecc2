/** Every way in which a secret could have been written down. */
import { toString as textOf } from 'uint8arrays';

/** One way, as the bytes that would stand there. */
export interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/**
 * Raw bytes (as CBOR, protobuf and a disk have them), hexadecimal, base64 and base32 wherever the secret begins in what was
 * encoded, base58, bech32, UTF-16, and as JSON and Node's inspector show bytes.
 */
export function formsOf(secret: Uint8Array): Form[] {
  const bytes = Buffer.from(secret);
  const decimal = [...bytes];
  const texts: [string, string][] = [
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['base58', textOf(bytes, 'base58btc')],
    ['bech32', symbols(bytes, BECH32)],
    ['BECH32', symbols(bytes, BECH32).toUpperCase()],
    ['a list', decimal.join(',')],
    ['a list with blanks', decimal.join(', ')],
    ['an object', decimal.map((byte, index) => `"${index}":${byte}`).join(',')],
    ['a buffer as Node shows it', bytes.toString('hex').match(/../g)!.join(' ')],
  ];
  for (const encoding of ['base64', 'base64url'] as const) {
    for (let before = 0; before < 3; before += 1) texts.push([encoding, amid(bytes, before, encoding)]);
  }
  for (let before = 0; before < 5; before += 1) {
    const text = symbols(Buffer.concat([Buffer.alloc(before), bytes]), BASE32);
    const inner = text.slice(Math.ceil((before * 8) / 5), -1);
    texts.push(['base32', inner], ['BASE32', inner.toUpperCase()]);
  }
  return [
    { name: 'as it is', bytes },
    { name: 'UTF-16LE', bytes: Buffer.from(bytes.toString('latin1'), 'utf16le') },
    { name: 'UTF-16BE', bytes: Buffer.from(bytes.toString('latin1'), 'utf16le').swap16() },
    ...texts.map(([name, text]) => ({ name, bytes: Buffer.from(text, 'latin1') })),
  ];
}

/** What is the same whatever stands before and after the secret. */
function amid(secret: Buffer, before: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), secret, Buffer.alloc(3)]).toString(encoding);
  return text.slice(Math.ceil((before * 4) / 3), Math.floor(((before + secret.length) * 4) / 3));
}

/** Five bits a character, the first ones first. */
function symbols(bytes: Uint8Array, alphabet: string): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** The bytes behind a text of bech32, such as `AGE-SECRET-KEY-1…`. */
export function bytesOfBech32(text: string): Buffer {
  const data = text
    .toLowerCase()
    .slice(text.lastIndexOf('1') + 1)
    .slice(0, -6);
  const bits = [...data].map((char) => BECH32.indexOf(char).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
