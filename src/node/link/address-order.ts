import type { Address } from '@libp2p/interface';
import { ipOf, type LocalLink, sameSubnet } from './interfaces.ts';

/** Smaller is tried earlier: 0 this machine, 1 same subnet by wire, 2 same subnet by radio, 3 the rest. */
export function nearnessOf(address: string, links: readonly LocalLink[]): number {
  const ip = ipOf(address);
  if (ip === undefined) return 3;
  if (ip.startsWith('127.') || ip === '::1') return 0;
  if (links.some((link) => link.addresses.some((own) => own.ip === ip))) return 0;
  const kind = sameSubnet(ip, links)?.kind;
  // Containers have the same subnet on every machine: such an address is hardly ever the other machine's.
  return kind === 'wired' ? 1 : kind === 'radio' ? 2 : 3;
}

/**
 * Order in which a peer's addresses are dialled: nearest first, where libp2p would begin with public ones.
 *
 * @param links asked at each comparison: give it `rememberedLinks`
 */
export function addressSorter(links: () => readonly LocalLink[]): (a: Address, b: Address) => -1 | 0 | 1 {
  return (a, b) => {
    const known = links();
    const difference = nearnessOf(a.multiaddr.toString(), known) - nearnessOf(b.multiaddr.toString(), known);
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
  };
}
