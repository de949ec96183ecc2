import { hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { damaged } from '../format/damaged.ts';
import { digest, openDescriptor, openSealedPart, type SealedPart, type SnapshotHeader } from '../format/index.ts';
import type { RestoreWorkerData } from './messages.ts';
import { onlyRoot } from './restore-plan.ts';
import type { RestoreOptions } from './types.ts';

/** Verifies who signed, opens the sealed part, and checks that the parts are those that were signed. */
export async function openSnapshot(
  descriptor: Uint8Array,
  stateKey: Uint8Array,
): Promise<{ header: SnapshotHeader; sealed: SealedPart }> {
  const header = await openDescriptor(descriptor);
  const sealed = openSealedPart(header, stateKey);
  const manifestHash = digest(Buffer.concat(sealed.parts.map((part) => part.hash)));
  if (!manifestHash.equals(header.manifestHash)) throw damaged('the manifest is not the one that was signed');
  return { header, sealed };
}

/** Throws `refused` where a snapshot is another one than was asked for. */
function checkExpected(header: SnapshotHeader, expected: RestoreOptions['expected']): void {
  const differs =
    header.stateId !== expected.stateId
      ? 'it is of another state'
      : header.source !== expected.source
        ? `it was signed by ${header.source}`
        : header.association !== expected.association
          ? 'it belongs to another association'
          : undefined;
  if (differs === undefined) return;
  throw new ResettleError('refused', `this snapshot is not the one that was asked for: ${differs}`, {
    hint: 'check which machine and which state you want to restore',
  });
}

/** What a worker that restores is started with: a descriptor that was verified, opened, and is the one that was asked for. */
export async function workerDataOf(options: Omit<RestoreOptions, 'source'>): Promise<RestoreWorkerData> {
  const { descriptor, stateKey, expected, ...asked } = options;
  const { header, sealed } = await openSnapshot(descriptor, stateKey);
  checkExpected(header, expected);
  if (options.strip) onlyRoot(sealed.roots);
  return {
    ...asked,
    stateId: header.stateId,
    stateKey,
    snapshot: header.snapshot,
    descriptorHash: hexOf(header.descriptorHash),
    packs: header.packs,
    sealed,
    startedAt: new Date().toISOString(),
  };
}
