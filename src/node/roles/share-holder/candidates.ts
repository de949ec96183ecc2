import { asBuffer } from '../../../common/bytes.ts';
import type { RandomBytes } from '../../../common/clock.ts';
import { messageOf } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { SHARE_HOLDERS_ASKED_AT_ONCE, SHARE_HOLDERS_ASKED_MAX } from '../../../common/limits.ts';
import { SharesClient } from '../../../protocols/shares/shares.ts';
import type { Association, Member, Roster } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';

/** A member that may keep a share, by the records alone. */
export interface CandidateWish {
  readonly roster: Roster;
  readonly self: PeerIdText;
  /** Members that hold the state, or shall. */
  readonly stateHolders: ReadonlySet<PeerIdText>;
  /** Those of the last deal come first. */
  readonly known: ReadonlySet<PeerIdText>;
  /** Members that were seen on the network come next. */
  readonly isNear: (peer: PeerIdText) => boolean;
  readonly random: RandomBytes;
}

/**
 * Who could keep a share, in the order in which they are asked: members on machines of their own first, one a machine;
 * never the source, nor another agent on its machine, nor who holds the state.
 */
export function candidatesFor({ roster, self, stateHolders, known, isNear, random }: CandidateWish): Member[] {
  const machine = roster.members.get(self)?.machine ?? null;
  const eligible = [...roster.members.values()].filter(
    (member) =>
      member.status === 'active' &&
      member.peerId !== self &&
      !stateHolders.has(member.peerId) &&
      (machine === null || member.machine !== machine),
  );
  const rank = ({ peerId }: Member): number => (known.has(peerId) ? 0 : isNear(peerId) ? 1 : 2);
  const ordered = eligible
    .map((member) => ({ member, order: rank(member), lot: asBuffer(random(4)).readUInt32LE() }))
    .sort((a, b) => a.order - b.order || a.lot - b.lot)
    .map(({ member }) => member);
  const machines = new Set<string>();
  const first: Member[] = [];
  const rest: Member[] = [];
  for (const member of ordered) {
    (member.machine === null || !machines.has(member.machine) ? first : rest).push(member);
    if (member.machine !== null) machines.add(member.machine);
  }
  return [...first, ...rest];
}

export interface Willing {
  readonly member: Member;
  readonly client: SharesClient;
}

/** Asks candidates in order until enough would keep a share. `problems` has what the others said. */
export async function askCandidates(
  fleet: Pick<FleetView, 'connectTo'>,
  candidates: readonly Member[],
  about: { association: Association['id']; state: StateId; wanted: number },
  signal: AbortSignal,
): Promise<{ willing: Willing[]; problems: string[] }> {
  const willing: Willing[] = [];
  const problems: string[] = [];
  const { association, state, wanted } = about;
  const asked = candidates.slice(0, SHARE_HOLDERS_ASKED_MAX);
  for (let next = 0; next < asked.length && willing.length < wanted; next += SHARE_HOLDERS_ASKED_AT_ONCE) {
    const answers = asked.slice(next, next + SHARE_HOLDERS_ASKED_AT_ONCE).map(async (member) => {
      try {
        const client = new SharesClient(await fleet.connectTo(member.peerId, signal), member.name);
        await client.offer({ association, state }, signal);
        return { member, client };
      } catch (error) {
        signal.throwIfAborted();
        problems.push(messageOf(error));
        return undefined;
      }
    });
    willing.push(...(await Promise.all(answers)).filter((answer) => answer !== undefined));
  }
  return { willing: willing.slice(0, wanted), problems };
}
