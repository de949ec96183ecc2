import type { Ed25519PrivateKey } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { ResettleError } from '../../common/errors.ts';
import type { Handlers } from '../../protocols/wire/registrar.ts';
import type { Log } from '../log.ts';
import { localLinks } from './interfaces.ts';
import { createLink, type Link } from './libp2p-node.ts';
import { addressesOf, listenAddress } from './listening.ts';

/** The port that a firewall is opened for. Where it is taken, any free one serves. */
export const DEFAULT_PORT = 24717;

/** Where a node listens and whom it is told to dial. */
export interface NetworkWish {
  /** Interface names. */
  readonly interfaces: readonly string[];
  /** Multiaddrs; empty means a port on those interfaces. */
  readonly listen: readonly string[];
  readonly peers: readonly string[];
  readonly log: Log;
}

/**
 * Starts a node that listens as it is wished, on `port` or, where that is taken, on a free one. Without interfaces it
 * listens everywhere. Throws `usage`, or `failed` where it cannot listen as it was told to.
 */
export async function startLink(
  wish: NetworkWish,
  privateKey: Ed25519PrivateKey,
  port: number,
  guard: <R extends Handlers>(registrar: R) => R,
  isMember?: (peer: string) => boolean,
): Promise<Link> {
  checkNetworkWish(wish);
  const wanted = wish.listen.length > 0 ? wish.listen : defaultListen(wish.interfaces, port);
  const attempt = async (listen: readonly string[]): Promise<Link> => {
    const link = await createLink({ privateKey, listen, guard, ...(isMember ? { isMember } : {}) });
    await link.start();
    return link;
  };
  try {
    return await attempt(wanted);
  } catch (error) {
    if (wish.listen.length > 0) {
      throw new ResettleError('failed', `cannot listen on ${wish.listen.join(', ')}`, {
        hint: "the port may be taken, or the address may not be this machine's",
        cause: error,
      });
    }
    wish.log.warn({ port }, 'the default port is taken; a free one is used, which a firewall may close');
    return attempt(defaultListen(wish.interfaces, 0));
  }
}

/** Throws `usage` for what is no multiaddr. */
export function checkAddress(option: string, address: string): void {
  try {
    multiaddr(address).getComponents();
  } catch (cause) {
    throw new ResettleError('usage', `${option} ${address} is not a multiaddr`, {
      hint: 'write an address as /ip4/192.168.1.20/tcp/24717',
      cause,
    });
  }
}

/** Throws `usage` for what is no address, `failed` for an interface that this machine does not have. */
function checkNetworkWish({ interfaces, listen, peers }: Omit<NetworkWish, 'log'>): void {
  for (const [option, addresses] of [
    ['--listen', listen],
    ['--peer', peers],
  ] as const) {
    for (const address of addresses) checkAddress(option, address);
  }
  const all = localLinks()
    .filter((link) => link.isUp)
    .map(({ name }) => name);
  const unknown = interfaces.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new ResettleError('failed', `this machine has no interface ${unknown.join(', ')}, or it is down`, {
      hint: `it has ${all.join(', ')}`,
    });
  }
}

function defaultListen(interfaces: readonly string[], port: number): string[] {
  if (interfaces.length === 0) return [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`];
  const links = localLinks();
  const ips = addressesOf(links, interfaces);
  if (ips.length === 0) {
    throw new ResettleError('failed', `no address on ${interfaces.join(', ')}`, {
      hint: `this machine has the interfaces ${links.map(({ name }) => name).join(', ')}`,
    });
  }
  return ips.map((ip) => listenAddress(ip, port));
}
