import type { MdnsDiscovery } from '../discovery/index.ts';
import { addressesOf as addressesOfPeer } from '../doctor/addresses.ts';
import { Answerer } from '../doctor/answer.ts';
import { networkProber } from '../doctor/probe.ts';
import type { AddressWatch } from '../link/address-watch.ts';
import { type LocalLink, localLinks } from '../link/interfaces.ts';
import type { Link } from '../link/libp2p-node.ts';
import { withSelfAssigned } from '../link/own-addresses.ts';
import { DEFAULT_PORT } from '../link/start-link.ts';
import { watchAddresses as watchLinkAddresses } from '../link/watch-addresses.ts';
import type { Membership } from '../membership/membership.ts';
import type { AgentOptions } from './options.ts';

/** Multiaddrs at which this agent listens, without the peer id. */
export function concreteAddresses(
  link: Link,
  { interfaces, listen }: AgentOptions,
  links = (): readonly LocalLink[] => localLinks(),
): string[] {
  const listening = link.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, ''));
  const isEverywhere =
    listen.length > 0 ? listen.some((one) => one.includes('/ip4/0.0.0.0/')) : interfaces.length === 0;
  return isEverywhere ? withSelfAssigned(listening, links()) : listening;
}

/** Tells other members how they are seen from here. */
export function answerer(
  options: AgentOptions,
  link: Link,
  membership: Membership,
  discovery: MdnsDiscovery,
): Answerer {
  return new Answerer({
    addressesOf: (peerId) =>
      addressesOfPeer(peerId, {
        heard: discovery.peers(),
        roster: membership.roster(),
        seeds: options.peers,
        dialled: [],
        links: localLinks(),
      }),
    hears: (peerId) => discovery.peers().some((peer) => peer.peerId === peerId),
    probe: networkProber(link),
    clock: options.clock,
  });
}

/** Listens where the named interfaces are now, and finds the connections that a changed address has killed. */
export function watchAddresses(options: AgentOptions, link: Link, discovery: MdnsDiscovery): AddressWatch {
  const { interfaces, listen, log, clock } = options;
  const follow = interfaces.length > 0 && listen.length === 0 ? () => interfaces : undefined;
  const { watch, heardAt } = watchLinkAddresses(link, { follow, port: DEFAULT_PORT, log, clock });
  discovery.onPeer(({ peerId, addresses }) => heardAt(peerId, addresses));
  return watch;
}
