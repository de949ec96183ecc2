/** What both ends of a direct move say of it, in the same words. */
import { formatBytes, formatDuration } from '../common/sizes.ts';
import type { Context } from './context.ts';

type Told = Readonly<Record<string, unknown>>;

/** `12 files, 1.4 GiB` */
export function count(told: Told): string {
  const files = Number(told.files);
  return `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(Number(told.bytes))}`;
}

/**
 * @param how `sent to NAME`, `received from NAME`
 * @param verified who has compared the hashes, as far as this side knows
 */
export function tellMoved({ output }: Context, done: Told, how: string, verified: string): void {
  const seconds = Number(done.seconds);
  const rate = seconds > 0 ? ` (${formatBytes(Math.round(Number(done.bytes) / seconds))}/s)` : '';
  output.message(`${count(done)}, ${how} in ${formatDuration(seconds * 1000)}${rate}.`);
  output.message(verified);
  const skipped = Number(done.skipped);
  if (skipped > 0) output.message(`Left out, or in need of a person: ${skipped} ${skipped === 1 ? 'item' : 'items'}.`);
}
