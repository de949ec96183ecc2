/**
 * Finds connections that are dead and do not know it. When an address changes, TCP notices after a quarter of an hour;
 * until then a peer would count as connected that nobody reaches. A ping tells, and is asked only where something points
 * at it: a busy machine may answer late, and its transfers must not pay for that.
 */
import type { Connection, PeerId } from '@libp2p/interface';
import type { Clock } from '../../common/clock.ts';
import { PING_BUSY_TIMEOUT_MS, PING_IDLE_TIMEOUT_MS } from '../../common/limits.ts';
import type { Log } from '../log.ts';
import { ipOf } from './interfaces.ts';
import { PING_PROTOCOL } from './libp2p-node.ts';

const PING_BYTES = 32;
/** What is heard on the network makes a connection be asked no more often than this. */
const HINT_GAP_MS = 5_000;

/** Asks over that very connection. True when anything comes back: a refusal is an answer too. */
export async function answers(connection: Connection, timeoutMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const stream = await connection.newStream(PING_PROTOCOL, { signal });
    const heard = Promise.withResolvers<boolean>();
    stream.addEventListener('message', () => heard.resolve(true));
    stream.addEventListener('close', () => heard.resolve(true));
    signal.addEventListener('abort', () => heard.resolve(false));
    stream.send(new Uint8Array(PING_BYTES));
    const isAlive = await heard.promise;
    stream.abort(new Error('pinged'));
    return isAlive;
  } catch {
    return !signal.aborted;
  }
}

export interface StaleOptions {
  readonly connections: (peer?: PeerId) => readonly Connection[];
  readonly log: Log;
  readonly clock: Clock;
  readonly ping?: typeof answers;
}

export class StaleConnections {
  readonly #options: StaleOptions;
  readonly #checking = new WeakSet<Connection>();
  readonly #hintedAtMs = new WeakMap<Connection, number>();

  constructor(options: StaleOptions) {
    this.#options = options;
  }

  /** This machine has lost an address: what ran over it is dead. */
  async addressLost(): Promise<void> {
    await Promise.all(this.#options.connections().map((connection) => this.#check(connection)));
  }

  /** A peer tells of itself at these addresses: a connection to it that leads elsewhere may be dead. */
  async heardAt(peerId: string, addresses: readonly string[]): Promise<void> {
    const ips = new Set(addresses.map(ipOf));
    const elsewhere = this.#of(peerId).filter(({ remoteAddr }) => !ips.has(ipOf(remoteAddr.toString())));
    await Promise.all(elsewhere.map((connection) => this.#checkOnHint(connection)));
  }

  /** A peer has made a new connection: older ones that come from another address may be dead. */
  async opened(connection: Connection): Promise<void> {
    const ip = ipOf(connection.remoteAddr.toString());
    const older = this.#of(connection.remotePeer.toString()).filter(
      (one) => one !== connection && ipOf(one.remoteAddr.toString()) !== ip,
    );
    await Promise.all(older.map((one) => this.#check(one)));
  }

  #of(peerId: string): readonly Connection[] {
    return this.#options.connections().filter(({ remotePeer }) => remotePeer.toString() === peerId);
  }

  /** Anybody on the network can make such hints, as many as he likes. */
  async #checkOnHint(connection: Connection): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - (this.#hintedAtMs.get(connection) ?? Number.NEGATIVE_INFINITY) < HINT_GAP_MS) return;
    this.#hintedAtMs.set(connection, nowMs);
    await this.#check(connection);
  }

  async #check(connection: Connection): Promise<void> {
    if (this.#checking.has(connection) || connection.status !== 'open') return;
    this.#checking.add(connection);
    const ping = this.#options.ping ?? answers;
    const isBusy = connection.streams.length > 0;
    const isAlive = await ping(connection, isBusy ? PING_BUSY_TIMEOUT_MS : PING_IDLE_TIMEOUT_MS);
    this.#checking.delete(connection);
    if (isAlive || connection.status !== 'open') return;
    const about = { peer: connection.remotePeer.toString(), address: connection.remoteAddr.toString() };
    this.#options.log.info(about, 'a connection is dead since an address changed; it is closed');
    connection.abort(new Error('no answer since an address changed'));
  }
}
