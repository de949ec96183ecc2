import { ipOf, isLinkLocal, type LocalLink } from './interfaces.ts';

/** Which addresses of this machine others are told, by the interface that has them: the best group that there is. */
const TOLD: readonly (readonly LocalLink['kind'][])[] = [['wired', 'radio'], ['virtual'], ['loopback']];

/**
 * Those of the listening addresses that members shall be told in the signed record: of cables and radios, IPv4 first,
 * cables first; of the interfaces that were named, where any were. A container's or a tunnel's address is told only
 * where there is no other, and an IPv6 link-local one never: it cannot be dialled without a zone.
 *
 * @param listening multiaddrs, no 0.0.0.0
 * @param named interfaces that were named by hand; empty means none was
 */
export function addressesToTell(
  listening: readonly string[],
  links: readonly LocalLink[],
  named: readonly string[],
): string[] {
  const found = listening.flatMap((address) => {
    const ip = ipOf(address);
    if (ip === undefined || (ip.includes(':') && isLinkLocal(ip))) return [];
    const link = links.find((one) => one.addresses.some((own) => own.ip === ip));
    const kind = link?.kind ?? (ip.startsWith('127.') || ip === '::1' ? 'loopback' : 'virtual');
    return [{ address, kind, isNamed: link !== undefined && named.includes(link.name), isIp4: !ip.includes(':') }];
  });
  const mine =
    named.length > 0 && found.some(({ isNamed }) => isNamed) ? found.filter((one) => one.isNamed) : undefined;
  const told =
    mine ??
    TOLD.map((kinds) => found.filter(({ kind }) => kinds.includes(kind))).find((group) => group.length > 0) ??
    [];
  const rank = ({ kind, isIp4 }: (typeof told)[number]): number => (isIp4 ? 0 : 4) + (kind === 'wired' ? 0 : 1);
  return [...new Set(told.toSorted((a, b) => rank(a) - rank(b)).map(({ address }) => address))];
}

/**
 * Adds the 169.254.… addresses of this machine to those that libp2p says a node listens at that listens everywhere. It
 * leaves them out, and two machines joined by a cable, with nobody who gives addresses, have no others.
 */
export function withSelfAssigned(listening: readonly string[], links: readonly LocalLink[]): string[] {
  const port = listening.map((address) => /^\/ip4\/[^/]+\/tcp\/(\d+)/.exec(address)?.[1]).find((text) => text);
  if (port === undefined) return [...listening];
  const ips = links.flatMap((link) => link.addresses.map(({ ip }) => ip));
  const added = ips.filter((ip) => !ip.includes(':') && isLinkLocal(ip)).map((ip) => `/ip4/${ip}/tcp/${port}`);
  return [...new Set([...listening, ...added])];
}
