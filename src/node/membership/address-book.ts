import type { PeerIdText } from '../../common/ids.ts';
import type { Roster } from '../../state/records/index.ts';
import type { FoundPeer } from '../discovery/index.ts';

/** Where a peer may be reached, and how that is known. All of it is a hint: only Noise says who answers. */
export interface KnownPeer {
  readonly peerId: PeerIdText;
  readonly addresses: readonly string[];
  readonly seenBy: readonly ('mdns' | 'records' | 'connection')[];
}

/** Joins what discovery hears with what records say, in that order: the freshest first. */
export function knownPeers(found: readonly FoundPeer[], roster: Roster, self: PeerIdText): Map<PeerIdText, KnownPeer> {
  const peers = new Map<PeerIdText, KnownPeer>();
  const add = (peerId: PeerIdText, addresses: readonly string[], by: KnownPeer['seenBy'][number]): void => {
    if (peerId === self) return;
    const before = peers.get(peerId);
    peers.set(peerId, {
      peerId,
      addresses: [...new Set([...(before?.addresses ?? []), ...addresses])],
      seenBy: [...new Set([...(before?.seenBy ?? []), by])],
    });
  };
  for (const peer of found) add(peer.peerId, peer.addresses, 'mdns');
  for (const member of roster.members.values()) {
    if (member.status === 'active' && member.addresses.length > 0) add(member.peerId, member.addresses, 'records');
  }
  return peers;
}

/** As `knownPeers` says of one. */
export function addressesOf(found: readonly FoundPeer[], roster: Roster, peerId: PeerIdText): readonly string[] {
  const heard = found.filter((peer) => peer.peerId === peerId).flatMap(({ addresses }) => addresses);
  const member = roster.members.get(peerId);
  return [...new Set([...heard, ...(member?.status === 'active' ? member.addresses : [])])];
}

const NEWS_GAP_MS = 5_000;

interface Failure {
  readonly count: number;
  readonly untilMs: number;
  readonly anewAtMs?: number;
}

/** Waiting times after failed dials: 1 s, doubling, at most a minute. All times are monotonic. */
export class DialBackoff {
  readonly #failures = new Map<string, Failure>();

  mayTry(key: string, nowMs: number): boolean {
    return (this.#failures.get(key)?.untilMs ?? 0) <= nowMs;
  }

  failed(key: string, nowMs: number): void {
    const before = this.#failures.get(key);
    const count = (before?.count ?? 0) + 1;
    this.#note(key, { ...before, count, untilMs: nowMs + Math.min(60_000, 1000 * 2 ** Math.min(count - 1, 6)) });
  }

  #note(key: string, failure: Failure): void {
    this.#failures.set(key, failure);
    // Somebody who announces peer after peer must not make this grow.
    if (this.#failures.size > 4096) this.#failures.delete(this.#failures.keys().next().value as string);
  }

  /**
   * There is news of that peer, such as another address: it is tried at once, and a failure counts as one more. Not more
   * often than every few seconds, for anybody on the network can make such news.
   */
  heardAnew(key: string, nowMs: number): void {
    const known = this.#failures.get(key);
    if (!known || nowMs - (known.anewAtMs ?? Number.NEGATIVE_INFINITY) < NEWS_GAP_MS) return;
    this.#failures.set(key, { ...known, untilMs: 0, anewAtMs: nowMs });
  }

  /** Nothing has failed, but this peer is not to be dialled for a while. */
  rest(key: string, nowMs: number, restMs: number): void {
    this.#note(key, { count: 0, untilMs: nowMs + restMs });
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}
