import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { ICryptoInterface } from '@chainsafe/libp2p-noise';
import { asCrypto, defaultCrypto } from '@chainsafe/libp2p-noise/crypto';
import { Uint8ArrayList } from 'uint8arraylist';

/** ChaCha20-Poly1305's tag. */
const TAG_BYTES = 16;
/** Below this the WebAssembly implementation that Noise brings is faster than a call into OpenSSL. */
const SMALL_BYTES = 1200;
const CIPHER = 'chacha20-poly1305';

/** Key objects by the key's bytes: making one anew for each 64 KiB packet costs as much as a tenth of its encryption. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

/** Noise's types name the list class of an older release; at run time both are told by a symbol, not by class. */
type Bytes = Uint8Array | Uint8ArrayList;

function keyObjectOf(key: Uint8Array): KeyObject {
  let object = keyObjects.get(key);
  if (!object) {
    object = createSecretKey(key);
    keyObjects.set(key, object);
  }
  return object;
}

const small = asCrypto as unknown as {
  chaCha20Poly1305Encrypt(plaintext: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Bytes;
  chaCha20Poly1305Decrypt(
    ciphertext: Bytes,
    nonce: Uint8Array,
    ad: Uint8Array,
    key: Uint8Array,
    dst?: Uint8Array,
  ): Bytes;
};

/**
 * The two bulk operations of Noise with less copying: key objects are kept, outputs stay lists of what the cipher gave, and no call
 * is made for empty associated data. docs/PERFORMANCE.md has what it brings.
 */
const bulkCrypto = {
  chaCha20Poly1305Encrypt(plaintext: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Bytes {
    if (plaintext.byteLength < SMALL_BYTES) return small.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
    const cipher = createCipheriv(CIPHER, keyObjectOf(key), nonce, { authTagLength: TAG_BYTES });
    if (ad.byteLength > 0) cipher.setAAD(ad, { plaintextLength: plaintext.byteLength });
    const output = new Uint8ArrayList();
    for (const part of plaintext instanceof Uint8Array ? [plaintext] : plaintext) output.append(cipher.update(part));
    cipher.final();
    output.append(cipher.getAuthTag());
    return output;
  },

  chaCha20Poly1305Decrypt(
    ciphertext: Bytes,
    nonce: Uint8Array,
    ad: Uint8Array,
    key: Uint8Array,
    dst?: Uint8Array,
  ): Bytes {
    if (ciphertext.byteLength < SMALL_BYTES) return small.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst);
    const textBytes = ciphertext.byteLength - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, keyObjectOf(key), nonce, { authTagLength: TAG_BYTES });
    if (ad.byteLength > 0) decipher.setAAD(ad, { plaintextLength: textBytes });
    decipher.setAuthTag(ciphertext.subarray(textBytes));
    if (ciphertext instanceof Uint8Array) {
      const text = decipher.update(ciphertext.subarray(0, textBytes));
      decipher.final();
      return text;
    }
    const output = new Uint8ArrayList();
    for (const part of ciphertext.sublist(0, textBytes)) output.append(decipher.update(part));
    decipher.final();
    return output;
  },
};

export const noiseCrypto = { ...defaultCrypto, ...bulkCrypto } as unknown as ICryptoInterface;
