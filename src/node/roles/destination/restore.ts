import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { openDescriptor, unwrapStateKey } from '../../../state/format/index.ts';
import { readSnapshotDetails } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { PointRole } from '../point/point.ts';
import { type Applied, type ApplyOptions, applySnapshot, type RestoreWish } from './apply.ts';
import { findState, type Wanted } from './find-state.ts';

export interface RestoreRequest extends Wanted, RestoreWish {}

export interface RestoreDone extends Applied {
  readonly state: StateId;
  readonly snapshot: number;
  readonly association: string;
  readonly machine: PeerIdText;
  readonly machineName: string;
  readonly point: PeerIdText;
  readonly pointName: string;
}

export interface DestinationOptions extends ApplyOptions {
  readonly fleet: FleetView;
  /** This agent's own point, which may hold the state as well as any other. */
  readonly point: PointRole | undefined;
  readonly ageIdentity: string;
}

/** Restores the state that a point holds for this machine. */
export async function restoreFromPoint(
  options: DestinationOptions,
  request: RestoreRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<RestoreDone> {
  const { fleet } = options;
  const found = await findState(fleet, options.point, request, signal);
  const { point, access, state, snapshot, association } = found;
  const { descriptor, key } = await access.snapshot(state, snapshot, signal);
  // Who made it is settled before the key is opened.
  const header = await openDescriptor(descriptor);
  if (header.source !== association.body.source || header.association !== association.id || header.stateId !== state) {
    throw new ResettleError(
      'refused',
      `${point.name} gave a snapshot that ${found.sourceName} did not make for this association`,
      {
        hint: 'do not trust that point; ask an operator',
      },
    );
  }
  const stateKey = await unwrapStateKey(key, options.ageIdentity);
  const details = await readSnapshotDetails(descriptor, stateKey);
  const when = new Date(Number(details.capturedAtNs / 1_000_000n)).toISOString();
  emit({ event: 'note', message: `snapshot ${snapshot} of ${found.sourceName}, captured ${when}, from ${point.name}` });

  const source = await access.openPacks(state, signal);
  try {
    const applied = await applySnapshot(
      options,
      {
        descriptor,
        stateKey,
        expected: { stateId: state, source: association.body.source, association: association.id },
        source,
      },
      request,
      emit,
      signal,
    );
    await source.close().catch(() => {});
    return {
      ...applied,
      state,
      snapshot,
      association: association.id,
      machine: association.body.source,
      machineName: found.sourceName,
      point: point.peerId,
      pointName: point.name,
    };
  } catch (error) {
    source.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
