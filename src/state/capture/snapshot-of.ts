import type { PackReference, PartReference, Totals } from '../format/index.ts';
import type { KnownPack } from '../plan/stat-cache.ts';
import type { WrittenPart } from './write-manifest.ts';

/**
 * What the descriptor says of packs and parts: every pack that a part refers to, and every one that this capture made,
 * by their numbers, which ascend in the order of writing.
 */
export function snapshotOf(
  parts: readonly WrittenPart[],
  packs: ReadonlyMap<number, KnownPack>,
  made: readonly number[],
): { packs: PackReference[]; packNumbers: Set<number>; parts: PartReference[]; totals: Totals; sealedBytes: number } {
  const packNumbers = new Set([...parts.flatMap((part) => [part.pack, ...part.packs]), ...made]);
  const ordered = [...packNumbers].sort((a, b) => a - b);
  const indexOf = new Map(ordered.map((number, index) => [number, index]));
  const references = ordered.map((number) => packs.get(number)!);
  const totals = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, specials: 0, bytes: 0 };
  for (const { totals: of } of parts) {
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += of[name];
  }
  return {
    packs: references,
    packNumbers,
    parts: parts.map(({ pack, frame, hash, totals: { entries } }) => ({
      pack: indexOf.get(pack)!,
      frame,
      hash,
      entries,
    })),
    totals,
    sealedBytes: references.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}
