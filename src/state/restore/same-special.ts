import type { BigIntStats } from 'node:fs';
import type { SpecialEntry } from '../format/entry.ts';
import { deviceOf } from '../fs/calls.ts';

/** Whether something is the FIFO, or the device node of the very device, that was captured. */
export function isSameSpecial(stats: BigIntStats, entry: Pick<SpecialEntry, 'kind' | 'major' | 'minor'>): boolean {
  if (entry.kind === 'fifo') return stats.isFIFO();
  if (entry.kind === 'block' ? !stats.isBlockDevice() : !stats.isCharacterDevice()) return false;
  const { major, minor } = deviceOf(stats);
  return major === entry.major && minor === entry.minor;
}
