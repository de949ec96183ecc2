import { PACK_MAX_BYTES, PACK_SMALL_BYTES } from '../../common/limits.ts';

/**
 * Where the packs of a capture end that has so many bytes to seal. What is on its way when a connection breaks is sent again,
 * about two packs: a small share of a state of any size.
 */
export function packBytesFor(newBytes: number): number {
  const wished = newBytes / PACKS_AIM;
  return wished >= PACK_MAX_BYTES
    ? PACK_MAX_BYTES
    : wished >= 2 * PACK_SMALL_BYTES
      ? 2 * PACK_SMALL_BYTES
      : PACK_SMALL_BYTES;
}

/** Two packs of forty are 5 %. */
const PACKS_AIM = 40;
