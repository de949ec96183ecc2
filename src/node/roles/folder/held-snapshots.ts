import type { PackId, PeerIdText, StateId } from '../../../common/ids.ts';
import { openDescriptor } from '../../../state/format/index.ts';
import type { Store } from '../../../state/store/index.ts';

/** What the snapshots of one state in a store say. */
export interface HeldSnapshots {
  /** The highest number, 0 for none. */
  readonly highest: number;
  /** Hash of the descriptor with that number; undefined where that one is damaged, or another machine's. */
  readonly highestHash: Uint8Array | undefined;
  /** Every pack that a snapshot refers to, with its size in bytes. */
  readonly packs: ReadonlyMap<PackId, number>;
  /** The snapshots that need these packs, ascending. */
  readonly needing: (packs: ReadonlySet<PackId>) => readonly number[];
  /** Every descriptor could be read: what is not in `packs` is in none. */
  readonly complete: boolean;
}

/** Reads every descriptor of a state that `source` makes in this store. */
export async function readHeldSnapshots(store: Store, state: StateId, source: PeerIdText): Promise<HeldSnapshots> {
  const held = (await store.states()).find(({ stateId }) => stateId === state);
  const packs = new Map<PackId, number>();
  const bySnapshot = new Map<number, readonly PackId[]>();
  let highestHash: Uint8Array | undefined;
  let complete = true;
  for (const snapshot of held?.snapshots ?? []) {
    highestHash = undefined;
    try {
      const header = await openDescriptor((await store.readDescriptor(state, snapshot))!);
      if (header.stateId !== state || header.source !== source) throw new Error('it is of another state');
      for (const { id, sizeBytes } of header.packs) packs.set(id, sizeBytes);
      bySnapshot.set(
        snapshot,
        header.packs.map(({ id }) => id),
      );
      highestHash = header.descriptorHash;
    } catch {
      // A damaged one is `store verify`'s to name; here it must only not cost a pack that others need.
      complete = false;
    }
  }
  const needing = (wanted: ReadonlySet<PackId>): number[] =>
    [...bySnapshot].filter(([, ids]) => ids.some((id) => wanted.has(id))).map(([snapshot]) => snapshot);
  return { highest: held?.snapshots.at(-1) ?? 0, highestHash, packs, needing, complete };
}
