import type { Connection, Ed25519PrivateKey } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { DIAL_TIMEOUT_MS, PAIRING_ADDRESSES_MAX } from '../../common/limits.ts';
import { type Signer, signerOf } from '../../protocols/pair/statement.ts';
import { type Handlers, membersOnly } from '../../protocols/wire/registrar.ts';
import { MdnsDiscovery } from '../discovery/index.ts';
import { type LocalLink, localLinks } from '../link/interfaces.ts';
import { createLink, type Link } from '../link/libp2p-node.ts';
import { DEFAULT_PORT, startLink } from '../link/start-link.ts';
import { type WatchedAddresses, watchAddresses } from '../link/watch-addresses.ts';
import type { Log } from '../log.ts';

export interface PairingNodeOptions {
  readonly privateKey: Ed25519PrivateKey;
  /** Names; empty means the physical ones. */
  readonly interfaces: readonly string[];
  /** Undefined: it dials only. `addresses` are multiaddrs; empty means `port`, or a free one, on those interfaces. */
  readonly listen: { readonly addresses: readonly string[]; readonly port: number } | undefined;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** A node for one pairing, in no fleet: a key of its own, and nobody is served but the machine that it has paired with. */
export class PairingNode {
  readonly link: Link;
  readonly self: Signer;
  readonly #options: PairingNodeOptions;
  readonly #addresses: WatchedAddresses;
  readonly #discoveries = new Set<MdnsDiscovery>();
  readonly #admitted: Set<string>;

  private constructor(options: PairingNodeOptions, link: Link, admitted: Set<string>) {
    this.#options = options;
    this.link = link;
    this.self = signerOf(options.privateKey);
    this.#admitted = admitted;
    const { interfaces, listen, log, clock } = options;
    const follow = (links: readonly LocalLink[]): readonly string[] => namesOf(interfaces, links);
    this.#addresses = watchAddresses(link, {
      follow: listen && listen.addresses.length === 0 ? follow : undefined,
      port: listen?.port || DEFAULT_PORT,
      log,
      clock,
    });
  }

  /** Throws `usage` for a bad address, `failed` where it cannot listen. */
  static async start(options: PairingNodeOptions): Promise<PairingNode> {
    const { interfaces, listen, log, privateKey } = options;
    const admitted = new Set<string>();
    const guard = <R extends Handlers>(registrar: R): R =>
      membersOnly(
        registrar,
        (peer) => admitted.has(peer),
        (protocol, peer) => log.debug({ protocol, peer }, 'refused a stranger'),
      );
    const names = namesOf(interfaces, localLinks());
    const dialsOnly = !listen || (listen.addresses.length === 0 && names.length === 0);
    const wish = { interfaces: names, listen: listen?.addresses ?? [], peers: [], log };
    const link = dialsOnly
      ? await createLink({ privateKey, listen: [], guard })
      : await startLink(wish, privateKey, listen.port || DEFAULT_PORT, guard);
    if (dialsOnly) await link.start();
    return new PairingNode(options, link, admitted);
  }

  /** That machine is served what is registered through `guarded`, and answered to pings. */
  admit(peer: PeerIdText): void {
    this.#admitted.add(peer);
  }

  /** Registers handlers that only admitted machines reach. */
  get guarded(): Handlers {
    return membersOnly<Handlers>(
      this.link,
      (peer) => this.#admitted.has(peer),
      (protocol, peer) => this.#options.log.debug({ protocol, peer }, 'refused a stranger'),
    );
  }

  /** Where it listens, multiaddrs without the peer id. */
  addresses(): string[] {
    return this.link.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, ''));
  }

  get port(): number {
    return Number(/\/tcp\/(\d+)/.exec(this.addresses()[0] ?? '')?.[1] ?? 0);
  }

  /** Announces itself under that service, if it listens, and hears of others there. */
  async discover(serviceTag: string): Promise<MdnsDiscovery> {
    const { interfaces, clock, random, log } = this.#options;
    const discovery = new MdnsDiscovery({
      peerId: this.self.peerId,
      addresses: () => this.addresses(),
      interfaces,
      clock,
      random,
      log,
      serviceTag,
    });
    this.#discoveries.add(discovery);
    discovery.onPeer(({ peerId, addresses }) => this.#addresses.heardAt(peerId, addresses));
    await discovery.start();
    return discovery;
  }

  async endDiscovery(discovery: MdnsDiscovery): Promise<void> {
    this.#discoveries.delete(discovery);
    await discovery.stop();
  }

  /** Dials a machine at all its addresses, near ones and cables first. Throws `failed`, or the signal's reason. */
  async dial(peer: PeerIdText | undefined, addresses: readonly string[], signal: AbortSignal): Promise<Connection> {
    const whole = addresses.map((address) =>
      multiaddr(peer === undefined || address.includes('/p2p/') ? address : `${address}/p2p/${peer}`),
    );
    try {
      return await this.link.dial(whole, { signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]) });
    } catch (cause) {
      signal.throwIfAborted();
      throw new ResettleError('failed', `cannot connect to the other machine at ${addresses.join(', ')}`, {
        hint: `see whether a firewall closes that port there ("resettle doctor"): ${messageOf(cause).split('\n')[0]}`,
        cause,
      });
    }
  }

  async stop(): Promise<void> {
    this.#addresses.watch.stop();
    await Promise.all([...this.#discoveries].map((discovery) => discovery.stop()));
    await this.link.stop();
  }
}

/** The addresses that lead to the machine at the other end of a connection, the one in use first. */
export function addressesWith(connection: Connection, heard: readonly string[]): string[] {
  const used = connection.remoteAddr.toString().replace(/\/p2p\/[^/]+$/, '');
  return [...new Set([used, ...heard])].slice(0, PAIRING_ADDRESSES_MAX);
}

/** The interfaces named, else the cables and radios that have an address now. */
function namesOf(named: readonly string[], links: readonly LocalLink[]): string[] {
  if (named.length > 0) return [...named];
  return links
    .filter(({ kind, isUp, addresses }) => isUp && addresses.length > 0 && (kind === 'wired' || kind === 'radio'))
    .map(({ name }) => name);
}
