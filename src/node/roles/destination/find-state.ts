import { messageOf, ResettleError } from '../../../common/errors.ts';
import { type AssociationId, type PeerIdText, type StateId, stateId } from '../../../common/ids.ts';
import type { Association, Member } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import { findMachine, nameOf, ownMembership } from '../../membership/machines.ts';
import type { PointRole } from '../point/point.ts';
import { ownPoint, type PointAccess, remotePoint } from './point-access.ts';

export interface Wanted {
  /** MACHINE whose state is meant. */
  readonly from?: string | undefined;
  readonly state?: string | undefined;
  readonly snapshot?: number | undefined;
}

/** A state for this machine, and the point that holds it. */
export interface Found {
  readonly point: Member;
  readonly access: PointAccess;
  readonly state: StateId;
  readonly snapshot: number;
  readonly association: Association;
  readonly sourceName: string;
}

/** How long records are asked for until an association names this machine. */
const ASSOCIATION_WAIT_MS = 10_000;

/**
 * The one state that `restore` shall take: asks members for the association, points for what they hold.
 * Throws `not-found`, `refused` (somebody else's), `unconfirmed` and `ambiguous` (a person must say whose).
 */
export async function findState(
  fleet: FleetView,
  own: PointRole | undefined,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Found> {
  ownMembership(fleet.roster(), fleet.self);
  const wantedState = wanted.state === undefined ? undefined : stateId(wanted.state);
  await fleet.refresh(signal);
  const source = wanted.from === undefined ? undefined : findMachine(fleet.roster(), wanted.from).peerId;
  const associations = await associationsFor(fleet, wantedState !== undefined, signal);
  const mine = associations.filter(({ body }) => source === undefined || body.source === source);
  if (mine.length === 0 && wantedState === undefined) {
    throw new ResettleError(
      'not-found',
      `no association names this machine as the destination${wanted.from ? ` of ${wanted.from}` : ''}`,
      {
        hint: 'on the old machine run "resettle capture PATH --for THIS-MACHINE" first',
      },
    );
  }
  const { held, problems } = await askPoints(
    fleet,
    own,
    wantedState,
    new Map(mine.map((one) => [one.id, one])),
    signal,
  );
  if (held.length === 0) throw nothingHeld(mine, problems, fleet, wantedState);
  return choose(fleet, held, wanted, source !== undefined || wantedState !== undefined);
}

async function associationsFor(fleet: FleetView, once: boolean, signal: AbortSignal): Promise<Association[]> {
  const deadline = AbortSignal.timeout(ASSOCIATION_WAIT_MS);
  for (;;) {
    const mine = [...fleet.roster().associations.values()].filter(({ destination }) => destination === fleet.self);
    if (mine.length > 0 || once || deadline.aborted) return mine;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await fleet.refresh(signal);
  }
}

async function askPoints(
  fleet: FleetView,
  own: PointRole | undefined,
  state: StateId | undefined,
  mine: ReadonlyMap<AssociationId, Association>,
  signal: AbortSignal,
): Promise<{ held: Found[]; problems: Error[] }> {
  const roster = fleet.roster();
  const points = [...roster.members.values()].filter(
    (member) => member.status === 'active' && member.point && (member.peerId !== fleet.self || own),
  );
  const problems: Error[] = [];
  const answers = await Promise.all(
    points.map(async (point): Promise<Found[]> => {
      try {
        const access =
          own && point.peerId === fleet.self
            ? ownPoint(own, fleet.self)
            : await remotePoint(fleet, point.peerId, point.name, signal);
        const found: Found[] = [];
        for (const holding of await access.find(state, signal)) {
          const association = mine.get(holding.association as AssociationId);
          // A source may ask what is held of its own states: that does not make it their destination.
          if (!association && state !== undefined) problems.push(forAnother(state));
          const snapshot = Math.max(0, ...holding.snapshots);
          if (!association || snapshot === 0) continue;
          const sourceName = nameOf(roster, association.body.source);
          for (const number of holding.snapshots) {
            found.push({ point, access, state: stateId(holding.state), snapshot: number, association, sourceName });
          }
        }
        return found;
      } catch (error) {
        signal.throwIfAborted();
        problems.push(error instanceof Error ? error : new Error(String(error)));
        return [];
      }
    }),
  );
  return { held: answers.flat(), problems };
}

function forAnother(state: StateId): ResettleError {
  return new ResettleError('refused', `state ${state} is for another machine`, {
    hint: 'restore it on the machine that it was captured for',
  });
}

function nothingHeld(
  mine: readonly Association[],
  problems: readonly Error[],
  fleet: FleetView,
  state: StateId | undefined,
): ResettleError {
  const refused = problems.find((error) => error instanceof ResettleError && error.code === 'refused');
  if (refused instanceof ResettleError) return refused;
  const sources = mine.map(({ body }) => nameOf(fleet.roster(), body.source)).join(', ');
  const reasons = problems.length > 0 ? `; ${problems.map(messageOf).join('; ')}` : '';
  return new ResettleError(
    'not-found',
    state === undefined
      ? `no point that was reached holds a state from ${sources}${reasons}`
      : `no point that was reached holds state ${state}${reasons}`,
    { hint: 'check with "resettle points" that the point is running, and that the capture was completed' },
  );
}

function choose(fleet: FleetView, held: readonly Found[], wanted: Wanted, confirmed: boolean): Found {
  const sources = new Set<PeerIdText>(held.map(({ association }) => association.body.source));
  const states = new Set(held.map(({ state }) => state));
  const list = [...new Set(held.map(({ state, sourceName }) => `${sourceName} (${state})`))].join(', ');
  if (states.size > 1) {
    throw new ResettleError('ambiguous', `several states are held for this machine: ${list}`, {
      hint: sources.size > 1 ? 'name the machine whose state you want: --from MACHINE' : 'name the state: --state ID',
    });
  }
  const best = held
    .filter(({ snapshot }) => wanted.snapshot === undefined || snapshot === wanted.snapshot)
    .sort((a, b) => b.snapshot - a.snapshot)[0];
  if (!best)
    throw new ResettleError('not-found', `no point that was reached holds snapshot ${wanted.snapshot} of ${list}`);
  const signer = fleet.roster().members.get(best.association.signer);
  if (!confirmed && signer?.role !== 'operator' && best.association.signer !== fleet.self) {
    throw new ResettleError(
      'unconfirmed',
      `a state from ${best.sourceName} is held for this machine, and no operator has confirmed it`,
      {
        hint: `if that is the machine you want, say so: --from ${best.sourceName}`,
      },
    );
  }
  return best;
}
