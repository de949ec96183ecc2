import type { PeerIdText } from '../../common/ids.ts';
import { DOCTOR_ADDRESSES_MAX } from '../../common/limits.ts';
import type { Roster } from '../../state/records/index.ts';
import type { FoundPeer } from '../discovery/index.ts';
import { nearnessOf } from '../link/address-order.ts';
import type { LocalLink } from '../link/interfaces.ts';
import type { AddressProbe, KnownBy } from './peer-checks.ts';

/** Where addresses of peers are known from. */
export interface AddressSources {
  readonly heard: readonly FoundPeer[];
  readonly roster: Roster;
  /** Multiaddrs given by hand, with or without a peer id. */
  readonly seeds: readonly string[];
  /** Connections that this machine opened: the address of one that came in is not one to dial. */
  readonly dialled: readonly { readonly peerId: string; readonly address: string }[];
  readonly links: readonly LocalLink[];
}

/** The addresses of a peer, nearest first, each with how it is known. Multiaddrs without `/p2p`. */
export function addressesOf(
  peerId: string,
  { heard, roster, seeds, dialled, links }: AddressSources,
): Pick<AddressProbe, 'address' | 'knownBy'>[] {
  const known = new Map<string, Set<KnownBy>>();
  const add = (address: string, by: KnownBy): void => {
    const bare = withoutPeer(address);
    known.set(bare, (known.get(bare) ?? new Set()).add(by));
  };
  for (const peer of heard) if (peer.peerId === peerId) for (const address of peer.addresses) add(address, 'multicast');
  for (const address of roster.members.get(peerId as PeerIdText)?.addresses ?? []) add(address, 'record');
  for (const seed of seeds) if (seed.endsWith(`/p2p/${peerId}`)) add(seed, 'seed');
  for (const one of dialled) if (one.peerId === peerId) add(one.address, 'connection');
  return [...known]
    .map(([address, knownBy]) => ({ address, knownBy: [...knownBy] }))
    .toSorted((a, b) => nearnessOf(a.address, links) - nearnessOf(b.address, links))
    .slice(0, DOCTOR_ADDRESSES_MAX);
}

export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/.*$/, '');
}
