import type { Connection } from '@libp2p/interface';
import { ResettleError } from '../../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../../common/ids.ts';
import type { SealedPack } from '../../../../common/ports.ts';
import { BlocksSink } from '../../../../protocols/blocks/client.ts';
import type { Lease } from '../../../../protocols/point/messages.ts';
import { PointClient } from '../../../../protocols/point/point.ts';
import type { FleetView } from '../../../fleet-view.ts';
import { PointLeft } from './point-left.ts';
import type { OpenTransfer } from './resilient-sink.ts';

export interface PointRouteOptions {
  readonly fleet: Pick<FleetView, 'connectTo'>;
  readonly peerId: PeerIdText;
  readonly name: string;
  readonly state: StateId;
  /** The signed association, without which a point reserves nothing. */
  readonly association: Uint8Array;
  /** What was reserved. */
  readonly lease: Lease;
  readonly bytes: number;
  /** Bytes that the point has acknowledged of it. */
  readonly ackedBytes: () => number;
  readonly stallMs?: number | undefined;
}

/** The way to one point and the lease there, found anew whenever it broke. */
export class PointRoute {
  readonly #options: PointRouteOptions;
  #lease: Lease;

  constructor(options: PointRouteOptions) {
    this.#options = options;
    this.#lease = options.lease;
  }

  get peerId(): PeerIdText {
    return this.#options.peerId;
  }

  get name(): string {
    return this.#options.name;
  }

  /** The lease that stands now. */
  get lease(): Lease {
    return this.#lease;
  }

  async client(signal: AbortSignal): Promise<PointClient> {
    const { fleet, peerId, name } = this.#options;
    return new PointClient(await fleet.connectTo(peerId, signal), name);
  }

  /** A transfer under the lease; where the point has lost it, under a new one for what is left. */
  async open(signal: AbortSignal): Promise<OpenTransfer> {
    const { fleet, peerId, name } = this.#options;
    const connection = await fleet.connectTo(peerId, signal);
    try {
      return await this.#transfer(connection, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ResettleError) || error.code !== 'refused') throw error;
      await this.reserveAnew(new PointClient(connection, name), signal);
      return await this.#transfer(connection, signal);
    }
  }

  /** Throws PointLeft where there is no room any more. */
  async reserveAnew(client: PointClient, signal: AbortSignal): Promise<void> {
    const { association, state, bytes, ackedBytes, peerId, name } = this.#options;
    try {
      const wish = { association, state, bytes: bytes - ackedBytes(), copy: false };
      this.#lease = { ...(await client.reserve(wish, signal)), snapshot: this.#lease.snapshot };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ResettleError && error.code === 'no-point') throw new PointLeft(peerId, name, error);
      throw error;
    }
  }

  async #transfer(connection: Connection, signal: AbortSignal): Promise<OpenTransfer> {
    const { name, state, stallMs } = this.#options;
    const sink = await BlocksSink.open({ connection, name, state }, this.#lease.lease, signal, stallMs);
    return {
      get sentBytes() {
        return sink.sentBytes;
      },
      put: (pack: SealedPack, within: AbortSignal) => sink.put(pack, within),
      close: () => sink.close(),
      abort: (reason: Error) => sink.abort(reason),
      drop: (reason: Error) => {
        sink.abort(reason);
        connection.abort(reason);
      },
    };
  }
}
