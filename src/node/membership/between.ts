import { asBuffer } from '../../common/bytes.ts';
import type { RandomBytes } from '../../common/clock.ts';

/** A random number of that range, so that machines do not do the same at the same moment. */
export function between(random: RandomBytes, least: number, most: number): number {
  return least + (asBuffer(random(4)).readUInt32LE() / 2 ** 32) * (most - least);
}
