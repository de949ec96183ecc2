import { ResettleError } from '../../common/errors.ts';
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import type { AreaName } from '../../state/areas/base/names.ts';
import type { Association, AssociationBody, Member, Roster } from '../../state/records/index.ts';
import { findMachine, nameOf } from '../membership/machines.ts';

/** Who a state is for. */
export type DestinationWish =
  | { readonly kind: 'machine'; readonly machine: string }
  | { readonly kind: 'in-place' }
  | { readonly kind: 'to-be-named' };

/** What is captured, where the source does it by itself, and whose it becomes. Sealed to the parties and operators. */
export interface TermsWish {
  readonly users: readonly string[];
  /** Absolute. */
  readonly areas: readonly AreaName[];
  readonly paths: readonly string[];
  readonly mapUsers: readonly { readonly from: string; readonly to: string }[];
}

/** An association as a person asks for it: MACHINEs as they were typed. */
export interface AssociationWish extends TermsWish {
  /** A MACHINE, or the id of an association that is to get its name (at least 8 digits). */
  readonly source: string;
  readonly destination: DestinationWish;
  readonly points: readonly string[];
  readonly replicas: number | undefined;
  readonly keepMs: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly shares: { readonly needed: number; readonly total: number } | undefined;
  /** Absolute: where a recovery code is written. */
  readonly recoveryCodeOut: string | undefined;
  /** How many of one batch capture at once by themselves. */
  readonly startAtOnce: number | undefined;
}

/** What is to be done about a wish. */
export type Intent =
  | {
      readonly do: 'make';
      readonly source: Member;
      readonly destination: Member | undefined;
      readonly points: PeerIdText[];
    }
  | { readonly do: 'name'; readonly association: Association; readonly destination: Member }
  | { readonly do: 'nothing'; readonly association: Association };

const ID_PREFIX = /^[0-9a-f]{8,64}$/;

/**
 * Checks a wish against the roster. Throws `not-found`, `ambiguous`, `refused` (this machine may not say that), and `usage`
 * where another association of the same parties says something else.
 */
export function intentOf(wish: AssociationWish, roster: Roster, self: PeerIdText): Intent {
  const named = byId(wish.source, roster);
  const source = named ? memberOf(named.body.source, roster) : findMachine(roster, wish.source);
  mayOrder(source, roster, self);
  const destination = wish.destination.kind === 'machine' ? findMachine(roster, wish.destination.machine) : undefined;
  if (destination?.peerId === source.peerId) {
    throw new ResettleError('usage', `${source.name} cannot be the successor of itself`, {
      hint: 'for a machine that is reinstalled use --in-place',
    });
  }
  const points = wish.points.map((text) => pointOf(text, roster, source));
  if (named) return nameIntent(wish, named, destination, roster);
  const living = [...roster.associations.values()].filter(({ body, ended }) => body.source === source.peerId && !ended);
  if (destination) {
    const same = living.filter((one) => one.destination === destination.peerId);
    if (same.length > 0) return goesOn(wish, same, points, roster);
    // One in place waits for its own machine: it is named by its id only.
    const open = living.filter((one) => one.destination === undefined && one.body.mode === 'side-by-side');
    if (open.length === 1 && isBare(wish)) return { do: 'name', association: open[0]!, destination };
    if (open.length > 1) throw severalOpen(source, open);
    if (open.length === 1) {
      throw new ResettleError('usage', `an association of ${source.name} waits for the name of its destination`, {
        hint: `give the two machines without other options to name it, or end it: "resettle associations delete ${shortId(open[0]!.id)}"`,
      });
    }
    return { do: 'make', source, destination, points };
  }
  const mode = wish.destination.kind === 'in-place' ? 'in-place' : 'side-by-side';
  const open = living.filter((one) => one.destination === undefined && one.body.mode === mode);
  if (open.length > 0) return goesOn(wish, open, points, roster);
  return { do: 'make', source, destination: undefined, points };
}

/** The association that an id's beginning means. Throws `ambiguous`; undefined where none fits. */
export function byId(text: string, roster: Roster): Association | undefined {
  if (!ID_PREFIX.test(text)) return undefined;
  const fitting = [...roster.associations.values()].filter(({ id }) => id.startsWith(text));
  if (fitting.length > 1) {
    throw new ResettleError('ambiguous', `${fitting.length} associations begin with ${text}`, {
      hint: 'give more of the id',
    });
  }
  return fitting[0];
}

/** What people are shown and may type of an association's id. */
export function shortId(id: AssociationId): string {
  return id.slice(0, 12);
}

function memberOf(peerId: PeerIdText, roster: Roster): Member {
  const member = roster.members.get(peerId);
  if (member) return member;
  throw new ResettleError('not-found', `${peerId} is not a member of this fleet`);
}

/** A source orders its own; operators order for sources that agreed to it. */
export function mayOrder(source: Member, roster: Roster, self: PeerIdText): void {
  if (source.peerId === self) return;
  const own = roster.members.get(self);
  if (own?.role !== 'operator' || own.status !== 'active') {
    throw new ResettleError(
      'refused',
      `only ${source.name} itself or an operator of the fleet says where its state goes`,
      {
        hint: `run this on ${source.name}, or on an operator's machine`,
      },
    );
  }
  if (!source.acceptsOperators) {
    throw new ResettleError('refused', `${source.name} has not agreed to take orders of this fleet's operators`, {
      hint: `run it on ${source.name}, or let the person there agree: "resettle fleet consent yes"`,
    });
  }
}

function pointOf(text: string, roster: Roster, source: Member): PeerIdText {
  const member = findMachine(roster, text);
  if (!member.point) {
    throw new ResettleError('usage', `${member.name} offers no point`, { hint: 'start its agent with --point DIR' });
  }
  if (member.peerId === source.peerId || (member.machine !== null && member.machine === source.machine)) {
    throw new ResettleError('usage', `${member.name} is the machine whose state is captured`, {
      hint: 'name points on other machines',
    });
  }
  return member.peerId;
}

/** Nothing but the two machines was said. */
function isBare(wish: AssociationWish): boolean {
  const { points, replicas, keepMs, deadlineMs, shares, recoveryCodeOut, startAtOnce } = wish;
  const asked = [replicas, keepMs, deadlineMs, shares, recoveryCodeOut, startAtOnce].some(
    (value) => value !== undefined,
  );
  return !asked && points.length === 0 && !hasTerms(wish);
}

export function hasTerms({ users, paths, mapUsers }: TermsWish): boolean {
  return users.length + paths.length + mapUsers.length > 0;
}

function nameIntent(
  wish: AssociationWish,
  association: Association,
  destination: Member | undefined,
  roster: Roster,
): Intent {
  if (!destination || !isBare(wish)) {
    throw new ResettleError(
      'usage',
      `association ${shortId(association.id)} is there already: it can be named, not changed`,
      {
        hint: 'give its id and the machine that shall be its destination',
      },
    );
  }
  if (association.destination === undefined) return { do: 'name', association, destination };
  if (association.destination === destination.peerId) return { do: 'nothing', association };
  throw new ResettleError(
    'usage',
    `association ${shortId(association.id)} is for ${nameOf(roster, association.destination)} already`,
    { hint: 'end it with "resettle associations delete" and make another one' },
  );
}

/** The same wish again changes nothing; another one is not taken for it. */
function goesOn(
  wish: AssociationWish,
  same: readonly Association[],
  points: readonly PeerIdText[],
  roster: Roster,
): Intent {
  const fitting = same.find(({ body }) => differences(wish, body, points).length === 0);
  if (fitting) return { do: 'nothing', association: fitting };
  const { id, body, destination } = same[0]!;
  const to = destination === undefined ? body.mode : nameOf(roster, destination);
  const what = differences(wish, body, points).join(', ');
  throw new ResettleError(
    'usage',
    `an association of ${nameOf(roster, body.source)} (${to}) is there already, with other ${what}`,
    {
      hint: `end that one first: "resettle associations delete ${shortId(id)}"`,
    },
  );
}

/** In which of the things that were asked for an association differs. What is sealed cannot be compared. */
export function differences(
  wish: Omit<AssociationWish, 'source' | 'destination'>,
  body: AssociationBody,
  points: readonly PeerIdText[],
): string[] {
  const found: string[] = [];
  if (points.length > 0 && points.join() !== body.points.join()) found.push('points');
  if (wish.replicas !== undefined && wish.replicas !== body.replicas) found.push('replicas');
  if (wish.keepMs !== undefined && wish.keepMs !== body.keepMs) found.push('time to keep');
  if (wish.deadlineMs !== undefined && wish.deadlineMs !== body.deadlineMs) found.push('deadline');
  const { shares } = wish;
  if (shares && (shares.needed !== body.shares?.needed || shares.total !== body.shares?.total)) found.push('shares');
  if (wish.recoveryCodeOut !== undefined) found.push('recovery code');
  if (wish.startAtOnce !== undefined && body.start === null) found.push('start');
  if (hasTerms(wish) && body.sealed === null) found.push('users or paths');
  return found;
}

function severalOpen(source: Member, open: readonly Association[]): ResettleError {
  const ids = open.map(({ id }) => shortId(id)).join(', ');
  return new ResettleError(
    'ambiguous',
    `several associations of ${source.name} wait for the name of their destination: ${ids}`,
    {
      hint: 'give the id of one instead of the source: "resettle associate ID DEST"',
    },
  );
}
