import { messageOf } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import { PointClient } from '../../../protocols/point/point.ts';
import { wrapStateKey } from '../../../state/format/index.ts';
import type { Association, Member } from '../../../state/records/index.ts';
import { nameOf } from '../../membership/machines.ts';
import { holdersOf } from './safety/evidence.ts';
import { readReceipt } from './safety/receipts.ts';
import { readSourceState, type SourceState, writeSourceState } from './source-state.ts';
import type { SourceOptions } from './types.ts';

/**
 * Wraps the keys of what this source has stored to destinations that were named since, and gives them to all holders. Returns
 * how many holders could not be told: they are told when this is called again.
 */
export async function addKeys(options: SourceOptions, signal: AbortSignal): Promise<number> {
  const { fleet, home } = options;
  const roster = fleet.roster();
  let untold = 0;
  for (const association of roster.associations.values()) {
    // In place the destination gets its key by the ticket or a recovery key, never from a source that still lives.
    if (association.body.source !== fleet.self || association.body.mode !== 'side-by-side') continue;
    const destination = association.destination === undefined ? undefined : roster.members.get(association.destination);
    if (destination?.status !== 'active') continue;
    const state = readSourceState(home, association.id);
    if (!state || state.snapshot === 0 || state.recipients.includes(destination.ageRecipient)) continue;
    const failed = await addKey(options, association, state, destination, signal);
    untold += failed;
    const newest = readSourceState(home, association.id);
    if (failed > 0 || newest?.stateId !== state.stateId) continue;
    const recipients = [...new Set([...newest.recipients, destination.ageRecipient])];
    writeSourceState(home, association.id, { ...newest, recipients });
  }
  return untold;
}

async function addKey(
  { fleet, home, log }: SourceOptions,
  association: Association,
  state: SourceState,
  destination: Member,
  signal: AbortSignal,
): Promise<number> {
  const receipt = readReceipt(home, association.id);
  if (receipt?.state !== state.stateId) return 0;
  const key = { name: destination.peerId, bytes: await wrapStateKey(state.key, destination.ageRecipient) };
  let failed = 0;
  for (const peerId of holdersOf(receipt, fleet.events(association.id))) {
    const name = nameOf(fleet.roster(), peerId);
    try {
      const client = new PointClient(await fleet.connectTo(peerId, signal), name);
      await client.addKey(state.stateId, key, signal);
      failpoint('source.key-added');
      log.info(
        { state: state.stateId, point: name, destination: destination.name },
        'gave the key to a named destination',
      );
    } catch (error) {
      signal.throwIfAborted();
      failed += 1;
      log.warn({ state: state.stateId, point: name }, `could not add a key: ${messageOf(error)}`);
    }
  }
  return failed;
}
