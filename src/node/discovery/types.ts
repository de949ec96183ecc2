import type { NetworkInterfaceInfo } from 'node:os';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import type { PeerIdText } from '../../common/ids.ts';
import type { OpenSocket } from './socket.ts';

/** A peer as its announcements on one interface tell it: a hint that nothing has proven yet. */
export interface FoundPeer {
  readonly peerId: PeerIdText;
  /** Multiaddrs `/ip4|ip6/…/tcp/…` without `/p2p`, the latest announcement first. */
  readonly addresses: string[];
  readonly interfaceName: string;
  /** Wall time, as `Clock.now()`. */
  readonly firstSeenMs: number;
  /** Wall time at which the peer is forgotten unless it is heard again. */
  readonly expiresAtMs: number;
}

/** Somebody else announces our own peer id: two machines made from one image, or a liar. */
export interface DuplicateIdentity {
  readonly peerId: PeerIdText;
  /** What the other one announces, multiaddrs without `/p2p`. */
  readonly addresses: string[];
  /** The IP address that the announcement came from. */
  readonly source: string;
  readonly interfaceName: string;
}

/** An interface that discovery uses, or would use if there were no error. */
export interface InterfaceInUse {
  readonly name: string;
  /** The address that it sends from; empty while a named interface has none. */
  readonly address: string;
  readonly error?: string;
}

/** How discovery fares on one interface, for those who look for a fault. Times are ages in milliseconds. */
export interface InterfaceReport extends InterfaceInUse {
  /** Since the socket is open; undefined while it is not. */
  readonly openForMs: number | undefined;
  readonly sentAgoMs: number | undefined;
  /** Since something that this machine itself had sent came back, as multicast does: it shows that receiving works. */
  readonly ownHeardAgoMs: number | undefined;
  /** Since anybody else's packet came in, be it a printer's. */
  readonly othersHeardAgoMs: number | undefined;
}

/** A duplicate identity that was heard of lately. */
export interface SeenDuplicate extends DuplicateIdentity {
  readonly agoMs: number;
}

/** Where discovery writes what it notices; pino's shape. */
export interface DiscoveryLog {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Waiting as a parameter, so that tests can hold time. */
export interface Timers {
  /** Calls `callback` once after that time and returns how to call it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What discovery needs. The last four have defaults and are there for tests. */
export interface DiscoveryOptions {
  readonly peerId: PeerIdText;
  /** Our listening addresses as concrete multiaddrs (no 0.0.0.0), asked anew each time. */
  addresses(): string[];
  /** Names of the interfaces to use, such as `['lo']`; empty means the physical ones. */
  readonly interfaces: readonly string[];
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: DiscoveryLog;
  /** The service's name on the wire; SERVICE_TAG unless a test keeps to itself. */
  readonly serviceTag?: string;
  readonly timers?: Timers;
  readonly networkInterfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly openSocket?: OpenSocket;
}
