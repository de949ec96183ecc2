import { HostsFile, type HostsLine } from './hosts-file.ts';
import { OWN_ADDRESS } from './own-name.ts';

/** A hosts file whose line of the machine's own name says another one; undefined where that needs no change. */
export function renamedHosts(
  text: string,
  from: string | undefined,
  to: string,
  fqdn: string | undefined,
): string | undefined {
  const hosts = HostsFile.parse(text);
  const [oldShort = '', newShort = ''] = [from?.split('.')[0], to.split('.')[0]];
  const isOwn = ({ address, hostnames }: HostsLine): boolean =>
    address === OWN_ADDRESS || (isLoopback(address) && from !== undefined && hostnames.includes(from));
  if (!hosts.lines.some(isOwn)) {
    const names = [...new Set([...(fqdn ? [fqdn] : []), to])];
    const isThere = hosts.lines.some(({ hostnames }) => hostnames.includes(to));
    return isThere ? undefined : hosts.with([{ address: OWN_ADDRESS, hostnames: names }]);
  }
  const isFull = (name: string): boolean => name.startsWith(`${oldShort}.`);
  const renamed = hosts.rename((name, line) => {
    if (!isOwn(line) || from === undefined) return name;
    // The full name stands first, where the line has had none.
    if (name === from) return fqdn === undefined || fqdn === to || line.hostnames.some(isFull) ? to : `${fqdn} ${to}`;
    if (name === oldShort) return newShort;
    return isFull(name) ? (fqdn ?? `${newShort}${name.slice(oldShort.length)}`) : name;
  });
  return renamed === text ? undefined : renamed;
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
