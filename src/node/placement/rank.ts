import { formatBytes } from '../../common/sizes.ts';

/** What a point answered when it was asked for room. */
export interface Offer {
  readonly name: string;
  readonly freeBytes: number;
  readonly clients: number;
  readonly maxClients: number;
  readonly draining: boolean;
}

/** What this offer lacks for `bytes`, for people; undefined when nothing. */
export function lackOf(offer: Offer, bytes: number): string | undefined {
  if (offer.draining) return 'takes nothing new (it is draining)';
  if (offer.freeBytes < bytes) {
    return `has ${formatBytes(offer.freeBytes)} free of the ${formatBytes(bytes)} needed`;
  }
  if (offer.clients >= offer.maxClients)
    return `serves ${offer.clients} of at most ${offer.maxClients} clients already`;
  return undefined;
}

/** The offers that can take `bytes`, the one with most headroom left first; a tie goes by load, then by name. */
export function rankOffers<O extends Offer>(offers: readonly O[], bytes: number): O[] {
  return offers
    .filter((offer) => lackOf(offer, bytes) === undefined)
    .sort(
      (a, b) => b.freeBytes - a.freeBytes || a.clients - b.clients || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
    );
}
