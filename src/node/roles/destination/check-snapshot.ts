import { hexOf } from '../../../common/bytes.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { StateId } from '../../../common/ids.ts';
import { openDescriptor, type SnapshotHeader } from '../../../state/format/index.ts';
import type { Association } from '../../../state/records/index.ts';
import type { KnownOfState } from './newest.ts';

interface Subject {
  readonly state: StateId;
  readonly association: Association;
  readonly known: KnownOfState;
  readonly sourceName: string;
}

/** Who made it, for which association, and that it is the one that its source says. Throws `refused`, `damaged`. */
export async function checkSnapshot(
  descriptor: Uint8Array,
  { state, association, known, sourceName }: Subject,
  snapshot: number,
  holderName: string,
): Promise<SnapshotHeader> {
  const header = await openDescriptor(descriptor);
  const isTheirs =
    header.source === association.body.source && header.association === association.id && header.stateId === state;
  if (!isTheirs || header.snapshot !== snapshot) {
    throw new ResettleError(
      'refused',
      `${holderName} gave a snapshot that ${sourceName} did not make for this association`,
      { hint: 'do not trust that point; ask an operator' },
    );
  }
  const { commit } = known;
  if (
    commit?.snapshot === snapshot &&
    commit.descriptorHash &&
    commit.descriptorHash !== hexOf(header.descriptorHash)
  ) {
    throw new ResettleError(
      'refused',
      `${holderName} has another snapshot ${snapshot} than the one that ${sourceName} says it committed`,
      { hint: 'another holder may have it; else capture again on the old machine' },
    );
  }
  return header;
}
