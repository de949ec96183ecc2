import type { AssociationId } from '../../../common/ids.ts';
import { SharesClient } from '../../../protocols/shares/shares.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Home } from '../../home/home.ts';
import type { Log } from '../../log.ts';
import { nameOf } from '../../membership/machines.ts';
import { type Retired, readDealt, writeDealt } from './dealt-file.ts';

export interface RetireOptions {
  readonly fleet: Pick<FleetView, 'roster' | 'connectTo'>;
  readonly home: Home;
  readonly log: Log;
  readonly association: AssociationId;
}

/**
 * Tells those who keep shares of deals that another one took the place of: such a share opens nothing with the shares of
 * the others any more, and its machine would take itself for needed. Returns whether nobody is left to be told. Throws
 * `damaged`, the signal's reason.
 */
export async function retireShares(options: RetireOptions, signal: AbortSignal): Promise<boolean> {
  const { fleet, home, log, association } = options;
  const dealt = readDealt(home, association);
  if (!dealt || dealt.retired.length === 0) return true;
  const { members } = fleet.roster();
  const left: Retired[] = [];
  await Promise.all(
    dealt.retired.map(async (one) => {
      const { peer, deal } = one;
      if (members.get(peer)?.status !== 'active') return;
      try {
        const client = new SharesClient(await fleet.connectTo(peer, signal), nameOf(fleet.roster(), peer));
        await client.retire({ association, state: dealt.state, deal }, signal);
      } catch (error) {
        signal.throwIfAborted();
        left.push(one);
        log.info({ err: error, peer }, 'a share holder was not told that its share is of no more use');
      }
    }),
  );
  const now = readDealt(home, association);
  // A deal that was made meanwhile knows better who is to be told.
  const isSame = now !== undefined && Buffer.from(now.deal).equals(dealt.deal);
  if (isSame && left.length < dealt.retired.length) writeDealt(home, association, { ...now, retired: left });
  return left.length === 0;
}
