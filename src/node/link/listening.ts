import { createServer } from 'node:net';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../log.ts';
import { isLinkLocal, type LocalLink } from './interfaces.ts';

/** One place where a node listens. */
interface Listener {
  getAddrs(): Multiaddr[];
  close(): Promise<void>;
}

/** The part of libp2p's transport manager that opens and closes listeners while the node runs. */
export interface Transports {
  listen(addresses: Multiaddr[]): Promise<void>;
  getListeners(): Listener[];
}

/** The addresses to listen at on the interfaces named: IPv4; IPv6 on one that has no IPv4. No IPv6 link-local ones. */
export function addressesOf(links: readonly LocalLink[], names: readonly string[]): string[] {
  const named = links.filter((link) => names.includes(link.name));
  const ips = named.flatMap((link) => {
    const all = link.addresses.map(({ ip }) => ip);
    const ip4 = all.filter((ip) => !ip.includes(':'));
    return ip4.length > 0 ? ip4 : all.filter((ip) => !isLinkLocal(ip));
  });
  return [...new Set(ips)];
}

export function listenAddress(ip: string, port: number): string {
  return `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${port}`;
}

function ipAndPortOf(listener: Listener): { ip: string; port: number } | undefined {
  const [, ip, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(listener.getAddrs()[0]?.toString() ?? '') ?? [];
  return ip === undefined ? undefined : { ip, port: Number(port) };
}

/**
 * Listens at the addresses that the named interfaces have now: at new ones on the port used so far, or on a free one
 * where that is taken, and no more at those that are gone. Returns whether anything changed. An address that cannot be
 * listened at is logged, and tried again at the next call.
 */
export async function followInterfaces(
  transports: Transports,
  links: readonly LocalLink[],
  names: readonly string[],
  lastPort: number,
  log: Log,
): Promise<boolean> {
  const listening = transports.getListeners().map((listener) => ({ listener, at: ipAndPortOf(listener) }));
  const port = listening.find(({ at }) => at !== undefined)?.at?.port ?? lastPort;
  const wanted = addressesOf(links, names);
  const missing = wanted.filter((ip) => !listening.some(({ at }) => at?.ip === ip));
  const gone = listening.filter(({ at }) => at !== undefined && !wanted.includes(at.ip));
  let changed = false;
  for (const ip of missing) changed = (await listenAt(transports, ip, port, log)) || changed;
  for (const { listener, at } of gone) {
    await listener.close();
    log.info({ address: at?.ip }, 'listens no more at an address that this machine has lost');
    changed = true;
  }
  return changed;
}

/** True when that address and port can be listened at. libp2p would keep a listener that failed, for ever. */
function isFree(ip: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host: ip, port }, () => server.close(() => resolve(true)));
  });
}

async function listenAt(transports: Transports, ip: string, port: number, log: Log): Promise<boolean> {
  const freePort = (await isFree(ip, port)) ? port : (await isFree(ip, 0)) ? 0 : undefined;
  if (freePort === undefined) {
    log.warn({ address: ip }, 'cannot listen at a new address yet');
    return false;
  }
  try {
    await transports.listen([multiaddr(listenAddress(ip, freePort))]);
    if (freePort === port) log.info({ address: ip, port }, 'listens at a new address');
    else log.warn({ address: ip }, 'listens at a new address on another port, for its own is taken there');
    return true;
  } catch (error) {
    log.warn({ address: ip, error: messageOf(error).split('\n')[0] }, 'cannot listen at a new address');
    return false;
  }
}
