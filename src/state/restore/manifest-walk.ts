import { rmSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import type { Totals } from '../format/index.ts';
import { readPack } from '../format/pack-reader.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { type KnownContent, ManifestChecker, type ManifestVisitor } from './manifest-checker.ts';
import type { OwnerMap } from './owner-map.ts';
import type { PackFeed } from './pack-feed.ts';
import type { PartSpool } from './part-spool.ts';
import type { Keys } from './place-packs.ts';

/** Fetches the manifest's packs and keeps its parts; nothing of them is believed before all have verified. */
export async function fetchManifest(
  parts: PartSpool,
  packCount: number,
  feed: PackFeed,
  { stateKey, stateId }: Keys,
  onPack: () => void,
): Promise<void> {
  for await (const { index, bytes } of feed.fetch(parts.packs(packCount))) {
    try {
      parts.take(index, readPack(bytes, stateKey, stateId));
    } catch (error) {
      if (error instanceof ResettleError && error.code === 'damaged') throw feed.damaged(index, error.message, error);
      throw error;
    }
    onPack();
  }
}

/** Goes through the whole manifest, checking it; `known` where it is that of a plan. Throws `damaged`. */
export function walkManifest(
  parts: PartSpool,
  totals: Totals,
  visitor: ManifestVisitor,
  owners: OwnerMap,
  known?: KnownContent,
): void {
  const scratch = `${parts.path}.pending`;
  const checker = new ManifestChecker(visitor, { known, scratch });
  try {
    for (const { part, entries } of parts.inOrder()) {
      throwIfStopped();
      owners.learn(part);
      checker.part(part, entries);
    }
    checker.end(totals);
  } finally {
    checker.close();
    // The next walk makes its own.
    rmSync(scratch, { force: true });
  }
}
