import type { Clock } from '../../common/clock.ts';
import type { Log } from '../log.ts';
import { type AddressChange, AddressWatch } from './address-watch.ts';
import type { LocalLink } from './interfaces.ts';
import type { Link } from './libp2p-node.ts';
import { followInterfaces } from './listening.ts';
import { StaleConnections } from './stale-connections.ts';

export interface WatchOptions {
  /** The interfaces to listen on as they come and go; none where it listens at given addresses, or everywhere. */
  readonly follow: ((links: readonly LocalLink[]) => readonly string[]) | undefined;
  readonly port: number;
  readonly log: Log;
  readonly clock: Clock;
}

/** A node that follows the addresses of its machine. */
export interface WatchedAddresses {
  readonly watch: AddressWatch;
  /** A peer tells of itself at these addresses. */
  heardAt(peerId: string, addresses: readonly string[]): void;
}

/** Listens where the interfaces are now, and finds the connections that a changed address has killed. */
export function watchAddresses(link: Link, { follow, log, clock, ...rest }: WatchOptions): WatchedAddresses {
  const stale = new StaleConnections({ connections: () => link.getConnections(), log, clock });
  link.addEventListener('connection:open', ({ detail }) => void stale.opened(detail));
  let port = rest.port;
  const onLook = async ({ links, lost }: AddressChange): Promise<void> => {
    port = Number(/\/tcp\/(\d+)/.exec(link.getMultiaddrs()[0]?.toString() ?? '')?.[1] ?? port);
    if (follow) await followInterfaces(link.services.transports, links, follow(links), port, log);
    if (lost.length > 0) void stale.addressLost();
  };
  const watch = new AddressWatch({ log, onLook });
  watch.start();
  return { watch, heardAt: (peerId, addresses) => void stale.heardAt(peerId, addresses) };
}
