import { Blake3Hasher } from '@napi-rs/blake-hash';
import { asBuffer } from '../../common/bytes.ts';

const hasher = new Blake3Hasher();

/**
 * H(x) of the store format: BLAKE3, 32 bytes. By way of text, because a Buffer made in native code is freed only when
 * the thread's event loop turns, which a worker that runs synchronously over a million files does not do.
 */
export function digest(bytes: Uint8Array): Buffer {
  hasher.reset();
  return Buffer.from(hasher.update(asBuffer(bytes)).digest('hex'), 'hex');
}

export const DIGEST_BYTES = 32;
