import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { ipOf } from './subnets.ts';

/** Speed of the interface that an asker's connection arrives at, in Mbit/s; 0 where it is not known. */
export type LinkSpeed = (address: string | undefined) => number;

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Linux tells it in /sys; elsewhere, behind a router, and for virtual interfaces it is not known. */
export function linkSpeedOf(
  interfaces: () => Interfaces = networkInterfaces,
  readSpeed: (name: string) => string = (name) => readFileSync(`/sys/class/net/${name}/speed`, 'utf8'),
): LinkSpeed {
  return (address) => {
    const ip = address === undefined ? undefined : ipOf(address);
    const name = ip === undefined ? undefined : interfaceTowards(ip, interfaces());
    if (name === undefined) return 0;
    try {
      const mbps = Number(readSpeed(name));
      return Number.isSafeInteger(mbps) && mbps > 0 ? mbps : 0;
    } catch {
      // An interface that does not know its speed cannot be read.
      return 0;
    }
  };
}

/** The interface on whose subnet an address lies. */
function interfaceTowards(ip: string, interfaces: Interfaces): string | undefined {
  const family = isIP(ip) === 6 ? 'ipv6' : 'ipv4';
  for (const [name, addresses] of Object.entries(interfaces)) {
    for (const { cidr, internal } of addresses ?? []) {
      const [net, bits] = cidr?.split('/') ?? [];
      if (internal || !net || (isIP(net) === 6 ? 'ipv6' : 'ipv4') !== family) continue;
      const list = new BlockList();
      list.addSubnet(net, Number(bits), family);
      if (list.check(ip, family)) return name;
    }
  }
  return undefined;
}
