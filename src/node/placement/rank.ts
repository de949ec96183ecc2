import type { PeerIdText } from '../../common/ids.ts';
import { formatBytes } from '../../common/sizes.ts';
import { digest } from '../../state/format/index.ts';

/** What is known of a point that was asked for room: its own answer, and how it is reached from here. */
export interface Offer {
  readonly peerId: PeerIdText;
  readonly name: string;
  /** What it says that it can take; nobody but its lease is believed. */
  readonly freeBytes: number;
  readonly clients: number;
  readonly maxClients: number;
  readonly draining: boolean;
  /** Why it does not serve this machine; empty: it does. */
  readonly refusal: string;
  /** The slower of the two ends, in Mbit/s; 0 where neither is known. */
  readonly linkMbps: number;
  readonly sameSubnet: boolean;
  /** Its own state is to move to another machine: it may be switched off soon. */
  readonly leaving: boolean;
}

/** How offers are compared. */
export interface Preference {
  /** Points that were named, in their order; empty: the best by what is known of them. */
  readonly order: readonly PeerIdText[];
  /** Breaks ties, and so spreads sources over points that are alike: the state's id. */
  readonly seed: string;
}

/** What keeps this point from taking anything; undefined when nothing does. */
export function closedWhy(offer: Offer): string | undefined {
  if (offer.refusal) return offer.refusal;
  if (offer.draining) return 'takes nothing new (it is draining)';
  if (offer.clients >= offer.maxClients)
    return `serves ${offer.clients} of at most ${offer.maxClients} clients already`;
  return undefined;
}

/** What this offer lacks for `bytes`, for people; undefined when nothing. */
export function lackOf(offer: Offer, bytes: number): string | undefined {
  const closed = closedWhy(offer);
  if (closed) return closed;
  if (offer.freeBytes < bytes) return `has ${formatBytes(offer.freeBytes)} free of the ${formatBytes(bytes)} needed`;
  return undefined;
}

/** 0 below 100 Mbit/s, 1 below a gigabit, 2 below 2.5, 3 above; what is not known counts as 1. */
export function speedClass(mbps: number): number {
  if (mbps <= 0) return 1;
  return mbps < 100 ? 0 : mbps < 1000 ? 1 : mbps < 2500 ? 2 : 3;
}

/**
 * The offers that can take `bytes`, the best first: in the order in which they were named; else what stays before what
 * leaves, the same subnet, the faster link, the lesser load, and the more headroom left after. Speed, load and headroom
 * count in classes, so that sources that ask at the same time do not all take the same point: within a class a hash of
 * state and point decides.
 */
export function rankOffers<O extends Offer>(offers: readonly O[], bytes: number, preference: Preference): O[] {
  const place = new Map(preference.order.map((peerId, index) => [peerId, index]));
  const keyed = offers
    .filter((offer) => lackOf(offer, bytes) === undefined)
    .map((offer) => ({
      offer,
      keys: [
        place.get(offer.peerId) ?? place.size,
        Number(offer.leaving),
        Number(!offer.sameSubnet),
        -speedClass(offer.linkMbps),
        Math.floor((offer.clients / offer.maxClients) * 4),
        -Math.floor(Math.log2(offer.freeBytes - bytes + 1)),
      ],
      tie: digest(Buffer.from(`${preference.seed}/${offer.peerId}`)),
    }));
  keyed.sort((a, b) => {
    const at = a.keys.findIndex((key, index) => key !== b.keys[index]);
    return at >= 0 ? a.keys[at]! - b.keys[at]! : Buffer.compare(a.tie, b.tie);
  });
  return keyed.map(({ offer }) => offer);
}
