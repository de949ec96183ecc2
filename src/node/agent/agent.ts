import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { ADDRESSES_MAX, POINT_PACKS_IN_FLIGHT, SHUTDOWN_MS } from '../../common/limits.ts';
import { serveBlocks } from '../../protocols/blocks/server.ts';
import { serveHello } from '../../protocols/hello/hello.ts';
import { servePoint } from '../../protocols/point/point.ts';
import { serveRecords } from '../../protocols/records/records.ts';
import { type Handlers, membersOnly } from '../../protocols/wire/registrar.ts';
import { associationIdOf, readRecord } from '../../state/records/index.ts';
import { Store } from '../../state/store/index.ts';
import { MdnsDiscovery } from '../discovery/index.ts';
import type { Home } from '../home/home.ts';
import { createLink } from '../link/libp2p-node.ts';
import type { Log } from '../log.ts';
import type { Fleet } from '../membership/fleet.ts';
import { Membership } from '../membership/membership.ts';
import { Trials } from '../roles/destination/trials/trials.ts';
import type { PointLimits } from '../roles/point/capacity.ts';
import { PointRole } from '../roles/point/point.ts';
import type { PointFleet } from '../roles/point/point-fleet.ts';
import type { PointTiming } from '../roles/point/timing.ts';
import { SourceRole } from '../roles/source/source-role.ts';

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
  readonly point?: { readonly dir: string; readonly timing?: Partial<PointTiming> } & PointLimits;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** One machine's agent, on the network: source, destination, point and management point in one. */
export class Agent {
  readonly options: AgentOptions;
  readonly link: Libp2p;
  readonly membership: Membership;
  readonly discovery: MdnsDiscovery;
  readonly point: PointRole | undefined;
  readonly source: SourceRole;
  readonly trials: Trials;
  readonly #store: Store | undefined;

  private constructor(parts: {
    options: AgentOptions;
    link: Libp2p;
    membership: Membership;
    discovery: MdnsDiscovery;
    point: PointRole | undefined;
    source: SourceRole;
    trials: Trials;
    store: Store | undefined;
  }) {
    this.options = parts.options;
    this.link = parts.link;
    this.membership = parts.membership;
    this.discovery = parts.discovery;
    this.point = parts.point;
    this.source = parts.source;
    this.trials = parts.trials;
    this.#store = parts.store;
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
    let point: PointRole | undefined;
    try {
      const addresses = (): string[] => concreteAddresses(link);
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
          point: options.point !== undefined,
          addresses: addresses().slice(0, ADDRESSES_MAX),
        }),
      });
      if (options.point) {
        // Beside the buffers of its clients those of its own work: repairs and copies.
        const buffers = POINT_PACKS_IN_FLIGHT * (options.point.maxClients + 1);
        store = await Store.open(resolve(options.point.dir), { create: true, buffers });
        const { timing } = options.point;
        point = await PointRole.start({
          store,
          limits: options.point,
          fleet: pointFleet(membership, fleet),
          clock,
          random,
          log,
          ...(timing ? { timing } : {}),
        });
      }
      const open: Handlers = { handle: (protocol, handler, settings) => link.handle(protocol, handler, settings) };
      const members = guard(open);
      const refused = (error: unknown, peer: string): void => {
        log.info({ err: error, peer }, 'refused');
        point?.noteRefusal(error, peer);
      };
      await serveHello(open, membership);
      await serveRecords(members, fleet.log, (reason, peer) => log.debug({ reason, peer }, 'a record was refused'));
      if (point) {
        await servePoint(members, point, refused);
        await serveBlocks(members, point, refused);
      }
      await discovery.start();
      await membership.start();
      const trials = new Trials({ fleet: membership, point, ageIdentity: identity.ageIdentity, clock, random, log });
      trials.start();
      const source = new SourceRole({
        fleet: membership,
        home: options.home,
        privateKey: identity.privateKey,
        ageIdentity: identity.ageIdentity,
        clock,
        random,
        log,
        exclude: ownFolders(options),
      });
      source.start();
      return new Agent({ options, link, membership, discovery, point, source, trials, store });
    } catch (error) {
      await point?.stop();
      await store?.close();
      await link.stop();
      throw error;
    }
  }

  /** Multiaddrs with the peer id. */
  addresses(): string[] {
    return concreteAddresses(this.link).map((address) => `${address}/p2p/${this.membership.self}`);
  }

  /** Ends everything; what does not end in time is left to the end of the process. */
  async stop(): Promise<void> {
    this.source.stop();
    this.membership.stop();
    const ended = Promise.allSettled([this.trials.stop(), this.point?.stop(), this.discovery.stop(), this.link.stop()]);
    await Promise.race([ended, new Promise((done) => setTimeout(done, SHUTDOWN_MS - 1000).unref())]);
    await this.#store?.close();
  }
}

function pointFleet(membership: Membership, { log }: Fleet): PointFleet {
  return {
    self: membership.self,
    roster: () => membership.roster(),
    append: (body) => membership.append(body),
    events: (id) => membership.events(id),
    envelopeOf: (id) => membership.envelopeOf(id),
    connectTo: (peer, signal) => membership.connectTo(peer, signal),
    association: (id) => log.association(id),
    insert: (records) => log.insert(records),
    associationIdOf: async (envelope) => associationIdOf(readRecord(envelope).hash),
  };
}

/** Folders of the agent's own that are never part of a state. */
export function ownFolders({ home, point }: Pick<AgentOptions, 'home' | 'point'>): string[] {
  return [home.dir, ...(point ? [resolve(point.dir)] : [])];
}

function concreteAddresses(link: Libp2p): string[] {
  return link.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, ''));
}

async function startLink(options: AgentOptions, guard: <R extends Handlers>(registrar: R) => R): Promise<Libp2p> {
  const { identity } = options.fleet;
  checkNetworkOptions(options);
  const wanted = options.listen.length > 0 ? options.listen : defaultListen(options.interfaces, DEFAULT_PORT);
  const attempt = async (listen: readonly string[]): Promise<Libp2p> => {
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
  const all = Object.keys(networkInterfaces());
  const unknown = interfaces.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new ResettleError('failed', `this machine has no interface ${unknown.join(', ')}, or it is down`, {
      hint: `it has ${all.join(', ')}`,
    });
  }
}

function defaultListen(interfaces: readonly string[], port: number): string[] {
  if (interfaces.length === 0) return [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`];
  const all = networkInterfaces();
  const listen: string[] = [];
  for (const name of interfaces) {
    for (const entry of all[name] ?? []) {
      if (entry.family === 'IPv4') listen.push(`/ip4/${entry.address}/tcp/${port}`);
    }
  }
  if (listen.length === 0) {
    throw new ResettleError('failed', `no IPv4 address on ${interfaces.join(', ')}`, {
      hint: `this machine has the interfaces ${Object.keys(all).join(', ')}`,
    });
  }
  return listen;
}
