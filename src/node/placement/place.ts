import { messageOf, ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { formatBytes } from '../../common/sizes.ts';
import type { Lease } from '../../protocols/point/messages.ts';
import type { PointClient } from '../../protocols/point/point.ts';
import { lackOf, type Offer, rankOffers } from './rank.ts';

/** A member that offers a point, and how to reach it. */
export interface Candidate {
  readonly peerId: PeerIdText;
  readonly name: string;
  connect(signal: AbortSignal): Promise<PointClient>;
}

export interface Placement {
  readonly candidate: Candidate;
  readonly client: PointClient;
  readonly lease: Lease;
}

interface Asked extends Offer {
  readonly candidate: Candidate;
  readonly client: PointClient;
}

/**
 * Asks every candidate for room, takes the one with enough and most headroom, and falls to the next when it refuses.
 * Throws `no-point`, naming each point and what it lacked.
 */
export async function place(
  candidates: readonly Candidate[],
  bytes: number,
  reserve: (client: PointClient) => Promise<Lease>,
  signal: AbortSignal,
  note: (message: string) => void,
): Promise<Placement> {
  const lacks = new Map<string, string>();
  const asked = await Promise.all(
    candidates.map(async (candidate): Promise<Asked | undefined> => {
      try {
        const client = await candidate.connect(signal);
        const capacity = await client.capacity(signal);
        const offer: Asked = { ...capacity, name: candidate.name, candidate, client };
        const lack = lackOf(offer, bytes);
        if (lack) lacks.set(candidate.name, lack);
        return offer;
      } catch (error) {
        signal.throwIfAborted();
        lacks.set(candidate.name, messageOf(error));
        return undefined;
      }
    }),
  );
  for (const offer of rankOffers(
    asked.filter((one) => one !== undefined),
    bytes,
  )) {
    try {
      return { candidate: offer.candidate, client: offer.client, lease: await reserve(offer.client) };
    } catch (error) {
      signal.throwIfAborted();
      note(`${offer.name} refused: ${messageOf(error)}`);
      lacks.set(offer.name, messageOf(error));
    }
  }
  const reasons = [...lacks].map(([name, lack]) => (lack.startsWith(name) ? lack : `${name} ${lack}`)).join('; ');
  throw new ResettleError(
    'no-point',
    candidates.length === 0
      ? 'no other machine of this fleet offers a point'
      : `no point can take ${formatBytes(bytes)}: ${reasons}`,
    { hint: 'free space on a point, or start an agent with --point DIR on a machine that has room' },
  );
}
