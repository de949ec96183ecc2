import { addressesByName, type HostsFile, type HostsLine } from './hosts-file.ts';
import type { HostnameContent } from './schema.ts';

/** Own lines of one address; of all, where there are too many to be told one by one. */
export interface HostsGroup {
  readonly id: string;
  readonly title: string;
  readonly lines: readonly HostsLine[];
}

const ADDRESSES_MAX = 100;
const ALL = 'all';

export function groupsOf({ hosts }: HostnameContent): HostsGroup[] {
  const byAddress = Map.groupBy(hosts, ({ address }) => address);
  const groups = byAddress.size > ADDRESSES_MAX ? new Map([[ALL, hosts]]) : byAddress;
  return [...groups].map(([address, lines]) => {
    const count = lines.reduce((sum, { hostnames }) => sum + hostnames.length, 0);
    const names = lines.flatMap(({ hostnames }) => hostnames).slice(0, 3);
    const what = count > names.length ? `${names.join(', ')} and ${count - names.length} more` : names.join(', ');
    const title = address === ALL ? `Hosts: ${byAddress.size} addresses` : `Hosts: ${what} at ${address}`;
    return { id: `hosts:${address}`, title, lines };
  });
}

/** What of a group a hosts file lacks, and names of it that lead elsewhere there; other addresses of the source's are no elsewhere. */
export function compareHosts(
  group: HostsGroup,
  { hosts }: HostnameContent,
  file: HostsFile,
): { missing: HostsLine[]; elsewhere: string[] } {
  const known = file.addressesByName();
  const claimed = addressesByName(hosts);
  const elsewhere: string[] = [];
  const missing = group.lines.flatMap((line): HostsLine[] => {
    const lacking = line.hostnames.filter((name) => {
      const [here, there] = [known.get(name.toLowerCase()), claimed.get(name.toLowerCase())];
      if (here?.has(line.address)) return false;
      const isTaken = [...(here ?? [])].some((one) => isSixth(one) === isSixth(line.address) && !there?.has(one));
      if (isTaken) elsewhere.push(name);
      return !isTaken;
    });
    return lacking.length > 0 ? [{ ...line, hostnames: lacking }] : [];
  });
  return { missing, elsewhere };
}

const isSixth = (address: string): boolean => address.includes(':');
