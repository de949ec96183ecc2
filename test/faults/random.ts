/** Numbers from a seed: the keystream of a cipher whose key the seed gives, so that one is as good as another. */
import { createCipheriv, createHash } from 'node:crypto';
import type { Random } from './scenario.ts';

const WORD_BYTES = 6;
const WORDS = 2 ** (8 * WORD_BYTES);

/** Two callers with the same seed get the same numbers. */
export function randomOf(seed: number): Random {
  const key = createHash('sha256').update(`resettle faults ${seed}`).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  const bytes = (count: number): Buffer => cipher.update(Buffer.alloc(count));
  const integer = (below: number): number => Math.floor((bytes(WORD_BYTES).readUIntBE(0, WORD_BYTES) / WORDS) * below);
  return { bytes, integer, pick: (of) => of[integer(of.length)]! };
}
