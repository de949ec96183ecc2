import { BlockList, isIP } from 'node:net';
import { ResettleError } from '../../../common/errors.ts';

/** Which askers a point serves, by the address that their connection comes from. */
export interface Subnets {
  /** As they were given; empty: everybody is served. */
  readonly texts: readonly string[];
  /** Of a multiaddr; undefined is this machine itself. */
  serves(address: string | undefined): boolean;
}

/** Reads subnets such as `192.168.7.0/24` and `fd00::/8`. Throws `usage`. */
export function parseSubnets(texts: readonly string[]): Subnets {
  const list = new BlockList();
  for (const text of texts) addSubnet(list, text);
  return {
    texts,
    serves(address) {
      if (texts.length === 0 || address === undefined) return true;
      const ip = ipOf(address);
      return ip !== undefined && list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

function addSubnet(list: BlockList, text: string): void {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const family = isIP(address);
  const bits = Number(prefix);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix) || bits > (family === 6 ? 128 : 32)) {
    throw new ResettleError('usage', `not a subnet: ${JSON.stringify(text)}`, {
      hint: 'write a subnet as 192.168.7.0/24 or fd00::/8',
    });
  }
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
}

/** The IP address that a multiaddr begins with, an IPv4 address in IPv6 clothes as IPv4; undefined where it has none. */
export function ipOf(address: string): string | undefined {
  const [, protocol, text = ''] = address.split('/');
  if ((protocol !== 'ip4' && protocol !== 'ip6') || isIP(text) === 0) return undefined;
  return /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(text)?.[1] ?? text;
}
