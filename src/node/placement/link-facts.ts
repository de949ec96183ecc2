import { localLinks, sameSubnet } from '../link/interfaces.ts';

/** What this machine knows of its own links. */
export interface LinkFacts {
  /** Whether that multiaddr lies in a subnet of this machine's. */
  sameSubnet(address: string): boolean;
  /** Speed of the interface that leads to that multiaddr, in Mbit/s; 0 where it is not known. */
  mbps(address: string): number;
}

/** As the system tells it now: interfaces come and go. */
export function linkFactsOf(links = localLinks): LinkFacts {
  return {
    sameSubnet: (address) => sameSubnet(address, links()) !== undefined,
    mbps: (address) => sameSubnet(address, links())?.speedMbps ?? 0,
  };
}

/** Where nothing is known, all points are alike. */
export const NO_LINK_FACTS: LinkFacts = { sameSubnet: () => true, mbps: () => 0 };
