import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import type { PackSource } from '../../../common/ports.ts';
import { BlocksSource } from '../../../protocols/blocks/client.ts';
import type { Holding } from '../../../protocols/point/messages.ts';
import { PointClient } from '../../../protocols/point/point.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { PointRole } from '../point/point.ts';

/** Packs of one state for as long as it is accessible: until `close`. */
export interface OpenPacks extends PackSource {
  close(): Promise<void>;
  abort(reason: Error): void;
}

/** A point as a destination uses it, across the network or in this very agent. */
export interface PointAccess {
  /** What it holds for this machine. Throws `refused` when `state` is held for others. */
  find(state: StateId | undefined, signal: AbortSignal): Promise<Holding[]>;
  snapshot(state: StateId, snapshot: number, signal: AbortSignal): Promise<{ descriptor: Uint8Array; key: Uint8Array }>;
  openPacks(state: StateId, signal: AbortSignal): Promise<OpenPacks>;
}

/** A point on another machine. */
export async function remotePoint(
  fleet: FleetView,
  peerId: PeerIdText,
  name: string,
  signal: AbortSignal,
): Promise<PointAccess> {
  const connection = await fleet.connectTo(peerId, signal);
  const client = new PointClient(connection, name);
  return {
    find: (state, within) => client.find(state ?? '', within),
    snapshot: (state, snapshot, within) => client.snapshot(state, snapshot, within),
    openPacks: (state, within) => BlocksSource.open({ connection, name, state }, within),
  };
}

/** This agent's own point, under the same rules as for everybody: it opens for the destination of the state only. */
export function ownPoint(point: PointRole, self: PeerIdText): PointAccess {
  return {
    find: async (state) => (await point.onPointRequest({ find: { state: state ?? '' } }, self)).holdings ?? [],
    snapshot: async (state, snapshot) => {
      const { descriptor, key } = await point.onPointRequest({ snapshot: { state, snapshot, key: '' } }, self);
      if (!descriptor || !key)
        throw new ResettleError('not-found', `snapshot ${snapshot} of state ${state} is not here`);
      return { descriptor, key };
    },
    openPacks: async (state) => {
      const session = await point.openBlocks({ state, put: false, lease: '' }, self);
      return {
        get: async (id, sizeBytes, into) => {
          const size = await session.holder.loadPack(state, id, into);
          if (size !== sizeBytes) throw new ResettleError('damaged', `pack ${id} has ${size} bytes, not ${sizeBytes}`);
        },
        close: async () => session.close(),
        abort: () => session.close(),
      };
    },
  };
}
