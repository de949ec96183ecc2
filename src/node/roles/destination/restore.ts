import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { openDescriptor, unwrapStateKey } from '../../../state/format/index.ts';
import { readSnapshotDetails, restoreSnapshot } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import type { FleetView } from '../../fleet-view.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import type { PointRole } from '../point/point.ts';
import { findState, type Wanted } from './find-state.ts';

export interface RestoreRequest extends Wanted {
  /** Absolute: where what was captured goes. */
  readonly into: string;
  readonly strip: boolean;
}

export interface RestoreDone {
  readonly restore: string;
  readonly state: StateId;
  readonly snapshot: number;
  readonly association: string;
  readonly machine: PeerIdText;
  readonly machineName: string;
  readonly point: PeerIdText;
  readonly pointName: string;
  readonly into: string;
  readonly files: number;
  readonly bytes: number;
  readonly resumed: boolean;
  /** Items that the capture had left out, and ones that were withheld here. */
  readonly skipped: number;
}

export interface DestinationOptions {
  readonly fleet: FleetView;
  /** This agent's own point, which may hold the state as well as any other. */
  readonly point: PointRole | undefined;
  readonly ageIdentity: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Restores the state that is held for this machine into a folder. */
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

  const restoreId = hexOf(options.random(8));
  const meter = new ProgressMeter(options.clock, emit);
  const source = await access.openPacks(state, signal);
  try {
    const result = await restoreSnapshot(
      {
        descriptor,
        stateKey,
        expected: { stateId: state, source: association.body.source, association: association.id },
        target: request.into,
        strip: request.strip,
        source,
        restoreId,
      },
      { onProgress: meter.onProgress, signal },
    );
    meter.finish();
    await source.close().catch(() => {});
    for (const item of result.skippedAtCapture.items) emit({ event: 'skipped', ...item });
    for (const item of result.withheld.items) emit({ event: 'skipped', ...item });
    return {
      restore: restoreId,
      state,
      snapshot,
      association: association.id,
      machine: association.body.source,
      machineName: found.sourceName,
      point: point.peerId,
      pointName: point.name,
      into: request.into,
      files: result.files,
      bytes: result.bytes,
      resumed: result.resumed,
      skipped: result.skippedAtCapture.count + result.withheld.count,
    };
  } catch (error) {
    source.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
