import { blake3 } from '@napi-rs/blake-hash';

/** H(x) of the store format: BLAKE3, 32 bytes. */
export function digest(bytes: Uint8Array): Buffer {
  return blake3(bytes);
}

export const DIGEST_BYTES = 32;
