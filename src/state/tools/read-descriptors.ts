import { asBuffer } from '../../common/bytes.ts';
import type { StateId } from '../../common/ids.ts';
import { damaged } from '../format/damaged.ts';
import { openDescriptor, type SnapshotHeader } from '../format/index.ts';
import type { HeldState, Store } from '../store/index.ts';

/** The descriptors of a state: those that verified, ascending, and why the others did not. */
export interface ReadDescriptors {
  readonly headers: readonly SnapshotHeader[];
  readonly failed: readonly { readonly snapshot: number; readonly error: unknown }[];
}

/**
 * Reads every descriptor of a state: signature, number, state, one signer for all, and the hash of the one before where
 * that is there. Needs no key.
 */
export async function readDescriptors(store: Store, { stateId, snapshots }: HeldState): Promise<ReadDescriptors> {
  const headers: SnapshotHeader[] = [];
  const failed: { snapshot: number; error: unknown }[] = [];
  for (const snapshot of snapshots) {
    try {
      headers.push(await readOne(store, stateId, snapshot, headers.at(-1)));
    } catch (error) {
      failed.push({ snapshot, error });
    }
  }
  return { headers, failed };
}

async function readOne(
  store: Store,
  state: StateId,
  snapshot: number,
  before: SnapshotHeader | undefined,
): Promise<SnapshotHeader> {
  const bytes = await store.readDescriptor(state, snapshot);
  if (!bytes) throw damaged('it is gone');
  const header = await openDescriptor(bytes);
  if (header.stateId !== state) throw damaged('it is of another state');
  if (header.snapshot !== snapshot) throw damaged(`it is of snapshot ${header.snapshot}`);
  if (before) checkFollows(header, before);
  return header;
}

/** Snapshots in between may be gone, or lie in another store. */
function checkFollows(header: SnapshotHeader, before: SnapshotHeader): void {
  if (header.source !== before.source) {
    throw damaged(`it was signed by ${header.source}, the one before by ${before.source}`);
  }
  const { previous } = header;
  if (header.snapshot !== before.snapshot + 1 || !previous) return;
  if (!asBuffer(previous).equals(asBuffer(before.descriptorHash))) {
    throw damaged(`it does not follow snapshot ${before.snapshot}, as that is here`);
  }
}
