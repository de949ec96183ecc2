import { networkInterfaces } from 'node:os';
import type { Address } from '@libp2p/interface';

type Interfaces = ReturnType<typeof networkInterfaces>;

function numberOfIp4(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** Smaller is tried earlier: 0 this machine, 1 same subnet by wire, 2 same subnet otherwise, 3 elsewhere. */
export function nearnessOf(address: string, interfaces: Interfaces): number {
  const ip = /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? '';
  if (ip.startsWith('127.') || ip === '::1') return 0;
  const wanted = numberOfIp4(ip);
  let nearest = 3;
  for (const [name, entries] of Object.entries(interfaces)) {
    for (const entry of entries ?? []) {
      const own = entry.family === 'IPv4' ? numberOfIp4(entry.address) : undefined;
      const mask = entry.family === 'IPv4' ? numberOfIp4(entry.netmask) : undefined;
      if (wanted === undefined || own === undefined || mask === undefined) continue;
      // >>> 0 keeps the 32 bits unsigned.
      if ((wanted & mask) >>> 0 === (own & mask) >>> 0) nearest = Math.min(nearest, name.startsWith('wl') ? 2 : 1);
    }
  }
  return nearest;
}

/** Order in which a peer's addresses are dialled: nearest first, where libp2p would begin with public ones. */
export function sortAddresses(a: Address, b: Address): -1 | 0 | 1 {
  const interfaces = networkInterfaces();
  const difference = nearnessOf(a.multiaddr.toString(), interfaces) - nearnessOf(b.multiaddr.toString(), interfaces);
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}
