import { ADDRESSES_MAX, SHUTDOWN_MS } from '../../common/limits.ts';
import { serveBlocks } from '../../protocols/blocks/server.ts';
import { serveDoctor } from '../../protocols/doctor/doctor.ts';
import { serveHello } from '../../protocols/hello/hello.ts';
import { servePoint } from '../../protocols/point/point.ts';
import { serveRecords } from '../../protocols/records/server.ts';
import { serveShares } from '../../protocols/shares/shares.ts';
import { type Handlers, membersOnly } from '../../protocols/wire/registrar.ts';
import { MessageRoom, withinRoom } from '../../protocols/wire/room.ts';
import { Turns } from '../../protocols/wire/turns.ts';
import { MdnsDiscovery } from '../discovery/index.ts';
import type { DoctorOptions } from '../doctor/examination.ts';
import type { AddressWatch } from '../link/address-watch.ts';
import { type LocalLink, rememberedLinks } from '../link/interfaces.ts';
import type { Link } from '../link/libp2p-node.ts';
import { addressesToTell } from '../link/own-addresses.ts';
import { DEFAULT_PORT, startLink } from '../link/start-link.ts';
import { Membership } from '../membership/membership.ts';
import { answerer, concreteAddresses, watchAddresses } from './network.ts';
import type { AgentOptions } from './options.ts';
import { makeRoles, type Roles } from './roles.ts';

interface Parts {
  readonly options: AgentOptions;
  readonly link: Link;
  readonly membership: Membership;
  readonly discovery: MdnsDiscovery;
  readonly roles: Roles;
  readonly watch: AddressWatch;
}

/** One machine's agent, on the network: source, destination, point and management point in one. */
export class Agent {
  readonly options: AgentOptions;
  readonly link: Link;
  readonly membership: Membership;
  readonly discovery: MdnsDiscovery;
  readonly roles: Roles;
  readonly #watch: AddressWatch;

  private constructor({ options, link, membership, discovery, roles, watch }: Parts) {
    this.options = options;
    this.link = link;
    this.membership = membership;
    this.discovery = discovery;
    this.roles = roles;
    this.#watch = watch;
  }

  static async start(options: AgentOptions): Promise<Agent> {
    const { log } = options;
    let membership: Membership | undefined;
    const isMember = (peer: string): boolean => membership?.isMember(peer) ?? false;
    const guard = <R extends Handlers>(registrar: R): R =>
      membersOnly(registrar, isMember, (protocol, peer) => log.debug({ protocol, peer }, 'refused a stranger'));
    const link = await startLink(options, options.fleet.identity.privateKey, DEFAULT_PORT, guard, isMember);
    let roles: Roles | undefined;
    try {
      const links = rememberedLinks(options.clock);
      const discovery = discoveryOf(options, link, links);
      membership = membershipOf(options, link, discovery, links);
      roles = await makeRoles(options, membership);
      // Handlers first: nobody shall hear of an agent that does not answer yet.
      await serveAll({ options, link, membership, discovery, roles }, guard);
      await discovery.start();
      await membership.start();
      await roles.shareHolder.start();
      roles.source.start();
      roles.trials.start();
      const watch = watchAddresses(options, link, discovery);
      return new Agent({ options, link, membership, discovery, roles, watch });
    } catch (error) {
      await roles?.point?.stop();
      await roles?.store?.close();
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
    const defaultPort = DEFAULT_PORT;
    return { fleet, interfaces, listen, peers, clock, link, membership, discovery, listening, defaultPort };
  }

  /** Ends everything; what does not end in time is left to the end of the process. */
  async stop(): Promise<void> {
    const { point, source, trials, shareHolder, store } = this.roles;
    source.stop();
    shareHolder.stop();
    this.#watch.stop();
    this.membership.stop();
    const ended = Promise.allSettled([point?.stop(), trials.stop(), this.discovery.stop(), this.link.stop()]);
    await Promise.race([ended, new Promise((done) => setTimeout(done, SHUTDOWN_MS - 1000).unref())]);
    await store?.close();
  }
}

type Links = () => readonly LocalLink[];

function discoveryOf(options: AgentOptions, link: Link, links: Links): MdnsDiscovery {
  const { fleet, interfaces, clock, random, log } = options;
  const { peerId } = fleet.identity;
  const addresses = (): string[] => concreteAddresses(link, options, links);
  const discovery = new MdnsDiscovery({ peerId, addresses, interfaces, clock, random, log });
  discovery.onDuplicate((duplicate) =>
    log.warn(
      duplicate,
      'another machine says that it has the keys of this one: a clone of it, which needs a new --home, or a liar',
    ),
  );
  return discovery;
}

function membershipOf(options: AgentOptions, link: Link, discovery: MdnsDiscovery, links: Links): Membership {
  const { fleet, name, peers, interfaces, point, clock, random, log } = options;
  return new Membership({
    fleet,
    link,
    discovery,
    seeds: peers,
    clock,
    random,
    log,
    about: () => ({
      ...(name === undefined ? {} : { name }),
      point: point !== undefined,
      addresses: addressesToTell(concreteAddresses(link, options, links), links(), interfaces).slice(0, ADDRESSES_MAX),
    }),
  });
}

async function serveAll(
  { options, link, membership, discovery, roles }: Omit<Parts, 'watch'>,
  guard: <R extends Handlers>(registrar: R) => R,
): Promise<void> {
  const { fleet, log } = options;
  const { point, shareHolder } = roles;
  const open: Handlers = { handle: (protocol, handler, settings) => link.handle(protocol, handler, settings) };
  const members = guard(open);
  const room = new MessageRoom();
  const control = withinRoom(members, room);
  const turns = new Turns(options.clock);
  const refused = (error: unknown, peer: string): void => {
    log.info({ err: error, peer }, 'refused');
    point?.noteRefusal(error, peer);
  };
  await serveHello(withinRoom(open, room), membership, turns);
  await serveRecords(control, fleet.log, membership.spreading, turns);
  await serveDoctor(control, answerer(options, link, membership, discovery));
  await serveShares(control, shareHolder, refused, turns);
  if (point) {
    await servePoint(control, point, refused, turns);
    await serveBlocks(members, point, refused);
  }
}
