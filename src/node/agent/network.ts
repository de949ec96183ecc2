import { multiaddr } from '@multiformats/multiaddr';
import { ResettleError } from '../../common/errors.ts';
import type { Handlers } from '../../protocols/wire/registrar.ts';
import type { MdnsDiscovery } from '../discovery/index.ts';
import { addressesOf as addressesOfPeer } from '../doctor/addresses.ts';
import { Answerer } from '../doctor/answer.ts';
import { networkProber } from '../doctor/probe.ts';
import { type AddressChange, AddressWatch } from '../link/address-watch.ts';
import { type LocalLink, localLinks } from '../link/interfaces.ts';
import { createLink, type Link } from '../link/libp2p-node.ts';
import { addressesOf, followInterfaces, listenAddress } from '../link/listening.ts';
import { withSelfAssigned } from '../link/own-addresses.ts';
import { StaleConnections } from '../link/stale-connections.ts';
import type { Membership } from '../membership/membership.ts';
import { type AgentOptions, DEFAULT_PORT } from './options.ts';

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
  const stale = new StaleConnections({ connections: () => link.getConnections(), log, clock });
  link.addEventListener('connection:open', ({ detail }) => void stale.opened(detail));
  discovery.onPeer(({ peerId, addresses }) => void stale.heardAt(peerId, addresses));
  const follows = interfaces.length > 0 && listen.length === 0;
  let port = DEFAULT_PORT;
  const onLook = async ({ links, lost }: AddressChange): Promise<void> => {
    port = Number(/\/tcp\/(\d+)/.exec(link.getMultiaddrs()[0]?.toString() ?? '')?.[1] ?? port);
    if (follows) await followInterfaces(link.services.transports, links, interfaces, port, log);
    if (lost.length > 0) void stale.addressLost();
  };
  const watch = new AddressWatch({ log, onLook });
  watch.start();
  return watch;
}

/** Throws `usage`, or `failed` where it cannot listen as it was told to. */
export async function startLink(options: AgentOptions, guard: <R extends Handlers>(registrar: R) => R): Promise<Link> {
  const { identity } = options.fleet;
  checkNetworkOptions(options);
  const wanted = options.listen.length > 0 ? options.listen : defaultListen(options.interfaces, DEFAULT_PORT);
  const attempt = async (listen: readonly string[]): Promise<Link> => {
    const link = await createLink({ privateKey: identity.privateKey, listen, guard });
    await link.start();
    return link;
  };
  try {
    return await attempt(wanted);
  } catch (error) {
    if (options.listen.length > 0) {
      throw new ResettleError('failed', `cannot listen on ${options.listen.join(', ')}`, {
        hint: "the port may be taken, or the address may not be this machine's",
        cause: error,
      });
    }
    options.log.warn(
      { port: DEFAULT_PORT },
      'the default port is taken; a free one is used, which a firewall may close',
    );
    return attempt(defaultListen(options.interfaces, 0));
  }
}

/** Throws `usage` for what is no address, `failed` for an interface that this machine does not have. */
function checkNetworkOptions({ interfaces, listen, peers }: AgentOptions): void {
  for (const [option, addresses] of [
    ['--listen', listen],
    ['--peer', peers],
  ] as const) {
    for (const address of addresses) {
      try {
        multiaddr(address);
      } catch (cause) {
        throw new ResettleError('usage', `${option} ${address} is not a multiaddr`, {
          hint: 'write an address as /ip4/192.168.1.20/tcp/24717',
          cause,
        });
      }
    }
  }
  const all = localLinks()
    .filter((link) => link.isUp)
    .map(({ name }) => name);
  const unknown = interfaces.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new ResettleError('failed', `this machine has no interface ${unknown.join(', ')}, or it is down`, {
      hint: `it has ${all.join(', ')}`,
    });
  }
}

function defaultListen(interfaces: readonly string[], port: number): string[] {
  if (interfaces.length === 0) return [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`];
  const links = localLinks();
  const ips = addressesOf(links, interfaces);
  if (ips.length === 0) {
    throw new ResettleError('failed', `no address on ${interfaces.join(', ')}`, {
      hint: `this machine has the interfaces ${links.map(({ name }) => name).join(', ')}`,
    });
  }
  return ips.map((ip) => listenAddress(ip, port));
}
