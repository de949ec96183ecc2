import type { Address } from '@libp2p/interface';
import type { Clock } from '../../common/clock.ts';
import { ipOf, type LocalLink, sameSubnet } from './interfaces.ts';

/** The interfaces are looked at once for all addresses of a dial, not once for each comparison. */
const LOOK_AGAIN_MS = 1000;

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

/** Order in which a peer's addresses are dialled: nearest first, where libp2p would begin with public ones. */
export function addressSorter(links: () => readonly LocalLink[], clock: Clock): (a: Address, b: Address) => -1 | 0 | 1 {
  let known: readonly LocalLink[] = [];
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return (a, b) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedAtMs > LOOK_AGAIN_MS) {
      known = links();
      lookedAtMs = nowMs;
    }
    const difference = nearnessOf(a.multiaddr.toString(), known) - nearnessOf(b.multiaddr.toString(), known);
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
  };
}
