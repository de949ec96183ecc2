import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { encode } from 'cborg';
import { toString as textOf } from 'uint8arrays';
import { bech32 } from '../../src/state/keys/bech32.ts';
import { Finder } from './support/finder.ts';
import { bytesOfBech32 } from './support/forms.ts';

/** Ways to write bytes down, none of which is the finder’s own. */
const WRITTEN: Record<string, (secret: Uint8Array) => string | Uint8Array> = {
  raw: (secret) => secret,
  CBOR: (secret) => encode({ key: secret }),
  'CBOR in hexadecimal': (secret) => Buffer.from(encode({ key: secret })).toString('hex'),
  'CBOR in base64url, as tokens are': (secret) =>
    Buffer.from(encode({ a: 1, key: secret, z: 2 })).toString('base64url'),
  hexadecimal: (secret) => Buffer.from(secret).toString('hex'),
  'capital hexadecimal': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  base64: (secret) => Buffer.from(secret).toString('base64'),
  'base64, one byte before it': (secret) => Buffer.concat([Buffer.of(7), secret]).toString('base64'),
  'base64, two bytes before it': (secret) => Buffer.concat([Buffer.of(7, 8), secret]).toString('base64'),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  base32: (secret) => textOf(secret, 'base32'),
  'base32, three bytes before it': (secret) => textOf(Buffer.concat([Buffer.of(1, 2, 3), secret]), 'base32upper'),
  base58: (secret) => textOf(secret, 'base58btc'),
  bech32: (secret) => bech32('age-secret-key-', secret),
  'capital bech32, as age has it': (secret) => bech32('age-secret-key-', secret).toUpperCase(),
  'an array in JSON': (secret) => JSON.stringify([...secret]),
  'bytes in JSON': (secret) => JSON.stringify(secret),
  'bytes of a buffer in JSON': (secret) => JSON.stringify(Buffer.from(secret)),
  'a buffer as it is logged': (secret) => inspect(Buffer.from(secret)),
  'bytes as they are logged': (secret) => inspect(new Uint8Array(secret), { breakLength: Number.POSITIVE_INFINITY }),
  'the text in UTF-16': (secret) => Buffer.from(Buffer.from(secret).toString('latin1'), 'utf16le'),
};

for (const [name, write] of Object.entries(WRITTEN)) {
  test(`a secret is found as ${name}, whole, amid other things and cut short`, () => {
    const secret = randomBytes(32);
    const finder = new Finder();
    finder.add('another', randomBytes(32));
    finder.add('it', secret);
    const written = Buffer.from(write(secret) as string);
    const about = randomBytes(5_000);
    for (const text of [
      written,
      Buffer.concat([about, written, about]),
      written.subarray(0, Math.ceil(written.length * 0.7)),
    ]) {
      assert.deepEqual([...new Set(finder.in(text).map(({ secret: found }) => found))], ['it'], inspect(text));
    }
  });
}

test('a secret is found in columns of numbers of one, two and three digits', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, at) => [5, 58, 158][at % 3]! + at);
  const finder = new Finder();
  finder.add('it', secret);
  const text = inspect(secret, { breakLength: Number.POSITIVE_INFINITY });
  assert.match(text, /, {2,}\d/);
  assert.equal(finder.in(Buffer.from(text)).length, 1, text);
});

test('a passphrase is found as text and in what was made of its text', () => {
  const words = `correct horse ${randomBytes(4).toString('hex')} staple`;
  const finder = new Finder();
  finder.add('the passphrase', words);
  for (const text of [words, `{"passphrase":${JSON.stringify(words)}}`, Buffer.from(`x${words}`).toString('base64')]) {
    assert.equal(finder.in(Buffer.from(text)).length, 1, text);
  }
});

test('what is no secret is not taken for one', () => {
  const finder = new Finder();
  for (let count = 0; count < 50; count += 1) finder.add(`secret ${count}`, randomBytes(32));
  const noise = randomBytes(300_000);
  for (const text of [noise, noise.toString('hex'), noise.toString('base64'), JSON.stringify([...noise])]) {
    assert.deepEqual(finder.in(Buffer.from(text)), []);
  }
  assert.throws(() => finder.add('a word', 'short'), /too short/);
});

test('a few bytes of a secret are chance, in whatever form; half of it is not', () => {
  const finder = new Finder();
  const secrets = Array.from({ length: 20 }, (_, count) => ({ name: `secret ${count}`, bytes: randomBytes(32) }));
  for (const { name, bytes } of secrets) finder.add(name, bytes);
  for (const { name, bytes } of secrets) {
    for (const write of [
      (some: [number, number][]) => some.map(([, byte]) => byte).join(','),
      (some: [number, number][]) => some.map(([, byte]) => byte).join(', '),
      (some: [number, number][]) => some.map(([at, byte]) => `"${at}":${byte}`).join(','),
      (some: [number, number][]) => some.map(([, byte]) => byte.toString(16).padStart(2, '0')).join(' '),
    ]) {
      const numbers = [...bytes].map((byte, at): [number, number] => [at, byte]);
      assert.deepEqual(finder.in(Buffer.from(write(numbers.slice(8, 14)))), []);
      assert.deepEqual(
        finder.in(Buffer.from(write(numbers.slice(8, 24)))).map(({ secret }) => secret),
        [name],
      );
    }
  }
});

test('the bytes behind an age key are read back', () => {
  const secret = randomBytes(32);
  assert.deepEqual(bytesOfBech32(bech32('age-secret-key-', secret).toUpperCase()), secret);
});
