import { randomBytes } from 'node:crypto';
import type { RandomBytes } from '../../common/clock.ts';
import { digest, keyCheckValue, signDescriptor } from '../format/index.ts';
import { sealPart } from '../format/sealed-part.ts';
import type { CaptureResult, SnapshotAbout } from './types.ts';

/** Builds, seals and signs the descriptor file of a capture. Its presence in a store commits the snapshot. */
export async function describeSnapshot(
  result: Pick<CaptureResult, 'roots' | 'parts' | 'totals' | 'leftOut' | 'packs'>,
  about: SnapshotAbout,
  random: RandomBytes = randomBytes,
): Promise<Uint8Array> {
  const { roots, parts, totals, leftOut } = result;
  const { capturedAtNs, machineName, platform, stateKey, stateId } = about;
  const sealed = sealPart(
    { roots, parts, totals, leftOut, capturedAtNs, machineName, platform },
    stateKey,
    stateId,
    random,
  );
  return await signDescriptor(
    {
      stateId,
      association: about.association,
      snapshot: about.snapshot,
      previous: about.previous ?? null,
      keyCheck: keyCheckValue(stateKey, stateId),
      manifestHash: digest(Buffer.concat(parts.map((part) => part.hash))),
      packs: result.packs,
      sealed,
    },
    about.privateKey,
  );
}
