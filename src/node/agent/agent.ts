import { resolve } from 'node:path';
import { multiaddr } from '@multiformats/multiaddr';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { ADDRESSES_MAX, POINT_PACKS_IN_FLIGHT, SHUTDOWN_MS } from '../../common/limits.ts';
import { serveBlocks } from '../../protocols/blocks/server.ts';
import { serveDoctor } from '../../protocols/doctor/doctor.ts';
import { serveHello } from '../../protocols/hello/hello.ts';
import { servePoint } from '../../protocols/point/point.ts';
import { serveRecords } from '../../protocols/records/records.ts';
import { type Handlers, membersOnly } from '../../protocols/wire/registrar.ts';
import { associationIdOf, readRecord } from '../../state/records/index.ts';
import { Store } from '../../state/store/index.ts';
import { MdnsDiscovery } from '../discovery/index.ts';
import { addressesOf as addressesOfPeer } from '../doctor/addresses.ts';
import { Answerer } from '../doctor/answer.ts';
import type { DoctorOptions } from '../doctor/examination.ts';
import { networkProber } from '../doctor/probe.ts';
import type { Home } from '../home/home.ts';
import { type AddressChange, AddressWatch } from '../link/address-watch.ts';
import { type LocalLink, localLinks, rememberedLinks } from '../link/interfaces.ts';
import { createLink, type Link } from '../link/libp2p-node.ts';
import { addressesOf, followInterfaces, listenAddress } from '../link/listening.ts';
import { addressesToTell, withSelfAssigned } from '../link/own-addresses.ts';
import { StaleConnections } from '../link/stale-connections.ts';
import type { Log } from '../log.ts';
import type { Fleet } from '../membership/fleet.ts';
import { Membership } from '../membership/membership.ts';
import type { PointLimits } from '../roles/point/capacity.ts';
import { PointRole } from '../roles/point/point.ts';

/** The port that a firewall is opened for. Where it is taken, any free one serves. */
export const DEFAULT_PORT = 24717;

export interface AgentOptions {
  readonly home: Home;
  readonly fleet: Fleet;
  readonly name?: string;
  /** Interface names; empty means the physical ones. */
  readonly interfaces: readonly string[];
  /** Multiaddrs; empty means the default port on those interfaces. */
  readonly listen: readonly string[];
  readonly peers: readonly string[];
  readonly point?: { readonly dir: string } & PointLimits;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** One machine's agent, on the network: source, destination, point and management point in one. */
export class Agent {
  readonly options: AgentOptions;
  readonly link: Link;
  readonly membership: Membership;
  readonly discovery: MdnsDiscovery;
  readonly point: PointRole | undefined;
  readonly #store: Store | undefined;
  readonly #watch: AddressWatch;

  private constructor(parts: {
    options: AgentOptions;
    link: Link;
    membership: Membership;
    discovery: MdnsDiscovery;
    point: PointRole | undefined;
    store: Store | undefined;
    watch: AddressWatch;
  }) {
    this.options = parts.options;
    this.link = parts.link;
    this.membership = parts.membership;
    this.discovery = parts.discovery;
    this.point = parts.point;
    this.#store = parts.store;
    this.#watch = parts.watch;
  }

  static async start(options: AgentOptions): Promise<Agent> {
    const { fleet, log, clock, random } = options;
    const { identity } = fleet;
    let membership: Membership | undefined;
    const guard = <R extends Handlers>(registrar: R): R =>
      membersOnly(
        registrar,
        (peer) => membership?.isMember(peer) ?? false,
        (protocol, peer) => log.debug({ protocol, peer }, 'refused a stranger'),
      );
    const link = await startLink(options, guard);
    let store: Store | undefined;
    try {
      const links = rememberedLinks(clock);
      const addresses = (): string[] => concreteAddresses(link, options, links);
      const discovery = new MdnsDiscovery({
        peerId: identity.peerId,
        addresses,
        interfaces: options.interfaces,
        clock,
        random,
        log,
      });
      discovery.onDuplicate((duplicate) =>
        log.error(duplicate, 'another machine uses the keys of this one; give one of them a new --home'),
      );
      let point: PointRole | undefined;
      if (options.point) {
        store = await Store.open(resolve(options.point.dir), {
          create: true,
          buffers: POINT_PACKS_IN_FLIGHT * options.point.maxClients,
        });
        point = await PointRole.start({
          store,
          limits: options.point,
          fleet: {
            association: (id) => fleet.log.association(id),
            insert: (records) => fleet.log.insert(records),
            associationIdOf: async (envelope) => associationIdOf(readRecord(envelope).hash),
          },
          clock,
          random,
          log,
        });
      }
      const { name } = options;
      membership = new Membership({
        fleet,
        link,
        discovery,
        seeds: options.peers,
        clock,
        log,
        about: () => ({
          ...(name === undefined ? {} : { name }),
          point: point !== undefined,
          addresses: addressesToTell(addresses(), links(), options.interfaces).slice(0, ADDRESSES_MAX),
        }),
      });
      const open: Handlers = { handle: (protocol, handler, settings) => link.handle(protocol, handler, settings) };
      const members = guard(open);
      const refused = (error: unknown, peer: string): void => log.info({ err: error, peer }, 'refused');
      await serveHello(open, membership);
      await serveRecords(members, fleet.log, (reason, peer) => log.debug({ reason, peer }, 'a record was refused'));
      await serveDoctor(members, answerer(options, link, membership, discovery));
      if (point) {
        await servePoint(members, point, refused);
        await serveBlocks(members, point, refused);
      }
      await discovery.start();
      await membership.start();
      const watch = watchAddresses(options, link, discovery);
      return new Agent({ options, link, membership, discovery, point, store, watch });
    } catch (error) {
      await store?.close();
      await link.stop();
      throw error;
    }
  }

  /** Multiaddrs with the peer id. */
  addresses(): string[] {
    return concreteAddresses(this.link, this.options).map((address) => `${address}/p2p/${this.membership.self}`);
  }

  /** What `doctor` looks at. */
  doctorOptions(): DoctorOptions {
    const { fleet, interfaces, listen, peers, clock } = this.options;
    const { link, membership, discovery } = this;
    const listening = (): string[] => concreteAddresses(link, this.options);
    return {
      fleet,
      interfaces,
      listen,
      peers,
      clock,
      link,
      membership,
      discovery,
      listening,
      defaultPort: DEFAULT_PORT,
    };
  }

  /** Ends everything; what does not end in time is left to the end of the process. */
  async stop(): Promise<void> {
    this.#watch.stop();
    this.membership.stop();
    this.point?.stop();
    const ended = Promise.allSettled([this.discovery.stop(), this.link.stop()]);
    await Promise.race([ended, new Promise((done) => setTimeout(done, SHUTDOWN_MS - 1000).unref())]);
    await this.#store?.close();
  }
}

function concreteAddresses(
  link: Link,
  { interfaces, listen }: AgentOptions,
  links = (): readonly LocalLink[] => localLinks(),
): string[] {
  const listening = link.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, ''));
  const isEverywhere =
    listen.length > 0 ? listen.some((one) => one.includes('/ip4/0.0.0.0/')) : interfaces.length === 0;
  return isEverywhere ? withSelfAssigned(listening, links()) : listening;
}

/** Tells other members how they are seen from here. */
function answerer(options: AgentOptions, link: Link, membership: Membership, discovery: MdnsDiscovery): Answerer {
  return new Answerer({
    addressesOf: (peerId) =>
      addressesOfPeer(peerId, {
        heard: discovery.peers(),
        roster: membership.roster(),
        seeds: options.peers,
        dialled: [],
        links: localLinks(),
      }),
    hears: (peerId) => discovery.peers().some((peer) => peer.peerId === peerId),
    probe: networkProber(link),
    clock: options.clock,
  });
}

/** Listens where the named interfaces are now, and finds the connections that a changed address has killed. */
function watchAddresses(options: AgentOptions, link: Link, discovery: MdnsDiscovery): AddressWatch {
  const { interfaces, listen, log, clock } = options;
  const stale = new StaleConnections({ connections: () => link.getConnections(), log, clock });
  link.addEventListener('connection:open', ({ detail }) => void stale.opened(detail));
  discovery.onPeer(({ peerId, addresses }) => void stale.heardAt(peerId, addresses));
  const follows = interfaces.length > 0 && listen.length === 0;
  let port = DEFAULT_PORT;
  const onLook = async ({ links, lost }: AddressChange): Promise<void> => {
    port = Number(/\/tcp\/(\d+)/.exec(link.getMultiaddrs()[0]?.toString() ?? '')?.[1] ?? port);
    if (follows) await followInterfaces(link.services.transports, links, interfaces, port, log);
    if (lost.length > 0) void stale.addressLost();
  };
  const watch = new AddressWatch({ log, onLook });
  watch.start();
  return watch;
}

async function startLink(options: AgentOptions, guard: <R extends Handlers>(registrar: R) => R): Promise<Link> {
  const { identity } = options.fleet;
  checkNetworkOptions(options);
  const wanted = options.listen.length > 0 ? options.listen : defaultListen(options.interfaces, DEFAULT_PORT);
  const attempt = async (listen: readonly string[]): Promise<Link> => {
    const link = await createLink({ privateKey: identity.privateKey, listen, guard });
    await link.start();
    return link;
  };
  try {
    return await attempt(wanted);
  } catch (error) {
    if (options.listen.length > 0) {
      throw new ResettleError('failed', `cannot listen on ${options.listen.join(', ')}`, {
        hint: "the port may be taken, or the address may not be this machine's",
        cause: error,
      });
    }
    options.log.warn(
      { port: DEFAULT_PORT },
      'the default port is taken; a free one is used, which a firewall may close',
    );
    return attempt(defaultListen(options.interfaces, 0));
  }
}

/** Throws `usage` for what is no address, `failed` for an interface that this machine does not have. */
function checkNetworkOptions({ interfaces, listen, peers }: AgentOptions): void {
  for (const [option, addresses] of [
    ['--listen', listen],
    ['--peer', peers],
  ] as const) {
    for (const address of addresses) {
      try {
        multiaddr(address);
      } catch (cause) {
        throw new ResettleError('usage', `${option} ${address} is not a multiaddr`, {
          hint: 'write an address as /ip4/192.168.1.20/tcp/24717',
          cause,
        });
      }
    }
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
