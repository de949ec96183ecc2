import type { PackId, StateId } from '../../../../common/ids.ts';
import { VERIFY_TURN_BYTES } from '../../../../common/limits.ts';
import type { PackReference } from '../../../../state/format/index.ts';
import type { Store } from '../../../../state/store/index.ts';

/** Packs in groups of VERIFY_TURN_BYTES at most, or of one. */
export function* inTurns(packs: readonly PackReference[]): Generator<PackReference[]> {
  let turn: PackReference[] = [];
  let bytes = 0;
  for (const pack of packs) {
    if (turn.length > 0 && bytes + pack.sizeBytes > VERIFY_TURN_BYTES) {
      yield turn;
      turn = [];
      bytes = 0;
    }
    turn.push(pack);
    bytes += pack.sizeBytes;
  }
  if (turn.length > 0) yield turn;
}

/** Reads packs from the disk, a few at a time, so that transfers get their turn. Returns those missing or damaged. */
export async function verifyInTurns(
  store: Store,
  state: StateId,
  packs: readonly PackReference[],
  onTurn: () => void,
): Promise<PackId[]> {
  const bad: PackId[] = [];
  for (const turn of inTurns(packs)) {
    bad.push(...(await store.verifyPacks(state, turn)));
    onTurn();
  }
  return bad;
}
