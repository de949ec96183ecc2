import { ResettleError } from '../../common/errors.ts';
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import type { Member, Roster, SignedEvent } from '../../state/records/index.ts';
import { isRestored } from '../migrations/leaving.ts';

/** A member that may be asked for room. */
export interface Considered {
  readonly member: Member;
  /** Its own state is to move to another machine. */
  readonly leaving: boolean;
}

export interface CandidateWish {
  readonly roster: Roster;
  readonly self: PeerIdText;
  /** Points that were named, in their order; empty: every member that offers one. */
  readonly named: readonly PeerIdText[];
  /** Members that are out of the question for another reason, with that reason. */
  readonly without: ReadonlyMap<PeerIdText, string>;
  events(association: AssociationId): readonly SignedEvent[];
}

/**
 * Who may be asked to take a state: never an agent on the source's own machine, nor on one that is to be reinstalled.
 * `lacks` says of each that is left out why, by name; of those that nobody named and that offer no point, nothing.
 */
export function candidatesOf(wish: CandidateWish): {
  readonly candidates: readonly Considered[];
  readonly lacks: ReadonlyMap<string, string>;
} {
  const { roster, self, named } = wish;
  const wiped = toBeReinstalled(wish);
  const leaving = sourcesOf(wish, 'side-by-side');
  const own = roster.members.get(self)?.machine ?? null;
  const lacks = new Map<string, string>();
  const candidates: Considered[] = [];
  const wanted = named.length > 0 ? named.map((peerId) => roster.members.get(peerId)) : [...roster.members.values()];
  for (const [index, member] of wanted.entries()) {
    const peerId = member?.peerId ?? named[index]!;
    const lack = member
      ? whyNot(member, { self, own, wiped, without: wish.without })
      : 'is not a member of this fleet any more';
    if (!lack && member) candidates.push({ member, leaving: leaving.has(peerId) });
    else if (lack && (named.length > 0 || (member?.point && peerId !== self))) {
      lacks.set(member?.name ?? peerId, lack);
    }
  }
  return { candidates, lacks };
}

interface Barred {
  readonly self: PeerIdText;
  readonly own: string | null;
  readonly wiped: ReadonlySet<string>;
  readonly without: ReadonlyMap<PeerIdText, string>;
}

function whyNot(member: Member, { self, own, wiped, without }: Barred): string | undefined {
  if (member.peerId === self) return 'is this machine itself';
  if (member.status !== 'active') return `is no active member (${member.status})`;
  if (!member.point) return 'offers no point';
  if (own !== null && member.machine === own) return 'runs on this same machine';
  if (wiped.has(member.peerId) || (member.machine !== null && wiped.has(member.machine))) {
    return 'is to be reinstalled itself';
  }
  return without.get(member.peerId);
}

/** Peer ids and machine claims of those that a move in place is to wipe. */
function toBeReinstalled(wish: CandidateWish): ReadonlySet<string> {
  const wiped = new Set<string>();
  for (const peerId of sourcesOf(wish, 'in-place')) {
    wiped.add(peerId);
    const machine = wish.roster.members.get(peerId)?.machine;
    if (machine) wiped.add(machine);
  }
  return wiped;
}

/** Sources of associations that go on: not ended, and nobody has restored from them. */
function sourcesOf({ roster, events }: CandidateWish, mode: 'in-place' | 'side-by-side'): Set<PeerIdText> {
  const sources = new Set<PeerIdText>();
  for (const { id, body, ended } of roster.associations.values()) {
    if (body.mode !== mode || ended || isRestored(events(id))) continue;
    sources.add(body.source);
  }
  return sources;
}

/** The error for a state that found no place: each point with what it lacks. */
export function noPoint(what: string, lacks: ReadonlyMap<string, string>): ResettleError {
  const reasons = [...lacks].map(([name, lack]) => (lack.startsWith(name) ? lack : `${name} ${lack}`)).join('; ');
  return new ResettleError(
    'no-point',
    lacks.size === 0 ? 'no other machine of this fleet offers a point' : `no point can take ${what}: ${reasons}`,
    { hint: 'free space on a point, or start an agent with --point DIR on a machine that has room' },
  );
}
