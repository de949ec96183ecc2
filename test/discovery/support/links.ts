/** Machines made up for tests: interfaces, and what their system says of them. */
import type { NetworkInterfaceInfo } from 'node:os';
import type { InterfaceSource, LocalLink } from '../../../src/node/link/interfaces.ts';

/** An interface that is up and in use; what is given wins. */
export function link(name: string, cidrs: readonly string[], more: Partial<LocalLink> = {}): LocalLink {
  return {
    name,
    kind: 'wired',
    isUp: true,
    hasCarrier: true,
    canMulticast: true,
    speedMbps: undefined,
    master: undefined,
    addresses: cidrs.map((cidr) => {
      const [ip, bits] = cidr.split('/') as [string, string];
      return { ip, prefixBits: Number(bits) };
    }),
    ...more,
  };
}

export function info(cidr: string, mac = '02:00:00:00:00:07'): NetworkInterfaceInfo {
  const address = cidr.split('/')[0]!;
  const internal = address.startsWith('127.') || address === '::1';
  const common = { address, cidr, internal, netmask: '', mac: internal ? '00:00:00:00:00:00' : mac };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

/** A system with files under /sys/class/net, and links there whose names end in `@`. */
export function source(
  infos: Record<string, NetworkInterfaceInfo[]>,
  files: Record<string, Record<string, string>>,
): InterfaceSource {
  return {
    networkInterfaces: () => infos,
    names: () => Object.keys(files),
    read: (name, file) => files[name]?.[file],
    target: (name, file) => files[name]?.[`${file}@`],
  };
}
