import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import { Budget } from '../../common/budget.ts';
import type { Clock } from '../../common/clock.ts';
import {
  CONNECTIONS_PER_PEER_MAX,
  HANDSHAKES_OF_ALL,
  HANDSHAKES_PER_HOST,
  PENDING_CONNECTIONS_PER_HOST_MAX,
} from '../../common/limits.ts';
import { ipOf } from './interfaces.ts';

/**
 * Who may connect. libp2p bounds connections, and handshakes that are under way, of all peers together: one that takes
 * them all would keep everybody else out.
 */
export class InboundGate implements ConnectionGater {
  /** Connections of each host whose handshake is not over. */
  readonly #pending = new Map<string, Set<MultiaddrConnection>>();
  /** Inbound connections of each peer. */
  readonly #ofPeer = new Map<string, number>();
  readonly #ofHost: Budget<string>;
  readonly #ofAll: Budget<'all'>;

  constructor(clock: Clock) {
    this.#ofHost = new Budget(clock, HANDSHAKES_PER_HOST);
    this.#ofAll = new Budget(clock, HANDSHAKES_OF_ALL);
  }

  denyInboundConnection(connection: MultiaddrConnection): boolean {
    const host = ipOf(connection.remoteAddr.toString()) ?? '';
    const pending = this.#pending.get(host) ?? new Set();
    if (pending.size >= PENDING_CONNECTIONS_PER_HOST_MAX) return true;
    if (!this.#ofHost.take(host) || !this.#ofAll.take('all')) return true;
    pending.add(connection);
    this.#pending.set(host, pending);
    connection.addEventListener('close', () => this.#settled(host, connection), { once: true });
    return false;
  }

  denyInboundUpgradedConnection(peer: PeerId, connection: MultiaddrConnection): boolean {
    this.#settled(ipOf(connection.remoteAddr.toString()) ?? '', connection);
    const id = peer.toString();
    const count = this.#ofPeer.get(id) ?? 0;
    if (count >= CONNECTIONS_PER_PEER_MAX || connection.status !== 'open') return true;
    this.#ofPeer.set(id, count + 1);
    connection.addEventListener('close', () => this.#left(id), { once: true });
    return false;
  }

  #settled(host: string, connection: MultiaddrConnection): void {
    const pending = this.#pending.get(host);
    if (pending?.delete(connection) && pending.size === 0) this.#pending.delete(host);
  }

  #left(peer: string): void {
    const left = this.#ofPeer.get(peer)! - 1;
    if (left > 0) this.#ofPeer.set(peer, left);
    else this.#ofPeer.delete(peer);
  }
}
