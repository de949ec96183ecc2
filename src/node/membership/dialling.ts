import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';
import {
  CONNECTION_IDLE_MS,
  CONNECTION_MIX_MS,
  CONNECTION_REST_MS,
  CONNECTIONS_CLOSED_AT_ONCE,
  DIAL_TIMEOUT_MS,
  STANDING_CONNECTIONS_MAX,
} from '../../common/limits.ts';
import type { Roster } from '../../state/records/index.ts';
import type { MdnsDiscovery } from '../discovery/index.ts';
import { dialTargets, StrangerBudget } from '../link/dial-targets.ts';
import type { Log } from '../log.ts';
import { addressesOf, DialBackoff, knownPeers } from './address-book.ts';
import { between } from './between.ts';
import { inDialOrder, isLarge, leastConnections, shuffled } from './partners.ts';

const DIALS_AT_ONCE = 8;
/** Of the connections that are made for the mixture one in so many goes to an address given by hand. */
const SEED_EVERY = 4;

/** What of libp2p is used to be connected. */
export type Dialler = Pick<Libp2p, 'dial' | 'getConnections'>;

export interface DiallingOptions {
  readonly self: PeerIdText;
  readonly link: Dialler;
  readonly discovery: Pick<MdnsDiscovery, 'peers'>;
  readonly roster: () => Roster;
  /** The members with whom greetings were exchanged. */
  readonly greeted: ReadonlySet<PeerIdText>;
  readonly isMember: (peerId: string) => boolean;
  /** True when both sides take each other for members afterwards. */
  readonly greet: (connection: Connection) => Promise<boolean>;
  /** Multiaddrs that are dialled beside known peers. */
  readonly seeds: () => readonly string[];
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Makes connections and lets them go, so that there are enough and not too many. */
export class Dialling {
  readonly #options: DiallingOptions;
  readonly #backoff = new DialBackoff();
  readonly #strangers: StrangerBudget;
  readonly #dialing = new Map<string, Promise<void>>();
  readonly #usedAtMs = new WeakMap<Connection, number>();
  #mixAtMs: number;

  constructor(options: DiallingOptions) {
    this.#options = options;
    const nowMs = options.clock.monotonicMs();
    this.#strangers = new StrangerBudget(nowMs);
    this.#mixAtMs = nowMs + between(options.random, 0, CONNECTION_MIX_MS);
  }

  /** The dials that are under way. */
  running(): Promise<unknown> {
    return Promise.all(this.#dialing.values());
  }

  /** Somebody was heard at another address. */
  heardAnew(peerId: PeerIdText): void {
    this.#backoff.heardAnew(peerId, this.#now());
  }

  /** The last connection to a member has ended: one of the two had enough of them, or it has gone. */
  ended(peerId: PeerIdText): void {
    if (isLarge(this.#options.roster().members.size)) this.#backoff.rest(peerId, this.#now(), CONNECTION_REST_MS);
  }

  /** The connection is used: it stays for a while. */
  used(connection: Connection): void {
    this.#usedAtMs.set(connection, this.#now());
  }

  /** Dials where there are too few connections, ends unused ones where there are too many. To be called every few seconds. */
  tick(): void {
    const { greeted, roster } = this.#options;
    const { members } = roster();
    const isActive = members.get(this.#options.self)?.status === 'active';
    const lacking = isActive ? leastConnections(members.size) - greeted.size : DIALS_AT_ONCE;
    if (lacking > 0) this.#dialSome(isLarge(members.size) ? lacking : DIALS_AT_ONCE, this.#options.seeds());
    else if (isLarge(members.size) && this.#now() >= this.#mixAtMs) this.#mix();
    this.#letGo();
  }

  /** One more: in a fleet that was cut in two and is whole again, nobody lacks a connection to find that out by. */
  #mix(): void {
    this.#mixAtMs = this.#now() + between(this.#options.random, CONNECTION_MIX_MS / 2, (CONNECTION_MIX_MS * 3) / 2);
    const isSeedsTurn = between(this.#options.random, 0, SEED_EVERY) < 1;
    this.#dialSome(1, isSeedsTurn ? this.#options.seeds() : []);
  }

  #dialSome(wanted: number, seeds: readonly string[]): void {
    const { discovery, roster, self, random, link, isMember, greeted } = this.#options;
    const now = this.#now();
    const remotes = new Set(link.getConnections().map((one) => withoutPeer(one.remoteAddr.toString())));
    const targets = dialTargets({
      known: inDialOrder(random, knownPeers(discovery.peers(), roster(), self).values()),
      isMember: ({ peerId }) => isMember(peerId),
      seeds,
      mayDial: (key) =>
        !this.#dialing.has(key) &&
        !greeted.has(key as PeerIdText) &&
        !remotes.has(withoutPeer(key)) &&
        this.#backoff.mayTry(key, now),
      slots: Math.min(wanted, DIALS_AT_ONCE) - this.#dialing.size,
      strangers: this.#strangers.left(now),
    });
    for (const { key, addresses } of targets) this.#dialing.set(key, this.#tryDial(key, addresses));
    const isStranger = ({ key }: { key: string }): boolean => !key.startsWith('/') && !isMember(key);
    this.#strangers.spend(targets.filter(isStranger).length);
  }

  /** In the background: a neighbour that takes a connection and then says nothing must not hold up the others. */
  async #tryDial(key: string, addresses: readonly string[]): Promise<void> {
    try {
      if (await this.dial(addresses)) this.#backoff.succeeded(key);
      else this.#backoff.failed(key, this.#now());
    } catch (error) {
      this.#backoff.failed(key, this.#now());
      this.#options.log.debug({ err: error, to: key }, 'dial failed');
    } finally {
      this.#dialing.delete(key);
    }
  }

  /** Tries all addresses at which a member is known, the freshest first. False where none is known; throws as `dial`. */
  async dialMember(peerId: PeerIdText): Promise<boolean> {
    const { discovery, roster } = this.#options;
    const addresses = addressesOf(discovery.peers(), roster(), peerId);
    if (addresses.length === 0) return false;
    await this.dial(addresses.map((address) => `${address}/p2p/${peerId}`));
    return true;
  }

  /** True when a member answers there. */
  async dial(addresses: readonly string[]): Promise<boolean> {
    const { link, greeted, greet, signal } = this.#options;
    const connection = await link.dial(
      addresses.map((address) => multiaddr(address)),
      { signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]) },
    );
    return greeted.has(peerIdText(connection.remotePeer.toString())) || (await greet(connection));
  }

  /** Ends what nobody uses: connections beyond the most, and second ones to a peer. */
  #letGo(): void {
    const { link, greeted, self, random, log } = this.#options;
    const now = this.#now();
    const idle = link.getConnections().filter((connection) => {
      const isGreeted = greeted.has(connection.remotePeer.toString() as PeerIdText);
      if (connection.streams.length > 0 || !this.#usedAtMs.has(connection)) this.#usedAtMs.set(connection, now);
      return isGreeted && connection.status === 'open' && now - this.#usedAtMs.get(connection)! >= CONNECTION_IDLE_MS;
    });
    const byPeer = Map.groupBy(idle, ({ remotePeer }) => remotePeer.toString());
    // Of two machines one decides, or each would end another one.
    const second = [...byPeer].filter(([peer]) => self < peer).flatMap(([, same]) => same.slice(1));
    const excess = Math.min(greeted.size - STANDING_CONNECTIONS_MAX, CONNECTIONS_CLOSED_AT_ONCE);
    const beyond = shuffled(random, [...byPeer.values()]).slice(0, Math.max(0, excess));
    for (const connection of new Set([...second, ...beyond.flat()])) {
      connection.close().catch((error: unknown) => log.debug({ err: error }, 'closing a connection failed'));
    }
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}

function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/.*$/, '');
}
