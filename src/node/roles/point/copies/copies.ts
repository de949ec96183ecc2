import { hexOf } from '../../../../common/bytes.ts';
import type { PeerIdText, StateId } from '../../../../common/ids.ts';
import { digest } from '../../../../state/format/index.ts';
import type { Association, Roster, SignedEvent } from '../../../../state/records/index.ts';

/** What is known of the copies of one snapshot, from signed records. */
export interface Copies {
  /** Complete ones that count, one a machine. */
  readonly whole: readonly PeerIdText[];
  /** Holders of a part of it, where it is spread. */
  readonly parts: readonly PeerIdText[];
  /** A holder has deleted it because its time was over: no more copies are made. */
  readonly isOver: boolean;
}

export interface CopiesInput {
  readonly roster: Roster;
  readonly association: Association;
  readonly state: StateId;
  readonly descriptorHash: string;
  readonly events: readonly SignedEvent[];
  /** Not to be reached for too long. */
  readonly isLost: (peer: PeerIdText) => boolean;
}

/**
 * Counts copies on distinct machines: of two holders that claim the same machine one counts. A holder counts while it is
 * an active member, not lost, and its newest word is that it holds exactly this snapshot.
 */
export function copiesOf({ roster, association, state, descriptorHash, events, isLost }: CopiesInput): Copies {
  const words = events
    .filter(({ body }) => body.step === 'holder' && body.state === state && body.descriptorHash === descriptorHash)
    .filter(({ signer }) => roster.members.get(signer)?.status === 'active');
  const living = words.filter(({ signer, body }) => body.phase === 'held' && !isLost(signer));
  const whole = living.filter(({ body }) => body.bytes === body.totalBytes).map(({ signer }) => signer);
  const parts = living.filter(({ body }) => body.bytes < body.totalBytes).map(({ signer }) => signer);
  // Nothing but retention deletes, and it does so only where one of these is true.
  const mayEnd =
    association.body.deadlineMs !== null ||
    events.some(
      ({ signer, body }) =>
        body.step === 'restore' &&
        signer === association.destination &&
        body.state === state &&
        body.phase === 'restored' &&
        body.descriptorHash === descriptorHash,
    );
  const isOver = mayEnd && words.some(({ body }) => body.phase === 'deleted');
  return { whole: onDistinctMachines(roster, whole), parts, isOver };
}

/** Whether a newer snapshot of the state is whole with holders that count: of the older one no more copies are made. */
export function isOutdated({ roster, state, events, isLost }: CopiesInput, snapshot: number): boolean {
  const newer = newerWords({ roster, state, events }, snapshot).filter(({ signer }) => !isLost(signer));
  const bySnapshot = Map.groupBy(newer, ({ body }) => body.descriptorHash);
  return [...bySnapshot.values()].some((words) => {
    const bytes = words.map(({ body }) => body.bytes);
    const total = words[0]!.body.totalBytes;
    return bytes.includes(total) || bytes.reduce((sum, part) => sum + part, 0) >= total;
  });
}

/** Words of members that hold all or a part of a newer snapshot of the state. */
export function newerWords(
  { roster, state, events }: Pick<CopiesInput, 'roster' | 'state' | 'events'>,
  snapshot: number,
): SignedEvent[] {
  return events
    .filter(({ body }) => body.step === 'holder' && body.phase === 'held' && body.state === state)
    .filter(({ signer, body }) => body.snapshot > snapshot && roster.members.get(signer)?.status === 'active');
}

/** The first peer of each machine; one that claims none is a machine of its own. */
export function onDistinctMachines(roster: Roster, peers: readonly PeerIdText[]): PeerIdText[] {
  const machines = new Set<string>();
  return [...peers].sort().filter((peer) => {
    const machine = roster.members.get(peer)?.machine ?? peer;
    if (machines.has(machine)) return false;
    machines.add(machine);
    return true;
  });
}

/** Who makes a missing copy: each holder knows its turn without asking, and the turns differ from state to state. */
export function turnOf(peer: PeerIdText, holders: readonly PeerIdText[], state: StateId): number {
  const order = (one: PeerIdText): string => hexOf(digest(Buffer.from(`${one} ${state}`)));
  const mine = order(peer);
  return holders.filter((one) => one !== peer && order(one) < mine).length;
}

/**
 * The members that may get a copy, in the order of the association where it names points. Not the source, nor a share
 * holder of the state's key, nor a machine that is one of these or has a copy already.
 */
export function candidatesFor(
  { roster, association, state, events }: CopiesInput,
  holders: readonly PeerIdText[],
): PeerIdText[] {
  const { source, points } = association.body;
  const shareHolders = events
    .filter(({ body }) => body.step === 'share' && body.state === state)
    .map(({ signer }) => signer);
  const taken = [source, ...shareHolders, ...holders];
  const machines = new Set(taken.map((peer) => roster.members.get(peer)?.machine ?? peer));
  return [...roster.members.values()]
    .filter(({ status, point, peerId, machine }) => {
      const wanted = points.length === 0 || points.includes(peerId);
      return status === 'active' && point && wanted && !taken.includes(peerId) && !machines.has(machine ?? peerId);
    })
    .map(({ peerId }) => peerId)
    .sort((a, b) => points.indexOf(a) - points.indexOf(b) || (a < b ? -1 : 1));
}
