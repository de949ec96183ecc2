import { asBuffer } from '../../../common/bytes.ts';
import type { RandomBytes } from '../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
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
  /** The association's: who keeps a share never gets a copy, so enough points are left for copies. */
  readonly copies: { readonly points: readonly PeerIdText[]; readonly replicas: number };
  /** Those whose machines are to be wiped or given away themselves come last: their shares go with them. */
  readonly leaving: ReadonlySet<PeerIdText>;
  /** Those of the last deal come first. */
  readonly known: ReadonlySet<PeerIdText>;
  /** Members that were seen on the network come next. */
  readonly isNear: (peer: PeerIdText) => boolean;
  readonly random: RandomBytes;
}

/**
 * Who could keep a share, in the order in which they are asked: members on machines of their own first, one a machine;
 * never the source, nor another agent on its machine, nor who holds the state. Points come after others, and of those that
 * may be needed for copies as many are left out as are still to be made, and one for a copy that is lost.
 */
export function candidatesFor(wish: CandidateWish): Member[] {
  const { roster, self, stateHolders, copies, leaving, known, isNear, random } = wish;
  const machine = roster.members.get(self)?.machine ?? null;
  const all = [...roster.members.values()].filter(
    (member) =>
      member.status === 'active' &&
      member.peerId !== self &&
      !stateHolders.has(member.peerId) &&
      (machine === null || member.machine !== machine),
  );
  const mayCopy = ({ point, peerId }: Member): boolean =>
    point && (copies.points.length === 0 || copies.points.includes(peerId));
  const rank = (member: Member): number =>
    known.has(member.peerId) ? 0 : (mayCopy(member) ? 3 : 1) + (isNear(member.peerId) ? 0 : 1);
  const left = Math.max(0, copies.replicas - stateHolders.size) + 1;
  const points = all.filter(mayCopy).sort((a, b) => rank(a) - rank(b));
  const spared = new Set(points.slice(Math.max(0, points.length - left)));
  const eligible = all.filter((member) => !spared.has(member));
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
  // The second on a machine that stays is worth more than the first on one that goes.
  return [...first, ...rest].sort((a, b) => Number(leaving.has(a.peerId)) - Number(leaving.has(b.peerId)));
}

export interface Willing {
  readonly member: Member;
  readonly client: SharesClient;
}

/**
 * Asks candidates in order until enough would keep a share. Who refuses is asked once more after an exchange of records:
 * it may not have known the association yet. `problems` has what the others said.
 */
export async function askCandidates(
  fleet: Pick<FleetView, 'connectTo' | 'refresh'>,
  candidates: readonly Member[],
  about: { association: Association['id']; state: StateId; wanted: number },
  signal: AbortSignal,
): Promise<{ willing: Willing[]; problems: string[] }> {
  const { association, state, wanted } = about;
  const willing: Willing[] = [];
  const problems = new Map<PeerIdText, unknown>();
  const ask = async (member: Member): Promise<void> => {
    try {
      const client = new SharesClient(await fleet.connectTo(member.peerId, signal), member.name);
      await client.offer({ association, state }, signal);
      problems.delete(member.peerId);
      willing.push({ member, client });
    } catch (error) {
      signal.throwIfAborted();
      problems.set(member.peerId, error);
    }
  };
  const askAll = async (members: readonly Member[]): Promise<void> => {
    for (let next = 0; next < members.length && willing.length < wanted; next += SHARE_HOLDERS_ASKED_AT_ONCE) {
      await Promise.all(members.slice(next, next + SHARE_HOLDERS_ASKED_AT_ONCE).map(ask));
    }
  };
  const asked = candidates.slice(0, SHARE_HOLDERS_ASKED_MAX);
  await askAll(asked);
  const refusing = asked.filter(({ peerId }) => isRefusal(problems.get(peerId)));
  if (willing.length < wanted && refusing.length > 0) {
    await fleet.refresh(signal);
    await askAll(refusing);
  }
  const inOrder = asked.flatMap((member) => willing.find((one) => one.member === member) ?? []);
  return { willing: inOrder.slice(0, wanted), problems: [...problems.values()].map(messageOf) };
}

/** Such a no may come from records that were not exchanged yet. */
function isRefusal(error: unknown): boolean {
  return error instanceof ResettleError && error.code === 'refused';
}
