import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { readHostKeys } from './host-keys.ts';
import { HostsFile, isHostName } from './hosts-file.ts';
import { fqdnOf, hostnameOf, ownLines } from './own-name.ts';
import type { HostnameContent } from './schema.ts';

export function captureHostname(system: System): Captured<HostnameContent> | undefined {
  const couldNot: CouldNot[] = [];
  const hostname = hostnameOf(system);
  const fqdn = fqdnOf(system, hostname);
  const hosts = HostsFile.parse(system.text('/etc/hosts') ?? '');
  for (const line of hosts.badLines.slice(0, 20)) {
    couldNot.push({ what: `line ${line} of /etc/hosts`, why: 'it is no address with names' });
  }
  const mailname = system.text('/etc/mailname')?.trim();
  const machineInfo = system.text('/etc/machine-info');
  const hostKeys = readHostKeys(system, couldNot);
  const lines = ownLines(hosts, hostname);
  if (hostname === undefined && lines.length === 0 && hostKeys.length === 0) return undefined;
  return {
    content: {
      ...(hostname !== undefined && { hostname }),
      ...(fqdn !== undefined && { fqdn }),
      ...(mailname && isHostName(mailname) && { mailname }),
      ...(machineInfo?.trim() && { machineInfo }),
      hosts: lines.map(({ comment, ...line }) => ({
        ...line,
        hostnames: [...line.hostnames],
        ...(comment && { comment }),
      })),
      hostKeys,
    },
    couldNot,
  };
}
