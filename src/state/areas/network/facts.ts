import { isIP } from 'node:net';
import { z } from 'zod';
import { INTERFACE_NAME_MAX_CHARS } from '../../../common/limits.ts';
import type { ConfigFile } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import { readAdapters } from './adapters.ts';
import { maskOf } from './addresses.ts';
import { kindOf } from './file-kinds.ts';
import { readFiles } from './network-files.ts';
import type { Gateway, InterfaceAddress, NetworkFacts } from './schema.ts';

/** `ip -j addr`: of it what is used here. */
const ipAddresses = z.array(
  z.object({
    ifname: z.string().default(''),
    addr_info: z
      .array(
        z.object({
          local: z.string().default(''),
          prefixlen: z.number().default(0),
          scope: z.string().default(''),
          dynamic: z.boolean().default(false),
        }),
      )
      .default([]),
  }),
);
const ipRoutes = z.array(z.object({ gateway: z.string().optional(), dev: z.string().default('') }));

/** What the running machine has by now, or what its files give it where it does not run. */
export function readFacts(
  system: System,
  couldNot: CouldNot[] = [],
  files: readonly ConfigFile[] = system.isLive ? [] : readFiles(system, []),
): NetworkFacts {
  const resolver = readResolver(system);
  if (!system.isLive) return { ...factsOfFiles(files), ...resolver };
  return {
    adapters: readAdapters(system),
    addresses: readAddresses(system, couldNot),
    gateways: readGateways(system),
    ...resolver,
  };
}

function readAddresses(system: System, couldNot: CouldNot[]): InterfaceAddress[] {
  const found = ipAddresses.safeParse(jsonOf(system.run('ip', ['-j', 'addr'])?.stdout));
  if (!found.success) {
    couldNot.push({ what: 'addresses of this machine', why: 'the program ip did not tell; install iproute2' });
    return [];
  }
  return found.data.flatMap(({ ifname, addr_info }) =>
    addr_info
      .filter(({ scope, local }) => scope === 'global' && isIP(local) !== 0)
      .map(({ local, prefixlen, dynamic }): InterfaceAddress => {
        const isV4 = isIP(local) === 4;
        const type = !dynamic ? 'manual' : isV4 ? 'dhcp' : 'auto';
        return {
          interface: ifname.slice(0, INTERFACE_NAME_MAX_CHARS),
          address: local,
          mask: maskOf(isV4, prefixlen),
          type,
        };
      }),
  );
}

export function readGateways(system: System): Gateway[] {
  return [
    ['-j', 'route', 'show', 'default'],
    ['-j', '-6', 'route', 'show', 'default'],
  ].flatMap((args) => {
    const routes = ipRoutes.safeParse(jsonOf(system.run('ip', args)?.stdout));
    return (routes.data ?? []).flatMap(({ gateway, dev }) =>
      gateway && isIP(gateway) ? [{ interface: dev.slice(0, INTERFACE_NAME_MAX_CHARS), gateway }] : [],
    );
  });
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text?.trim() || '[]');
  } catch {
    return undefined;
  }
}

/** systemd-resolved's stub tells of itself only; what it asks stands beside. */
const UPLINKS = '/run/systemd/resolve/resolv.conf';

function readResolver(system: System): Pick<NetworkFacts, 'nameservers' | 'domain'> {
  const own = system.text('/etc/resolv.conf') ?? '';
  const text = (/^nameserver\s+127\.0\.0\.53[^\S\n]*$/m.test(own) && system.text(UPLINKS)) || own;
  const nameservers = Array.from(text.matchAll(/^[^\S\n]*nameserver\s+(\S+)/gm), ([, address]) =>
    (address ?? '').slice(0, 100),
  );
  const domain = /^[^\S\n]*(?:search|domain)\s+(\S+)/m.exec(text)?.[1];
  return { nameservers: nameservers.slice(0, 100), ...(domain && domain !== '.' && { domain: domain.slice(0, 255) }) };
}

function factsOfFiles(files: readonly ConfigFile[]): Pick<NetworkFacts, 'adapters' | 'addresses' | 'gateways'> {
  const found = files.flatMap(({ path, text = '' }) => kindOf(path)?.kind.addressesIn?.(text) ?? []);
  const named = found.map((one) => ({ ...one, interface: one.interface.slice(0, 64) }));
  return {
    adapters: [],
    addresses: named
      .filter(({ address, mask }) => isIP(address) && mask !== '')
      .map(({ interface: name, address, mask }) => ({ interface: name, address, mask, type: 'manual' as const })),
    gateways: named.flatMap(({ interface: name, gateway = '' }) =>
      isIP(gateway) ? [{ interface: name, gateway }] : [],
    ),
  };
}
