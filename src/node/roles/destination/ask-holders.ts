import { messageOf, ResettleError } from '../../../common/errors.ts';
import type { AssociationId, PeerIdText, StateId } from '../../../common/ids.ts';
import { POINTS_ASKED_AT_ONCE } from '../../../common/limits.ts';
import type { Holding } from '../../../protocols/point/messages.ts';
import type { Association, Member } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import { type OwnPoint, ownPoint, type PointAccess, remotePoint } from './point-access.ts';

/** A point, and what it answered: what it holds for this machine, or why there was no answer. */
export interface AskedPoint {
  readonly access: PointAccess;
  readonly holdings: readonly Holding[];
  readonly problem: ResettleError | undefined;
}

/**
 * Asks every member that offers a point, and every one that said that it holds something of these associations, what is
 * held for this machine; all of it, or one state.
 */
export async function askHolders(
  fleet: FleetView,
  own: OwnPoint | undefined,
  associations: readonly Pick<Association, 'id'>[],
  state: StateId | undefined,
  signal: AbortSignal,
): Promise<AskedPoint[]> {
  const named = holdersNamed(fleet, associations);
  const members = [...fleet.roster().members.values()].filter(
    (member) => member.status === 'active' && (member.point || named.has(member.peerId)),
  );
  const asked: AskedPoint[] = [];
  const waiting = members.filter((member) => member.peerId !== fleet.self || own !== undefined);
  const work = async (): Promise<void> => {
    for (let member = waiting.pop(); member; member = waiting.pop()) {
      asked.push(await ask(accessTo(fleet, own, member), state, signal));
    }
  };
  await Promise.all(Array.from({ length: POINTS_ASKED_AT_ONCE }, work));
  // This machine's own disk is nearer than any other.
  return asked.sort((a, b) => Number(b.access.peerId === fleet.self) - Number(a.access.peerId === fleet.self));
}

/** Who said of itself that it holds a state of these associations. */
function holdersNamed(fleet: FleetView, associations: readonly { readonly id: AssociationId }[]): Set<PeerIdText> {
  const named = new Set<PeerIdText>();
  for (const { id } of associations) {
    for (const { signer, body } of fleet.events(id)) {
      if (body.step === 'holder' && body.phase !== 'deleted') named.add(signer);
    }
  }
  return named;
}

/** A member's point, wherever it is. */
export function accessTo(
  fleet: Pick<FleetView, 'self' | 'connectTo'>,
  own: OwnPoint | undefined,
  { peerId, name }: Pick<Member, 'peerId' | 'name'>,
): PointAccess {
  return own && peerId === fleet.self ? ownPoint(own, peerId, name) : remotePoint(fleet, peerId, name);
}

async function ask(access: PointAccess, state: StateId | undefined, signal: AbortSignal): Promise<AskedPoint> {
  try {
    return { access, holdings: await access.find(state, signal), problem: undefined };
  } catch (error) {
    signal.throwIfAborted();
    const problem = error instanceof ResettleError ? error : new ResettleError('failed', messageOf(error));
    return { access, holdings: [], problem };
  }
}
