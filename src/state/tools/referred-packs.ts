import type { PackId } from '../../common/ids.ts';
import type { SnapshotHeader } from '../format/index.ts';

/** Every pack that one of the snapshots refers to, with its size in bytes. */
export function referredPacks(headers: readonly SnapshotHeader[]): Map<PackId, number> {
  const packs = new Map<PackId, number>();
  for (const header of headers) for (const { id, sizeBytes } of header.packs) packs.set(id, sizeBytes);
  return packs;
}
