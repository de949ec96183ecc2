import { messageOf, ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { CAPACITY_WAIT_MS } from '../../common/limits.ts';
import { formatBytes } from '../../common/sizes.ts';
import type { Lease } from '../../protocols/point/messages.ts';
import type { PointClient } from '../../protocols/point/point.ts';
import { noPoint } from './candidates.ts';
import type { LinkFacts } from './link-facts.ts';
import { closedWhy, lackOf, type Offer, type Preference, rankOffers } from './rank.ts';
import { divide } from './spread.ts';

/** A member that offers a point, and how to reach it. */
export interface Candidate {
  readonly peerId: PeerIdText;
  readonly name: string;
  readonly leaving: boolean;
  /** `address` is the multiaddr that it was reached at. */
  connect(signal: AbortSignal): Promise<{ readonly client: PointClient; readonly address: string }>;
}

/** One point that has reserved room: for all of a state, or for a part of it. */
export interface Part {
  readonly candidate: Candidate;
  readonly client: PointClient;
  readonly lease: Lease;
  readonly bytes: number;
}

export interface PlaceWish extends Preference {
  readonly bytes: number;
  /** Several points may take it together where no single one can. */
  readonly spread: boolean;
  readonly links: LinkFacts;
  readonly reserve: (client: PointClient, bytes: number) => Promise<Lease>;
  /** What is known already of points that are not asked, by name. */
  readonly lacks: ReadonlyMap<string, string>;
  readonly capacityWaitMs?: number;
}

interface Asked extends Offer {
  readonly candidate: Candidate;
  readonly client: PointClient;
}

/**
 * Asks every candidate for room, reserves on the best, and falls to the next where one refuses; where none can take it
 * alone, on several. Throws `no-point`, naming each point and what it lacked; nothing stays reserved then.
 */
export async function place(
  candidates: readonly Candidate[],
  wish: PlaceWish,
  signal: AbortSignal,
  note: (message: string) => void,
): Promise<readonly Part[]> {
  const lacks = new Map(wish.lacks);
  const asked = (await Promise.all(candidates.map((candidate) => ask(candidate, wish, signal, lacks)))).filter(
    (one) => one !== undefined,
  );
  const reserve = async (offer: Asked, bytes: number): Promise<Part | undefined> => {
    try {
      const lease = await wish.reserve(offer.client, bytes);
      return { candidate: offer.candidate, client: offer.client, lease, bytes };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ResettleError && error.code === 'not-a-member') throw error;
      note(`${offer.name} refused: ${messageOf(error)}`);
      lacks.set(offer.name, messageOf(error));
      return undefined;
    }
  };
  const { bytes } = wish;
  const refused = new Set<Asked>();
  for (const offer of rankOffers(asked, bytes, wish)) {
    const part = await reserve(offer, bytes);
    if (part) return [part];
    refused.add(offer);
  }
  if (wish.spread) {
    const parts = await spread(
      asked.filter((offer) => !refused.has(offer)),
      bytes,
      reserve,
    );
    if (parts) return parts;
  }
  for (const offer of asked) {
    const lack = lackOf(offer, bytes);
    if (lack && !lacks.has(offer.name)) lacks.set(offer.name, lack);
  }
  throw noPoint(formatBytes(bytes), lacks);
}

/** Undefined, with the reason in `lacks`, for a point that does not answer. */
async function ask(
  candidate: Candidate,
  { links, capacityWaitMs = CAPACITY_WAIT_MS }: PlaceWish,
  signal: AbortSignal,
  lacks: Map<string, string>,
): Promise<Asked | undefined> {
  const limit = AbortSignal.timeout(capacityWaitMs);
  const within = AbortSignal.any([signal, limit]);
  try {
    const { client, address } = await candidate.connect(within);
    const capacity = await client.capacity(within);
    const { peerId, name, leaving } = candidate;
    const speeds = [links.mbps(address), capacity.linkMbps].filter((mbps) => mbps > 0);
    const linkMbps = speeds.length > 0 ? Math.min(...speeds) : 0;
    return {
      ...capacity,
      peerId,
      name,
      leaving,
      candidate,
      client,
      linkMbps,
      sameSubnet: links.sameSubnet(address),
    };
  } catch (error) {
    signal.throwIfAborted();
    lacks.set(candidate.name, limit.aborted ? `did not answer within ${capacityWaitMs / 1000} s` : messageOf(error));
    return undefined;
  }
}

/** Room on several points, or undefined where they cannot take it together; one that refuses is left out of the next try. */
async function spread(
  offers: readonly Asked[],
  bytes: number,
  reserve: (offer: Asked, bytes: number) => Promise<Part | undefined>,
): Promise<readonly Part[] | undefined> {
  let usable = offers.filter((offer) => closedWhy(offer) === undefined);
  for (;;) {
    const shares = divide(usable, bytes);
    if (!shares) return undefined;
    const parts: Part[] = [];
    try {
      let refused: Asked | undefined;
      for (const share of shares) {
        const part = await reserve(share.offer, share.bytes);
        if (!part) {
          refused = share.offer;
          break;
        }
        parts.push(part);
      }
      if (!refused) return parts;
      usable = usable.filter((offer) => offer !== refused);
    } catch (error) {
      await giveBack(parts);
      throw error;
    }
    await giveBack(parts);
  }
}

const RELEASE_WAIT_MS = 5_000;

/** Gives up what was reserved. What cannot be reached now expires. Returns why, by name. */
export async function giveBack(
  parts: readonly { readonly candidate: Candidate; readonly client: PointClient; readonly lease: Lease }[],
): Promise<ReadonlyMap<string, unknown>> {
  const failed = new Map<string, unknown>();
  await Promise.all(
    parts.map(({ client, lease, candidate }) =>
      client.release(lease.lease, AbortSignal.timeout(RELEASE_WAIT_MS)).catch((error: unknown) => {
        failed.set(candidate.name, error);
      }),
    ),
  );
  return failed;
}
