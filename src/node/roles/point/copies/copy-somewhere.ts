import { messageOf, ResettleError } from '../../../../common/errors.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { PeerIdText } from '../../../../common/ids.ts';
import type { Doors } from '../door.ts';
import type { ConnectPoint } from '../other-points.ts';
import type { PointFleet } from '../point-fleet.ts';
import type { Receipts } from '../receipts.ts';
import { type CopiesInput, candidatesFor } from './copies.ts';
import { type AskedForCopy, bytesToSend, type CopyOf, type CopyParts, lackForCopy, sendCopy } from './copy-state.ts';

export interface CopySomewhereParts extends CopyParts {
  readonly fleet: PointFleet;
  readonly doors: Doors;
  readonly receipts: Receipts;
  readonly connect: ConnectPoint;
}

export interface CopySomewhereOptions {
  /** Who has it already, and this machine. */
  readonly holders: readonly PeerIdText[];
  /** It is another holder's turn, which may be at it. */
  readonly isBackup: boolean;
  readonly isStillShort: () => boolean;
  readonly signal: AbortSignal;
}

/** Points asked for room at once. */
const ASK_AT_ONCE = 8;

/** Makes one copy on the first point that takes it. Throws with what each one lacked. */
export async function copySomewhere(
  parts: CopySomewhereParts,
  input: CopiesInput,
  copy: CopyOf,
  { holders, isBackup, isStillShort, signal }: CopySomewhereOptions,
): Promise<void> {
  const { fleet, doors, receipts, log } = parts;
  const { state } = input;
  const { asked, lacks } = await askAll(parts, input, copy, holders, signal);
  for (const { peer, other } of asked) {
    // One that failed may have taken long: there may be enough by now.
    if (lacks.length > 0 && !isStillShort()) return;
    const pass = doors.enter(state, 'get', fleet.self, true);
    const within = AbortSignal.any([signal, pass.signal]);
    try {
      log.info({ state, peer, packs: copy.packs.length }, 'making a copy');
      await sendCopy(parts, copy, other, () => pass.progress(), within);
      failpoint('copy.made');
      await receipts.tell(copy.one, peer);
      log.info({ state, peer }, 'a copy was made');
      return;
    } catch (error) {
      within.throwIfAborted();
      // A backup that is refused has most likely met the one whose turn it is.
      if (isBackup && error instanceof ResettleError && error.code === 'refused') throw error;
      lacks.push(`${nameIn(input, peer)}: ${messageOf(error)}`);
    } finally {
      pass.close();
    }
  }
  throw new ResettleError('no-point', lacks.length > 0 ? lacks.join('; ') : 'no other machine offers a point for it');
}

/** Those with room: in the order of the association, else who has most of it already, else who has most room. */
async function askAll(
  { connect }: CopySomewhereParts,
  input: CopiesInput,
  copy: CopyOf,
  holders: readonly PeerIdText[],
  signal: AbortSignal,
): Promise<{ asked: AskedForCopy[]; lacks: string[] }> {
  const lacks: string[] = [];
  const asked: AskedForCopy[] = [];
  const ids = copy.packs.map(({ id }) => id);
  const candidates = candidatesFor(input, holders);
  const askNext = async (): Promise<void> => {
    for (let peer = candidates.shift(); peer; peer = candidates.shift()) {
      try {
        const other = await connect(peer, signal);
        const capacity = await other.capacity(signal);
        const bytes = bytesToSend(copy, new Set(await other.missing(input.state, ids, signal)));
        const lack = lackForCopy(capacity, bytes);
        if (lack) throw lack;
        asked.push({ peer, other, bytes, freeBytes: capacity.freeBytes });
      } catch (error) {
        signal.throwIfAborted();
        lacks.push(`${nameIn(input, peer)}: ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: ASK_AT_ONCE }, askNext));
  const { points } = input.association.body;
  asked.sort((a, b) =>
    points.length > 0
      ? points.indexOf(a.peer) - points.indexOf(b.peer)
      : a.bytes - b.bytes || b.freeBytes - a.freeBytes,
  );
  return { asked, lacks };
}

function nameIn({ roster }: CopiesInput, peer: PeerIdText): string {
  return roster.members.get(peer)?.name ?? peer;
}
