/** Where a bulk socket is: beside the Noise connection, at the same IP addresses. */
import type { Multiaddr } from '@multiformats/multiaddr';

export interface IpAndPort {
  /** As `node:net` takes it: with the zone of a link-local address. */
  readonly ip: string;
  readonly port: number;
}

/** Undefined where it is no TCP address of an IP. */
export function ipAndPortOf(address: Multiaddr | string): IpAndPort | undefined {
  const match = /^(?:\/ip6zone\/([^/]+))?\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address.toString());
  if (!match) return undefined;
  const [, zone, ip = '', port] = match;
  return { ip: zone === undefined ? ip : `${ip}%${zone}`, port: Number(port) };
}

/** Whether both are the same machine's, however they are written: zones are names of this machine's own. */
export function isSameIp(one: string, other: string): boolean {
  return bare(one) === bare(other);
}

function bare(ip: string): string {
  return ip
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .toLowerCase();
}
