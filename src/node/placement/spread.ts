import { PACK_SMALL_BYTES, SPREAD_PART_OVERHEAD_BYTES, SPREAD_POINTS_MAX } from '../../common/limits.ts';
import { packBytesFor } from '../../state/format/index.ts';
import { closedWhy, type Offer } from './rank.ts';

/** What one point of several takes of a state. */
export interface SharePart<O extends Offer> {
  readonly offer: O;
  readonly bytes: number;
}

/** A descriptor names each pack in some 40 bytes, and every point of a spread state has it. */
const DESCRIPTOR_BYTES_PER_PACK = 64;

/** What a further point costs beside the packs that it takes. */
function overheadOf(bytes: number): number {
  const descriptor = Math.ceil(bytes / PACK_SMALL_BYTES) * DESCRIPTOR_BYTES_PER_PACK;
  return SPREAD_PART_OVERHEAD_BYTES + packBytesFor(bytes) + descriptor;
}

/**
 * How a state that no single point can take is divided: over as few as possible, the largest first, those that leave last.
 * Packs are not cut, so each point but one may keep a rest that none fits into: the parts together have room for that.
 * Undefined where all of them together cannot take it.
 */
export function divide<O extends Offer>(offers: readonly O[], bytes: number): SharePart<O>[] | undefined {
  const overhead = overheadOf(bytes);
  const usable = offers
    .filter((offer) => closedWhy(offer) === undefined && offer.freeBytes > 2 * overhead)
    .sort((a, b) => Number(a.leaving) - Number(b.leaving) || b.freeBytes - a.freeBytes);
  const parts: SharePart<O>[] = [];
  let left = bytes;
  for (const offer of usable.slice(0, SPREAD_POINTS_MAX)) {
    const needed = left + (parts.length > 0 ? overhead : 0);
    const taken = Math.min(needed, offer.freeBytes);
    parts.push({ offer, bytes: taken });
    left = needed - taken;
    if (left === 0) return parts;
  }
  return undefined;
}
