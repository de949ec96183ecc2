import type { Connection } from '@libp2p/interface';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { BlocksSource } from '../../../protocols/blocks/client.ts';
import type { BlocksSession } from '../../../protocols/blocks/server.ts';
import type { Holding, PointAnswer, PointRequest } from '../../../protocols/point/messages.ts';
import { joinPackIds, PointClient, splitPackIds } from '../../../protocols/point/point.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Holder, OpenHolder } from './holders/types.ts';

/** The key file that is wrapped to the asker, or one of the two that are wrapped to nobody's machine. */
export type KeyFileName = '' | 'recovery' | 'code';

/** A point as a destination uses it, across the network or in this very agent. It is found anew for each question. */
export interface PointAccess extends Holder {
  /** What it holds for this machine. Throws `refused` when `state` is held for others. */
  find(state: StateId | undefined, signal: AbortSignal): Promise<Holding[]>;
  /** The descriptor, and the key file of that name: empty where there is none. Throws `not-found`, `refused`. */
  snapshot(
    state: StateId,
    snapshot: number,
    key: KeyFileName,
    signal: AbortSignal,
  ): Promise<{ descriptor: Uint8Array; key: Uint8Array }>;
}

/** This agent's own point, as far as a destination asks it. */
export interface OwnPoint {
  onPointRequest(request: Partial<PointRequest>, remotePeer: string): Promise<Partial<PointAnswer>>;
  openBlocks(open: { state: StateId; put: boolean; lease: string }, remotePeer: string): Promise<BlocksSession>;
}

/** A point on another machine. */
export function remotePoint(fleet: Pick<FleetView, 'connectTo'>, peerId: PeerIdText, name: string): PointAccess {
  const client = async (signal: AbortSignal): Promise<PointClient> =>
    new PointClient(await fleet.connectTo(peerId, signal), name);
  return {
    peerId,
    name,
    find: async (state, signal) => (await client(signal)).find(state ?? '', signal),
    snapshot: async (state, snapshot, key, signal) => (await client(signal)).snapshot(state, snapshot, signal, key),
    open: async (state, signal) => {
      const connection = await fleet.connectTo(peerId, signal);
      try {
        const source = await BlocksSource.open({ connection, name, state }, signal);
        return openRemote(connection, new PointClient(connection, name), source, state);
      } catch (error) {
        // A connection over an address that has gone looks open for a quarter of an hour, and answers nothing.
        if (!(error instanceof ResettleError) || error.code === 'failed') connection.abort(asError(error));
        throw error;
      }
    },
  };
}

function openRemote(connection: Connection, client: PointClient, source: BlocksSource, state: StateId): OpenHolder {
  return {
    missing: (packs, signal) => client.missing(state, packs, signal),
    fetch: (want, signal) => source.fetch(want, signal),
    get failure() {
      return source.failure;
    },
    probe: async (signal) => {
      await client.find(state, signal);
    },
    close: () => source.close(),
    abort: (reason, unreachable) => {
      source.abort(reason);
      if (unreachable) connection.abort(reason);
    },
  };
}

/** This agent's own point, under the same rules as for everybody: it opens for the destination of the state only. */
export function ownPoint(point: OwnPoint, self: PeerIdText, name: string): PointAccess {
  return {
    peerId: self,
    name,
    find: async (state) => (await point.onPointRequest({ find: { state: state ?? '' } }, self)).holdings ?? [],
    snapshot: async (state, snapshot, key) => {
      const answer = await point.onPointRequest({ snapshot: { state, snapshot, key } }, self);
      const { descriptor, key: file = new Uint8Array(0) } = answer;
      if (!descriptor) throw new ResettleError('not-found', `snapshot ${snapshot} of state ${state} is not here`);
      return { descriptor, key: file };
    },
    open: async (state) => openOwn(point, await point.openBlocks({ state, put: false, lease: '' }, self), self, state),
  };
}

function openOwn(point: OwnPoint, session: BlocksSession, self: PeerIdText, state: StateId): OpenHolder {
  let failure: Error | undefined;
  return {
    missing: async (packs) => {
      const { missing } = await point.onPointRequest({ missing: { state, packs: joinPackIds(packs) } }, self);
      return splitPackIds(missing ?? new Uint8Array(0));
    },
    // Settles when the read has settled, however long a disk takes: until then it writes into that memory.
    fetch: async ({ id, sizeBytes, into, onBytes, check }, signal) => {
      if (failure) throw failure;
      const size = await session.holder.loadPack(state, id, into.subarray(0, sizeBytes));
      signal.throwIfAborted();
      if (failure) throw failure;
      if (size !== sizeBytes) throw new ResettleError('damaged', `pack ${id} has ${size} bytes, not ${sizeBytes}`);
      onBytes(sizeBytes);
      return check();
    },
    get failure() {
      return failure;
    },
    probe: async () => {},
    close: async () => session.close(),
    abort: (reason) => {
      failure ??= reason;
      session.close();
    },
  };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(messageOf(error)));
