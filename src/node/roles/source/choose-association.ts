import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText } from '../../../common/ids.ts';
import { type Association, type Member, plainAssociation, type Roster } from '../../../state/records/index.ts';
import { findMachine, nameOf } from '../../membership/machines.ts';
import type { CaptureRequest } from './types.ts';

/** For whom a capture is: by an association that exists, or by one that is made when a point has room. */
export interface Chosen {
  readonly existing: Association | undefined;
  readonly mode: Association['body']['mode'];
  /** Undefined: to be named, or in place. */
  readonly destination: Member | undefined;
  readonly points: readonly PeerIdText[];
  readonly replicas: number;
}

type Wish = Pick<CaptureRequest, 'for' | 'points' | 'replicas'>;

const ID_PREFIX = /^[0-9a-f]{8,64}$/;

/**
 * The one association of this source that the request means. Throws `ambiguous` where several do, `usage` where its points
 * or copies are others than those asked for, `not-found`.
 */
export function chooseAssociation(roster: Roster, self: PeerIdText, wish: Wish): Chosen {
  const points = wish.points?.map((text) => findMachine(roster, text).peerId);
  const mine = [...roster.associations.values()].filter(({ body, ended }) => body.source === self && !ended);
  const byId = ID_PREFIX.test(wish.for) ? mine.filter(({ id }) => id.startsWith(wish.for)) : [];
  if (byId.length > 0) return chosen(roster, only(roster, byId, wish, points), wish, points);
  const machine = findMachine(roster, wish.for);
  const isInPlace = machine.peerId === self;
  const fitting = mine.filter(({ body, destination }) =>
    isInPlace ? body.mode === 'in-place' : body.mode === 'side-by-side' && destination === machine.peerId,
  );
  if (fitting.length > 0) return chosen(roster, only(roster, fitting, wish, points), wish, points);
  if (isInPlace) checkOwnInPlace(roster, machine);
  return {
    existing: undefined,
    mode: isInPlace ? 'in-place' : 'side-by-side',
    destination: isInPlace ? undefined : machine,
    points: points ?? [],
    replicas: wish.replicas ?? 1,
  };
}

/** The body of an association that a source makes for itself. */
export function bodyOf({ mode, destination, points, replicas }: Chosen, self: PeerIdText, nonce: string) {
  const parties = { source: self, destination: destination?.peerId ?? null, mode, nonce };
  return { ...plainAssociation(parties), points, replicas };
}

function only(
  roster: Roster,
  fitting: readonly Association[],
  wish: Wish,
  points: readonly PeerIdText[] | undefined,
): Association {
  if (fitting.length === 1) return fitting[0]!;
  const asAsked = fitting.filter((association) => differenceOf(association, wish, points) === undefined);
  if (asAsked.length === 1) return asAsked[0]!;
  const list = (asAsked.length > 0 ? asAsked : fitting).map(
    ({ id, body }) =>
      `${id.slice(0, 12)} (points ${body.points.map((peer) => nameOf(roster, peer)).join(',') || 'auto'}, replicas ${body.replicas})`,
  );
  throw new ResettleError('ambiguous', `${fitting.length} associations fit: ${list.join('; ')}`, {
    hint: 'name one by its id: --for ID',
  });
}

function chosen(
  roster: Roster,
  association: Association,
  wish: Wish,
  points: readonly PeerIdText[] | undefined,
): Chosen {
  const difference = differenceOf(association, wish, points);
  if (difference) {
    throw new ResettleError(
      'usage',
      `association ${association.id.slice(0, 12)} of this machine has ${difference} than this command asks for`,
      { hint: 'leave these options out to go by it, or make another association with "resettle associate"' },
    );
  }
  const { body, destination } = association;
  const member = destination === undefined ? undefined : roster.members.get(destination);
  if (destination !== undefined && member?.status !== 'active') {
    throw new ResettleError('refused', `${nameOf(roster, destination)} is no active member of this fleet any more`, {
      hint: 'make an association for another machine, or let this one join again',
    });
  }
  if (body.mode === 'in-place' && destination !== undefined) {
    throw new ResettleError(
      'refused',
      `the ticket of association ${association.id.slice(0, 12)} has been used already`,
      {
        hint: 'let an operator make another association in place',
      },
    );
  }
  return { existing: association, mode: body.mode, destination: member, points: body.points, replicas: body.replicas };
}

function differenceOf(
  { body }: Association,
  wish: Wish,
  points: readonly PeerIdText[] | undefined,
): string | undefined {
  const others: string[] = [];
  if (points && points.join() !== body.points.join()) others.push('other points');
  if (wish.replicas !== undefined && wish.replicas !== body.replicas) others.push(`another number of copies`);
  return others.length > 0 ? others.join(' and ') : undefined;
}

/** A source makes an association in place by itself only where the key survives the wipe without a ticket. */
function checkOwnInPlace(roster: Roster, self: Member): void {
  if (roster.fleet?.recoveryRecipient) return;
  throw new ResettleError(
    'usage',
    'nobody could open the state of this machine after it was reinstalled: there is no ticket, no recovery key and no code',
    { hint: `let an operator run "resettle associate ${self.name} --in-place", then capture again` },
  );
}
