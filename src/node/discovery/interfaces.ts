/** Which interfaces discovery uses, and which addresses are theirs. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { hasHardwareAddress, isLinkLocal, isPhysicalName } from '../link/interfaces.ts';

/** One usable interface: it is up and has an address to send from. */
export interface LocalInterface {
  readonly name: string;
  /** The address that multicast leaves from: IPv4, or IPv6 where there is no IPv4. */
  readonly address: string;
  /** True for the loopback interface. */
  readonly internal: boolean;
  /** All its own addresses, IPv4 and IPv6, as the system writes them. */
  readonly own: ReadonlySet<string>;
  /** The subnets of all its addresses. */
  readonly subnets: BlockList;
}

const PRIVATE = new BlockList();
PRIVATE.addSubnet('10.0.0.0', 8);
PRIVATE.addSubnet('172.16.0.0', 12);
PRIVATE.addSubnet('192.168.0.0', 16);
PRIVATE.addSubnet('169.254.0.0', 16);
PRIVATE.addSubnet('fc00::', 7, 'ipv6');

/** Addresses that no peer can be reached at: unspecified, multicast, reserved, IPv4 inside IPv6, link-local IPv6. */
const NOBODY = new BlockList();
NOBODY.addSubnet('0.0.0.0', 8);
NOBODY.addSubnet('224.0.0.0', 3);
NOBODY.addAddress('::', 'ipv6');
NOBODY.addSubnet('ff00::', 8, 'ipv6');
NOBODY.addSubnet('64:ff9b::', 96, 'ipv6');
/** `@libp2p/tcp` dials without a zone, so fe80::/10 leads nowhere. */
NOBODY.addSubnet('fe80::', 10, 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** BlockList compares an IPv4-mapped IPv6 address with IPv4 rules; such addresses are refused before. */
const MAPPED = /^::ffff:/i;

function contains(list: BlockList, ip: string): boolean {
  return list.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6');
}

/** True when a peer on that interface may be reached at that address: on its subnets, or private. */
export function isReachableOn(local: LocalInterface, ip: string): boolean {
  if (!(isIPv4(ip) || isIPv6(ip)) || MAPPED.test(ip) || contains(NOBODY, ip)) return false;
  if (contains(LOOPBACK, ip)) return local.internal;
  return contains(local.subnets, ip) || contains(PRIVATE, ip);
}

/** True when a packet from that address can have come in by that interface (RFC 6762, section 11). */
export function isOnLink(local: LocalInterface, source: string): boolean {
  const { ip, zone } = withoutZone(source);
  // A link-local sender is on the link that the system says it came in by.
  if (zone !== undefined && zone !== local.name) return false;
  if (!(isIPv4(ip) || isIPv6(ip)) || MAPPED.test(ip) || isIPv4(ip) !== isIPv4(local.address)) return false;
  return local.own.has(ip) || contains(local.subnets, ip);
}

/** An address as a socket tells it, such as `fe80::7%eth0`, in its parts. */
export function withoutZone(source: string): { readonly ip: string; readonly zone: string | undefined } {
  const [ip = '', zone] = source.split('%', 2);
  return { ip, zone };
}

function localInterface(name: string, infos: readonly NetworkInterfaceInfo[]): LocalInterface | undefined {
  const ip4 = infos.filter((info) => info.family === 'IPv4');
  // An address that the machine gave itself is only taken where nobody has given it another.
  // An IPv6 link-local address alone is of no use: nobody could dial it.
  const ip6 = infos.find((info) => info.family === 'IPv6' && !isLinkLocal(info.address));
  const address = (ip4.find((info) => !isLinkLocal(info.address)) ?? ip4[0] ?? ip6)?.address;
  if (address === undefined) return undefined;
  const subnets = new BlockList();
  for (const info of infos) {
    const prefix = Number(info.cidr?.split('/')[1] ?? Number.NaN);
    // A subnet with prefix 0 would be the whole internet: then nobody is a neighbour.
    if (prefix > 0) subnets.addSubnet(info.address, prefix, info.family === 'IPv4' ? 'ipv4' : 'ipv6');
  }
  return {
    name,
    address,
    internal: infos.some((info) => info.internal),
    own: new Set(infos.map((info) => info.address)),
    subnets,
  };
}

/** What there is of the interfaces wanted. */
export interface ChosenInterfaces {
  readonly usable: LocalInterface[];
  /** Names that were asked for and are absent, down, or have no address to send from. */
  readonly missing: string[];
}

function isPhysical(name: string, infos: readonly NetworkInterfaceInfo[]): boolean {
  return isPhysicalName(name) && hasHardwareAddress(infos) && !infos.some((info) => info.internal);
}

/** The interfaces named, or without names the physical ones. */
export function chooseInterfaces(
  system: NodeJS.Dict<NetworkInterfaceInfo[]>,
  names: readonly string[],
): ChosenInterfaces {
  const wanted =
    names.length > 0 ? [...new Set(names)] : Object.keys(system).filter((name) => isPhysical(name, system[name] ?? []));
  const usable: LocalInterface[] = [];
  const missing: string[] = [];
  for (const name of wanted) {
    const local = localInterface(name, system[name] ?? []);
    if (local !== undefined) usable.push(local);
    else if (names.length > 0) missing.push(name);
  }
  return { usable, missing };
}
