import type { System } from '../base/system.ts';
import { HostsFile, type HostsLine, isMachineName } from './hosts-file.ts';

/** A machine's name by its own word: the first line of /etc/hostname that is no comment; the kernel's where there is none. */
export function hostnameOf(system: System): string | undefined {
  const written = system.text('/etc/hostname')?.split('\n');
  const name = written?.map((line) => line.trim()).find((line) => line !== '' && !line.startsWith('#'));
  const own = name ?? (system.isLive ? system.text('/proc/sys/kernel/hostname')?.trim() : undefined);
  return own !== undefined && isMachineName(own) ? own : undefined;
}

/** The full name that /etc/hosts gives the machine itself. */
export function fqdnOf(system: System, hostname: string | undefined): string | undefined {
  if (hostname === undefined) return undefined;
  const [short = ''] = hostname.split('.');
  return HostsFile.parse(system.text('/etc/hosts') ?? '')
    .lines.filter(({ hostnames }) => hostnames.includes(hostname))
    .flatMap(({ hostnames }) => hostnames)
    .find((name) => name.startsWith(`${short}.`));
}

export const domainOf = (fqdn: string | undefined): string => (fqdn?.includes('.') ? fqdn.replace(/^[^.]*\./, '') : '');

/** What every installation writes into /etc/hosts. */
const USUAL = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost4.localdomain4',
  'localhost6',
  'localhost6.localdomain6',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
]);

/** Lines that somebody added, without the usual names and the machine's own. */
export function ownLines(hosts: HostsFile, hostname: string | undefined): HostsLine[] {
  const short = hostname?.split('.')[0];
  const isOwn = (name: string): boolean =>
    USUAL.has(name) || (short !== undefined && (name === hostname || name === short || name.startsWith(`${short}.`)));
  return hosts.lines.flatMap((line): HostsLine[] => {
    const hostnames = line.hostnames.filter((name) => !isOwn(name));
    return hostnames.length > 0 ? [{ ...line, hostnames }] : [];
  });
}

/** Debian's address for the machine's own name. */
export const OWN_ADDRESS = '127.0.1.1';
