import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import type { Roster } from '../../state/records/index.ts';

/** A machine that is looked for: by its record, or only by what is heard of it. */
export interface Patient {
  readonly peerId: PeerIdText;
  /** Its name; its peer id where no record of it is held. */
  readonly name: string;
}

/**
 * The machine that a MACHINE argument means. Unlike elsewhere, one that was revoked or is in no fleet counts too: why it
 * is not seen is just what is asked.
 *
 * @param heard peers that were heard on the network
 * @throws `not-found`, `ambiguous`, and `usage` for this machine itself
 */
export function findPatient(roster: Roster, heard: readonly PeerIdText[], self: PeerIdText, text: string): Patient {
  const members = [...roster.members.values()];
  const named = members.filter(({ name }) => name === text);
  const active = named.filter(({ status }) => status === 'active');
  const ids = new Set([...members.map(({ peerId }) => peerId), ...heard]);
  const byName = (active.length > 0 ? active : named).map(({ peerId }) => peerId);
  const fitting = byName.length > 0 ? byName : [...ids].filter((peerId) => text !== '' && peerId.startsWith(text));
  const nameOf = (peerId: PeerIdText): string => roster.members.get(peerId)?.name ?? peerId;
  if (fitting.length > 1) {
    const list = fitting.map((peerId) => `${nameOf(peerId)} ${peerId}`).join(', ');
    throw new ResettleError('ambiguous', `${JSON.stringify(text)} fits several machines: ${list}`, {
      hint: 'give more of the peer id',
    });
  }
  const peerId = fitting[0];
  if (peerId === undefined) {
    const names = members.filter((member) => member.peerId !== self).map(({ name }) => name);
    throw new ResettleError('not-found', `no machine called ${JSON.stringify(text)} is known here or heard`, {
      hint: `known are ${names.sort().join(', ') || 'none'}; one of which nothing is known can be named with "resettle agent --peer ADDRESS"`,
    });
  }
  if (peerId === self) {
    throw new ResettleError('usage', `${JSON.stringify(text)} is this machine`, {
      hint: 'leave --peer out to look at this machine',
    });
  }
  return { peerId, name: nameOf(peerId) };
}
