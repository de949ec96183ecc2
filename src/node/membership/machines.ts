import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import type { Member, Roster } from '../../state/records/index.ts';

/** The active member that a MACHINE argument means: a name, or a prefix of a peer id. Throws `not-found`, `ambiguous`. */
export function findMachine(roster: Roster, text: string): Member {
  const active = [...roster.members.values()].filter((member) => member.status === 'active');
  const named = withoutReinstalled(
    active.filter((member) => member.name === text),
    roster,
  );
  const fitting = named.length > 0 ? named : active.filter((member) => text !== '' && member.peerId.startsWith(text));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1) {
    const list = fitting.map((member) => `${member.name} ${member.peerId}`).join(', ');
    throw new ResettleError('ambiguous', `${JSON.stringify(text)} fits several machines: ${list}`, {
      hint: 'give more of the peer id',
    });
  }
  const names = active.map((member) => member.name).sort();
  throw new ResettleError('not-found', `no machine of this fleet is called ${JSON.stringify(text)}`, {
    hint: `its machines are ${names.join(', ')}; "resettle fleet members" lists them`,
  });
}

/** A machine that was installed anew keeps its name: then who it was before is not meant, as far as records tell. */
function withoutReinstalled(members: readonly Member[], roster: Roster): readonly Member[] {
  if (members.length < 2) return members;
  const successors = new Map(
    [...roster.associations.values()]
      .filter(({ body, destination }) => body.mode === 'in-place' && destination !== undefined)
      .map(({ body, destination }) => [body.source, destination!]),
  );
  const ids = new Set(members.map(({ peerId }) => peerId));
  return members.filter(({ peerId }) => !ids.has(successors.get(peerId) ?? peerId) || !successors.has(peerId));
}

/** A member's name for people, or the peer id of somebody who is none. */
export function nameOf(roster: Roster, peerId: PeerIdText): string {
  return roster.members.get(peerId)?.name ?? peerId;
}

/** This machine's own membership. Throws `not-a-member`. */
export function ownMembership(roster: Roster, self: PeerIdText): Member {
  const own = roster.members.get(self);
  if (own?.status === 'active') return own;
  if (own) {
    throw new ResettleError('not-a-member', `this machine's membership is ${own.status}`, {
      hint: 'ask an operator of the fleet',
    });
  }
  throw new ResettleError('not-a-member', 'this machine is in no fleet', {
    hint: 'run "resettle fleet init --name NAME" or "resettle fleet join --token-file F"',
  });
}
