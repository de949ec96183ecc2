import type { PackId, PeerIdText, StateId } from '../../../common/ids.ts';
import type { PackSink, PackSource } from '../../../common/ports.ts';
import { BlocksSink, BlocksSource } from '../../../protocols/blocks/client.ts';
import type { Capacity, Commit, KeyFile, Lease, Reserve } from '../../../protocols/point/messages.ts';
import { PointClient } from '../../../protocols/point/point.ts';
import { nameOf } from '../../membership/machines.ts';
import type { PointFleet } from './point-fleet.ts';

interface Transfer {
  /** Call when nothing is under way. */
  close(): Promise<void>;
  abort(reason: Error): void;
}

/** Another point, as this one uses it: to fetch what is damaged here, and to make copies there. */
export interface OtherPoint {
  capacity(signal: AbortSignal): Promise<Capacity>;
  reserve(wish: Reserve, signal: AbortSignal): Promise<Lease>;
  release(lease: string, signal: AbortSignal): Promise<void>;
  commit(commit: Commit, packBytes: number, signal: AbortSignal): Promise<void>;
  missing(state: StateId, packs: readonly PackId[], signal: AbortSignal): Promise<PackId[]>;
  keys(state: StateId, signal: AbortSignal): Promise<readonly KeyFile[]>;
  openSource(state: StateId, signal: AbortSignal): Promise<PackSource & Transfer>;
  openSink(state: StateId, lease: string, signal: AbortSignal): Promise<PackSink & Transfer>;
}

/** A way to another point, or a `failed` error where it cannot be reached. */
export type ConnectPoint = (peer: PeerIdText, signal: AbortSignal) => Promise<OtherPoint>;

/** Across the network. */
export function otherPointsOf(fleet: PointFleet): ConnectPoint {
  return async (peer, signal) => {
    const name = nameOf(fleet.roster(), peer);
    const connection = await fleet.connectTo(peer, signal);
    const client = new PointClient(connection, name);
    return {
      capacity: (within) => client.capacity(within),
      reserve: (wish, within) => client.reserve(wish, within),
      release: (lease, within) => client.release(lease, within),
      commit: (commit, packBytes, within) => client.commit(commit, packBytes, within),
      missing: (state, packs, within) => client.missing(state, packs, within),
      keys: (state, within) => client.keys(state, within),
      openSource: (state, within) => BlocksSource.open({ connection, name, state }, within),
      openSink: (state, lease, within) => BlocksSink.open({ connection, name, state }, lease, within),
    };
  };
}
