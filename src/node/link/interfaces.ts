/** This machine's network interfaces: what leads where, how fast, and whether it is up. Linux's /sys says the most. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { basename } from 'node:path';
import type { Clock } from '../../common/clock.ts';

/** What an interface is: a cable, a radio, this machine alone, or a container's, a bridge's, a tunnel's end. */
export type InterfaceKind = 'wired' | 'radio' | 'loopback' | 'virtual';

export interface InterfaceAddress {
  readonly ip: string;
  /** Bits of the subnet's prefix: 24 for 192.168.1.7/24. */
  readonly prefixBits: number;
}

/** One interface, also one that is down or has no address. What the system does not tell is undefined. */
export interface LocalLink {
  readonly name: string;
  readonly kind: InterfaceKind;
  /** Switched on. */
  readonly isUp: boolean;
  /** Something is at the other end: a cable's other end, an access point. */
  readonly hasCarrier: boolean | undefined;
  readonly canMulticast: boolean | undefined;
  /** Megabits a second; undefined for most radios, and where it is not known. */
  readonly speedMbps: number | undefined;
  /** The bridge or bond that it is a part of: then that one has the address. */
  readonly master: string | undefined;
  readonly addresses: readonly InterfaceAddress[];
}

/** Where the system's answers come from; a parameter, so that tests can make machines up. */
export interface InterfaceSource {
  networkInterfaces(): NodeJS.Dict<NetworkInterfaceInfo[]>;
  /** Names in /sys/class/net; empty where there is no such thing. */
  names(): readonly string[];
  /** The text of /sys/class/net/NAME/FILE without the line's end, or undefined. */
  read(name: string, file: string): string | undefined;
  /** The last part of what the link /sys/class/net/NAME/FILE points to, or undefined. */
  target(name: string, file: string): string | undefined;
}

const SYS = '/sys/class/net';
const REMEMBERED_MS = 1000;

function orUndefined<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined; // Absent, or the driver does not say: both mean that it is not known.
  }
}

export const systemInterfaces: InterfaceSource = {
  networkInterfaces,
  names: () => orUndefined(() => readdirSync(SYS)) ?? [],
  read: (name, file) => orUndefined(() => readFileSync(`${SYS}/${name}/${file}`, 'utf8').trim()),
  target: (name, file) => orUndefined(() => basename(readlinkSync(`${SYS}/${name}/${file}`))),
};

/** Names of interfaces that lead to no cable and no radio: containers, tunnels, bridges, virtual machines. */
const VIRTUAL =
  /^(lo\d*$|docker|podman|cni|flannel|cali|cilium|kube|nerdctl|lxc|lxd|incus|veth|vnet|virbr|br-|br\d|bridge|tun|tap|utun|wg|tailscale|zt|ppp|ipsec|gif|stf|awdl|llw|ifb|dummy|vmnet|vboxnet|vethernet)/i;
const RADIO = /^(wl|wi-?fi|ath\d|wwan)/i;
/** What tunnels have in place of a hardware address. */
const NO_HARDWARE_ADDRESS = '00:00:00:00:00:00';

const FLAG_UP = 0x1;
const FLAG_LOOPBACK = 0x8;
const FLAG_MULTICAST = 0x1000;

/** True when an interface of that name is used without being named. */
export function isPhysicalName(name: string): boolean {
  return !VIRTUAL.test(name);
}

/** True for an interface that is no tunnel, whatever its name is: cables and radios have hardware addresses. */
export function hasHardwareAddress(infos: readonly NetworkInterfaceInfo[]): boolean {
  return infos.some((info) => info.mac !== NO_HARDWARE_ADDRESS);
}

function kindOf(name: string, infos: readonly NetworkInterfaceInfo[], source: InterfaceSource): InterfaceKind {
  const flags = Number(source.read(name, 'flags') ?? 0);
  if ((flags & FLAG_LOOPBACK) !== 0 || infos.some((info) => info.internal)) return 'loopback';
  if (!isPhysicalName(name)) return 'virtual';
  const hardware = source.read(name, 'address');
  if (hardware === '' || (infos.length > 0 && !hasHardwareAddress(infos))) return 'virtual';
  const isRadio = source.target(name, 'phy80211') !== undefined || RADIO.test(name);
  return isRadio ? 'radio' : 'wired';
}

function linkOf(name: string, infos: readonly NetworkInterfaceInfo[], source: InterfaceSource): LocalLink {
  const flags = source.read(name, 'flags');
  const carrier = source.read(name, 'carrier');
  const speedMbps = Number(source.read(name, 'speed') ?? Number.NaN);
  return {
    name,
    kind: kindOf(name, infos, source),
    // Where /sys is absent, only interfaces that are up are listed at all.
    isUp: flags === undefined ? infos.length > 0 : (Number(flags) & FLAG_UP) !== 0,
    hasCarrier: carrier === undefined ? undefined : carrier === '1',
    canMulticast: flags === undefined ? undefined : (Number(flags) & FLAG_MULTICAST) !== 0,
    speedMbps: speedMbps > 0 ? speedMbps : undefined,
    master: source.target(name, 'master'),
    addresses: infos.flatMap(({ address, cidr }) => {
      const prefixBits = Number(cidr?.split('/')[1] ?? Number.NaN);
      return Number.isInteger(prefixBits) ? [{ ip: address, prefixBits }] : [];
    }),
  };
}

/** All interfaces of this machine, those that are down included. Never throws; costs a few small reads of /sys each. */
export function localLinks(source: InterfaceSource = systemInterfaces): LocalLink[] {
  const infos = orUndefined(() => source.networkInterfaces()) ?? {};
  const names = new Set([...source.names(), ...Object.keys(infos)]);
  return [...names].sort().map((name) => linkOf(name, infos[name] ?? [], source));
}

/** The same, looked at once a second at most: for those who ask for every packet or every comparison. */
export function rememberedLinks(clock: Clock, source?: InterfaceSource): () => readonly LocalLink[] {
  let known: readonly LocalLink[] = [];
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedAtMs > REMEMBERED_MS) {
      known = localLinks(source);
      lookedAtMs = nowMs;
    }
    return known;
  };
}

/** The IP address in a multiaddr such as `/ip4/192.168.1.7/tcp/24717`, or in a bare address; undefined for names. */
export function ipOf(address: string): string | undefined {
  const ip = /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? address;
  return isIPv4(ip) || isIPv6(ip) ? ip : undefined;
}

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');

/** True for an address that a machine gave itself because nobody gave it one: 169.254.…, fe80:…. */
export function isLinkLocal(ip: string): boolean {
  return isWithin(LINK_LOCAL, ip);
}

/** BlockList takes an IPv4 address inside IPv6 for the IPv4 one, which no interface has: such text is nobody's. */
function isWithin(list: BlockList, ip: string): boolean {
  if (isIPv4(ip)) return list.check(ip, 'ipv4');
  return isIPv6(ip) && !/^::ffff:/i.test(ip) && list.check(ip, 'ipv6');
}

function hasInSubnet(link: LocalLink, ip: string): boolean {
  return link.addresses.some((own) => {
    // A prefix of 0 would make the whole internet a neighbour.
    if (own.prefixBits === 0 || isIPv4(own.ip) !== isIPv4(ip)) return false;
    const subnet = new BlockList();
    subnet.addSubnet(own.ip, own.prefixBits, isIPv4(own.ip) ? 'ipv4' : 'ipv6');
    return isWithin(subnet, ip);
  });
}

const NEARER_FIRST: readonly InterfaceKind[] = ['loopback', 'wired', 'radio', 'virtual'];

/** The interface on whose subnet that multiaddr or IP address is, a cable before a radio; undefined when on none. */
export function sameSubnet(address: string, links: readonly LocalLink[]): LocalLink | undefined {
  const ip = ipOf(address);
  if (ip === undefined) return undefined;
  const near = links.filter((link) => hasInSubnet(link, ip));
  return NEARER_FIRST.map((kind) => near.find((link) => link.kind === kind)).find((link) => link !== undefined);
}
