import { ResettleError } from '../../../../common/errors.ts';
import type { PackWant } from '../../../../protocols/blocks/client.ts';
import type { Timing } from './timing.ts';
import type { OpenHolder } from './types.ts';

interface Patience extends Pick<Timing, 'stallMs' | 'probeAfterMs' | 'probeMs'> {
  /** Bytes that the holder has given so far, of all packs that are under way: they come one after the other. */
  readonly given: () => number;
  /** Fewer than these within the stall time count as none. */
  readonly leastBytes: () => number;
}

/** So often within the stall time it is looked whether something came. */
const LOOKS = 8;

/**
 * Fetches a pack and ends the transfer when the holder stalls. One that is gone is told from one that only gives
 * nothing: it answers no small question either, and its connection is not used again.
 */
export async function fetchWatched(
  open: OpenHolder,
  want: PackWant,
  patience: Patience,
  signal: AbortSignal,
): Promise<boolean> {
  const { stallMs, probeAfterMs, probeMs, given, leastBytes } = patience;
  const lookMs = Math.min(stallMs, probeAfterMs) / LOOKS;
  /** What was given at each of the last looks of one stall time. */
  const looks = [given()];
  let quietLooks = 0;
  let isProbed = false;
  const probe = async (): Promise<void> => {
    const before = given();
    try {
      await open.probe(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(probeMs))]));
    } catch {
      if (given() === before && !signal.aborted) open.abort(unreachable(), true);
    }
  };
  const look = (): void => {
    const now = given();
    quietLooks = now === looks.at(-1) ? quietLooks + 1 : 0;
    if (quietLooks === 0) isProbed = false;
    looks.push(now);
    if (looks.length > Math.ceil(stallMs / lookMs) && now - looks.shift()! < Math.max(1, leastBytes())) {
      open.abort(stalled(stallMs), false);
    } else if (quietLooks * lookMs >= probeAfterMs && !isProbed) {
      isProbed = true;
      void probe();
    }
  };
  const watch = setInterval(look, lookMs);
  try {
    return await open.fetch(want, signal);
  } finally {
    clearInterval(watch);
  }
}

const unreachable = (): ResettleError =>
  new ResettleError('failed', 'it does not answer any more', { hint: 'check that it runs and is on the network' });

const stalled = (stallMs: number): ResettleError =>
  new ResettleError('failed', `it gave nothing for ${stallMs / 1000} s`, { hint: 'check the disk of that machine' });
