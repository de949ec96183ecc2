import type { PeerIdText } from '../../../common/ids.ts';
import type { Roster } from '../../../state/records/index.ts';
import { nameOf } from '../../membership/machines.ts';
import type { Stored } from './attempt.ts';
import type { Standing } from './safety/confirm.ts';
import type { CaptureDone } from './types.ts';

/** What a capture ends with. */
export function doneOf(stored: Stored, standing: Standing, roster: Roster): CaptureDone {
  const { association, result, points, state } = stored;
  const known = roster.associations.get(association);
  const destination: PeerIdText | undefined = known?.destination;
  const { safety, receipt, holders } = standing;
  return {
    state: state.stateId,
    snapshot: stored.snapshot,
    association,
    machine: destination ?? null,
    machineName: destination === undefined ? null : nameOf(roster, destination),
    point: points[0]!.peerId,
    pointName: points[0]!.name,
    points,
    files: result.totals.files,
    bytes: result.totals.bytes,
    storedBytes: result.sealedBytes,
    newBytes: result.newBytes,
    sentBytes: stored.sentBytes,
    recipients: stored.readers.shown,
    skipped: stored.skipped,
    // Its points have committed all of it together: that is one copy whoever has signed so far.
    copies: Math.max(1, standing.copies, safety.copies),
    replicas: known?.body.replicas ?? 1,
    receipt: Object.fromEntries(holders.map((peerId) => [peerId, receipt.descriptorHash])),
    safe: safety.safe,
    safeUntil: safety.safe ? new Date(safety.untilMs).toISOString() : null,
    missing: safety.missing,
  };
}
