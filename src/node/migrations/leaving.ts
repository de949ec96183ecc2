import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import type { Roster, SignedEvent } from '../../state/records/index.ts';

interface Known {
  readonly roster: Roster;
  events(association: AssociationId): readonly SignedEvent[];
}

/**
 * Members of which nothing may be expected for long: sources whose machines are wiped or given away, whether that was done
 * already or not, and other agents on the same machines until the state came back there.
 */
export function leavingMembers({ roster, events }: Known): ReadonlySet<PeerIdText> {
  const leaving = new Set<PeerIdText>();
  const machines = new Set<string>();
  for (const { id, body, ended } of roster.associations.values()) {
    if (ended) continue;
    leaving.add(body.source);
    const machine = roster.members.get(body.source)?.machine;
    if (machine && !isRestored(events(id))) machines.add(machine);
  }
  for (const { peerId, machine } of roster.members.values()) {
    if (machine !== null && machines.has(machine)) leaving.add(peerId);
  }
  return leaving;
}

/** Whether the destination has said that it has the state. */
export function isRestored(events: readonly SignedEvent[]): boolean {
  return events.some(({ body }) => body.step === 'restore' && body.phase === 'restored');
}
