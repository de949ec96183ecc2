import { type FolderBlock, readBlock } from '../format/block.ts';
import { decodeCbor } from '../format/cbor-reader.ts';
import type { ExtentCaps } from '../format/entry.ts';
import { readBlockSpool } from '../fs/block-spool.ts';

/** In scratch files an extent's `segment` is its segment's number in the whole capture, and `pack` is 0. */
const SCRATCH_CAPS: ExtentCaps = { packs: 1, segments: 2 ** 32 };

/** Reads folder blocks back from a scratch file, one at a time. */
export function* readPlan(path: string): Generator<FolderBlock, void> {
  for (const block of readBlockSpool(path)) yield readBlock(decodeCbor(block, 'a scratch file'), SCRATCH_CAPS);
}
