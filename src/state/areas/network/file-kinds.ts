import { basename, dirname } from 'node:path/posix';
import type { PrivilegedEffect } from '../base/types.ts';
import type { Fit, StaticAddress } from './fit.ts';
import { fitInterfaces, interfacesAddresses, isOnlyLoopback, parseInterfaces } from './ifupdown.ts';
import { KeyLines } from './key-lines.ts';
import { fitConnection, parseConnection, staticAddressesOf } from './keyfile.ts';
import { fitNetplan } from './netplan.ts';
import { netplanAddresses, parseNetplan } from './netplan-document.ts';
import { fitNetworkd, networkdAddresses, parseNetworkd } from './networkd.ts';
import {
  fitDnsmasq,
  fitNamingRules,
  fitPlain,
  fitResolvConf,
  fitWireguard,
  fitWpa,
  isGenerated,
  isOfCloudInit,
} from './plain-files.ts';
import type { Manager } from './schema.ts';

/** One kind of file that says how a machine is on the network. */
export interface FileKind {
  /** Of its items' ids: `connection:Office.nmconnection`. */
  readonly kind: string;
  /** For people. */
  readonly noun: string;
  /** Where its files stand; the names of items begin there. */
  readonly folder: string;
  /** Beneath `folder`; a pattern without `/` is of the folder itself. */
  readonly pattern: RegExp;
  readonly fit: Fit;
  /** It holds secrets: root's, and nobody else may read it, whatever it was. */
  readonly isSecret?: true;
  /** Without it the file says nothing. */
  readonly manager?: Manager;
  /** Folders beneath `folder` that are gone into, at any depth. */
  readonly subfolders?: RegExp;
  /** Files of packages are not carried. */
  readonly ownOnly?: true;
  /** Whether there is nothing in it to carry: what an installation brings, or what a program writes anew. */
  readonly isNothing?: (text: string) => boolean;
  readonly addressesIn?: (text: string) => StaticAddress[];
}

const LEFTOVER = String.raw`(?!.*(?:~|\.bak|\.swp|\.dpkg-\w+|\.rpm\w+|\.ucf-\w+)$)`;
const name = (end: string): RegExp => new RegExp(`^${LEFTOVER}[^/.][^/]*${end}$`);
const hooks = (kind: string, noun: string, folder: string, subfolders: RegExp, pattern: RegExp): FileKind => ({
  kind,
  noun,
  folder,
  subfolders,
  pattern,
  fit: fitPlain('root-runs'),
  ownOnly: true,
});
/** Settings of a daemon: its file, and drop-ins beside it. */
const settings = (kind: string, noun: string, file: string, effect: PrivilegedEffect): FileKind => {
  const [folder, own] = [dirname(file), basename(file)];
  const dropIns = own === 'NetworkManager.conf' ? 'conf.d' : `${own}.d`;
  return {
    kind,
    noun,
    folder,
    subfolders: new RegExp(`^${dropIns}$`),
    pattern: new RegExp(`^(?:${own}|${dropIns}/${LEFTOVER}[^/.][^/]*\\.conf)$`),
    fit: fitPlain(effect),
    isNothing: (text) => KeyLines.parse(text).lines.length === 0,
  };
};

/** In the order in which they are planned. */
export const FILE_KINDS: readonly FileKind[] = [
  {
    kind: 'connection',
    noun: 'Connection',
    folder: '/etc/NetworkManager/system-connections',
    pattern: name(''),
    fit: fitConnection,
    manager: 'NetworkManager',
    addressesIn: (text) => {
      const connection = parseConnection(text);
      return typeof connection === 'string' ? [] : staticAddressesOf(connection);
    },
    isSecret: true,
  },
  {
    kind: 'netplan',
    noun: 'netplan file',
    folder: '/etc/netplan',
    pattern: name(String.raw`\.yaml`),
    fit: fitNetplan,
    manager: 'netplan',
    isNothing: isOfCloudInit,
    addressesIn: (text) => {
      const document = parseNetplan(text);
      return typeof document === 'string' ? [] : netplanAddresses(document);
    },
    isSecret: true,
  },
  {
    kind: 'interfaces',
    noun: 'ifupdown file',
    folder: '/etc/network',
    pattern: new RegExp(`^(?:interfaces|interfaces\\.d/${LEFTOVER}[\\w-][\\w.-]*)$`),
    subfolders: /^interfaces\.d$/,
    fit: fitInterfaces,
    manager: 'ifupdown',
    isNothing: (text) => isOfCloudInit(text) || isOnlyLoopback(parseInterfaces(text)),
    addressesIn: (text) => interfacesAddresses(parseInterfaces(text)),
  },
  {
    kind: 'networkd',
    noun: 'systemd-networkd file',
    folder: '/etc/systemd/network',
    pattern: /^[^/.][^/]*\.(?:network|netdev|link)(?:\.d\/[^/]+\.conf)?$/,
    subfolders: /\.(?:network|netdev|link)\.d$/,
    fit: fitNetworkd,
    manager: 'systemd-networkd',
    isNothing: isOfCloudInit,
    addressesIn: (text) => networkdAddresses(parseNetworkd(text)),
  },
  {
    kind: 'wpa',
    noun: 'Wi-Fi file',
    folder: '/etc/wpa_supplicant',
    pattern: name(String.raw`\.conf`),
    fit: fitWpa,
    isSecret: true,
  },
  {
    kind: 'wireguard',
    noun: 'WireGuard tunnel',
    folder: '/etc/wireguard',
    pattern: name(String.raw`\.conf`),
    fit: fitWireguard,
    isSecret: true,
  },
  {
    kind: 'openvpn',
    noun: 'OpenVPN file',
    folder: '/etc/openvpn',
    subfolders: /^(?:client|server)$/,
    pattern: /^(?!update-resolv-conf$)(?:(?:client|server)\/)?[^/.][^/]*$/,
    fit: fitPlain('root-runs'),
    ownOnly: true,
  },
  settings('nm-settings', 'NetworkManager settings', '/etc/NetworkManager/NetworkManager.conf', 'network'),
  {
    kind: 'dnsmasq',
    noun: 'name server settings',
    folder: '/etc/NetworkManager',
    subfolders: /^dnsmasq(?:-shared)?\.d$/,
    pattern: /^dnsmasq(?:-shared)?\.d\/[^/.][^/]*$/,
    fit: fitDnsmasq,
  },
  settings('networkd-settings', 'systemd-networkd settings', '/etc/systemd/networkd.conf', 'network'),
  settings('resolved', 'systemd-resolved settings', '/etc/systemd/resolved.conf', 'name-resolution'),
  {
    kind: 'resolver',
    noun: 'Name servers',
    folder: '/etc',
    pattern: /^resolv\.conf$/,
    fit: fitResolvConf,
    isNothing: isGenerated,
  },
  {
    kind: 'adapter-names',
    noun: 'Names of adapters',
    folder: '/etc/udev/rules.d',
    pattern: /^\d+-persistent-(?:net|cd-net)[^/]*\.rules$/,
    fit: fitNamingRules,
  },
  hooks(
    'dispatcher',
    'NetworkManager script',
    '/etc/NetworkManager',
    /^(?:dispatcher|pre-up|pre-down|no-wait)\.d$/,
    new RegExp(`^dispatcher\\.d/(?:(?:pre-up|pre-down|no-wait)\\.d/)?${LEFTOVER}[^/.][^/]*$`),
  ),
  hooks(
    'network-script',
    'ifupdown script',
    '/etc/network',
    /^if-[\w-]+\.d$/,
    /^if-(?:pre-up|up|down|post-down)\.d\/[\w-]+$/,
  ),
  hooks(
    'networkd-dispatcher',
    'networkd-dispatcher script',
    '/etc/networkd-dispatcher',
    /^[a-z-]+\.d$/,
    /^(?:routable|dormant|no-carrier|off|carrier|degraded|configuring|configured)\.d\/[^/.][^/]*$/,
  ),
];

/** Every path that the area may change; `fit` and `kindOf` are closer. */
export const NETWORK_WRITES: readonly string[] = [
  '/etc/NetworkManager',
  '/etc/netplan',
  '/etc/network',
  '/etc/systemd',
  '/etc/systemd/network',
  '/etc/systemd/networkd.conf.d',
  '/etc/systemd/resolved.conf.d',
  '/etc/wpa_supplicant',
  '/etc/wireguard',
  '/etc/openvpn',
  '/etc/udev/rules.d',
  '/etc/networkd-dispatcher',
  '/etc/NetworkManager/**',
  '/etc/netplan/*.yaml',
  '/etc/network/**',
  '/etc/systemd/network/**',
  '/etc/wpa_supplicant/*.conf',
  '/etc/wireguard/*.conf',
  '/etc/openvpn/**',
  '/etc/systemd/networkd.conf',
  '/etc/systemd/networkd.conf.d/*.conf',
  '/etc/systemd/resolved.conf',
  '/etc/systemd/resolved.conf.d/*.conf',
  '/etc/resolv.conf',
  '/etc/udev/rules.d/*.rules',
  '/etc/networkd-dispatcher/**',
];

/** The kind of a path and its item's name; undefined: nothing that this area takes. */
export function kindOf(
  path: string,
): { readonly kind: FileKind; readonly name: string; readonly id: string } | undefined {
  for (const kind of FILE_KINDS) {
    if (!path.startsWith(`${kind.folder}/`)) continue;
    const within = path.slice(kind.folder.length + 1);
    if (kind.pattern.test(within)) return { kind, name: within, id: `${kind.kind}:${within}` };
  }
  return undefined;
}
