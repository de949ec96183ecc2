/** What this machine knows of its own links. */
export interface LinkFacts {
  /** Whether that multiaddr lies in a subnet of this machine's. */
  sameSubnet(address: string): boolean;
  /** Speed of the interface that leads to that multiaddr, in Mbit/s; 0 where it is not known. */
  mbps(address: string): number;
}

/** Where nothing is known, all points are alike. */
export const NO_LINK_FACTS: LinkFacts = { sameSubnet: () => true, mbps: () => 0 };
