import type { PackId, PeerIdText } from '../../../../common/ids.ts';
import type { PackReference } from '../../../../state/format/index.ts';
import type { Roster } from '../../../../state/records/index.ts';
import type { Copies } from './copies.ts';

/** Which of a point's packs lie on too few machines. */
export interface Coverage {
  readonly short: readonly PackReference[];
  /** Who has one of the short ones: a copy on one of these would gain nothing. */
  readonly holders: readonly PeerIdText[];
}

/** Who has which of these packs; a whole copy has all of them. */
export type HasPacks = ReadonlyMap<PeerIdText, ReadonlySet<PackId> | 'all'>;

/** Asks the holders of parts which of these packs they have. `missing` is asked of others only. */
export async function whoHas(
  { whole, parts }: Copies,
  packs: readonly PackReference[],
  self: PeerIdText,
  missing: (peer: PeerIdText) => Promise<readonly PackId[]>,
): Promise<HasPacks> {
  const has = new Map<PeerIdText, ReadonlySet<PackId> | 'all'>(whole.map((peer) => [peer, 'all']));
  for (const peer of parts) {
    const absent = new Set(peer === self ? [] : await missing(peer));
    has.set(peer, new Set(packs.map(({ id }) => id).filter((id) => !absent.has(id))));
  }
  return has;
}

/** Counts each pack once a machine. */
export function coverageOf(roster: Roster, packs: readonly PackReference[], has: HasPacks, replicas: number): Coverage {
  const machineOf = (peer: PeerIdText): string => roster.members.get(peer)?.machine ?? peer;
  const havingIt = (id: PackId): PeerIdText[] =>
    [...has].filter(([, own]) => own === 'all' || own.has(id)).map(([peer]) => peer);
  const short = packs.filter(({ id }) => new Set(havingIt(id).map(machineOf)).size < replicas);
  return { short, holders: [...new Set(short.flatMap(({ id }) => havingIt(id)))] };
}
