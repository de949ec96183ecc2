import { hintOf, messageOf } from '../../common/errors.ts';
import type { HeldState, Store } from '../store/index.ts';
import { readDescriptors } from './read-descriptors.ts';
import { referredPacks } from './referred-packs.ts';
import { withScratch } from './scratch.ts';
import { readManifests } from './verify-manifests.ts';
import { verifyPacks } from './verify-packs.ts';
import type { VerifyEvents, VerifyResult } from './verify-types.ts';

/**
 * Checks a state in a store: every descriptor, every pack that one refers to, and with the state key every manifest and
 * every piece of every file. Each pack is read once, whatever number of snapshots refers to it. Tells what is damaged
 * and goes on; throws where it cannot.
 */
export async function verifyState(
  store: Store,
  held: HeldState,
  stateKey: Uint8Array | undefined,
  on: VerifyEvents,
): Promise<VerifyResult> {
  const { stateId } = held;
  const { headers, failed } = await readDescriptors(store, held);
  for (const { snapshot, error } of failed) {
    const hint = hintOf(error);
    on.onDamage({ what: 'descriptor', state: stateId, snapshot, reason: messageOf(error), hint });
  }
  const packs = referredPacks(headers);
  const files = await withScratch(async (scratch) => {
    const contents = stateKey && (await readManifests(store, { stateId, stateKey }, headers, packs, scratch, on));
    await verifyPacks(store, stateId, packs, contents, on);
    const count = contents?.files ?? 0;
    contents?.close();
    return count;
  });
  const others = (await store.packs(stateId)).filter(({ id }) => !packs.has(id));
  return {
    snapshots: held.snapshots.length,
    packs: packs.size,
    packBytes: [...packs.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0),
    unreferencedPacks: others.length,
    unreferencedBytes: others.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files,
  };
}
