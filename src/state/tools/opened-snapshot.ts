import { setImmediate as nextTurn } from 'node:timers/promises';
import { asBuffer } from '../../common/bytes.ts';
import { damaged } from '../format/damaged.ts';
import {
  decodePart,
  digest,
  type ManifestPart,
  openDescriptor,
  openSealedPart,
  type SealedPart,
  type SnapshotHeader,
} from '../format/index.ts';
import type { PackFrames } from './pack-frames.ts';

/** A snapshot whose signature was verified and whose sealed part was opened. */
export interface OpenedSnapshot {
  readonly header: SnapshotHeader;
  readonly sealed: SealedPart;
}

/** Opens the sealed part. Throws `refused` where the key is not this state's, `damaged`. */
export function openSnapshotOf(header: SnapshotHeader, stateKey: Uint8Array): OpenedSnapshot {
  const sealed = openSealedPart(header, stateKey);
  const manifestHash = digest(Buffer.concat(sealed.parts.map((part) => part.hash)));
  if (!manifestHash.equals(header.manifestHash)) throw damaged('the manifest is not the one that was signed');
  return { header, sealed };
}

/** Verifies and opens a descriptor file. Throws `refused`, `damaged`. */
export async function openSnapshotFile(descriptor: Uint8Array, stateKey: Uint8Array): Promise<OpenedSnapshot> {
  return openSnapshotOf(await openDescriptor(descriptor), stateKey);
}

/** The parts of a manifest in order, each checked against its hash. Other work gets a turn between two of them. */
export async function* manifestParts(
  { header, sealed }: OpenedSnapshot,
  frames: PackFrames,
  signal: AbortSignal,
): AsyncGenerator<{ part: ManifestPart; entries: number }, void> {
  for (const { pack, frame, hash, entries } of sealed.parts) {
    await nextTurn();
    signal.throwIfAborted();
    const reference = header.packs[pack];
    if (!reference) throw damaged('a part lies in a pack that the descriptor does not name');
    const plain = frames.manifest(reference.id, frame);
    if (!digest(plain).equals(asBuffer(hash))) throw damaged(`pack ${reference.id} holds another part of the manifest`);
    yield { part: decodePart(plain), entries };
  }
}
