import { messageOf, ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { PackId } from '../../common/ids.ts';
import type { HeldState, SnapshotFile, Store } from '../store/index.ts';
import { readDescriptors } from './read-descriptors.ts';
import { referredPacks } from './referred-packs.ts';

/** Which snapshots stay: one that either wish keeps, and the newest always. Without a wish all of them. */
export interface Retention {
  /** This many of the highest numbers. */
  readonly last?: number | undefined;
  /** Those whose files were written within this time, in milliseconds. */
  readonly withinMs?: number | undefined;
}

export interface PruneOptions {
  readonly retention: Retention;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly dryRun: boolean;
}

export interface PruneResult {
  readonly kept: readonly number[];
  readonly dropped: readonly number[];
  readonly droppedPacks: number;
  readonly freedBytes: number;
  /** Snapshots whose files say that they were written later than now: they count as new. */
  readonly ofTheFuture: readonly number[];
}

/**
 * Drops what a state need not keep: descriptors beyond the retention, then whole packs that none of the others refers to,
 * and nothing else. Killed at any time it leaves a store that is whole. Needs no key. Throws `damaged`, and drops nothing,
 * where a descriptor cannot be read: it might refer to any pack.
 */
export async function pruneState(store: Store, held: HeldState, options: PruneOptions): Promise<PruneResult> {
  const { stateId } = held;
  const { headers, failed } = await readDescriptors(store, held);
  const [damaged] = failed;
  if (damaged) {
    throw new ResettleError(
      'damaged',
      `snapshot ${damaged.snapshot} of state ${stateId} cannot be read, so nothing of this state is dropped: ${messageOf(damaged.error)}`,
      {
        hint: 'put that file back from another copy, or move it away if that snapshot is not wanted',
        cause: damaged.error,
      },
    );
  }
  const files = await store.snapshotFiles(stateId);
  const { now, retention } = options;
  const kept = keptSnapshots(files, retention, now);
  const dropped = files.filter(({ snapshot }) => !kept.has(snapshot));
  const referred = referredPacks(headers.filter(({ snapshot }) => kept.has(snapshot)));
  const packs = (await store.packs(stateId)).filter(({ id }) => !referred.has(id));
  if (!options.dryRun) {
    // Descriptors first, each one durably: what is left refers only to packs that are there, wherever this ends.
    for (const { snapshot } of dropped) await store.dropSnapshot(stateId, snapshot);
    failpoint('prune.snapshots-dropped');
    if (packs.length > 0) await store.dropPacksExcept(stateId, [...referred.keys()] as PackId[]);
  }
  return {
    kept: [...kept].sort((a, b) => a - b),
    dropped: dropped.map(({ snapshot }) => snapshot),
    droppedPacks: packs.length,
    freedBytes: [...dropped, ...packs].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ofTheFuture: files.filter(({ writtenAtMs }) => writtenAtMs > now).map(({ snapshot }) => snapshot),
  };
}

/** The numbers of the snapshots that stay. `files` ascend. */
export function keptSnapshots(files: readonly SnapshotFile[], { last, withinMs }: Retention, now: number): Set<number> {
  const all = files.map(({ snapshot }) => snapshot);
  if (last === undefined && withinMs === undefined) return new Set(all);
  return new Set([
    ...all.slice(-Math.max(1, last ?? 0)),
    ...files
      .filter(({ writtenAtMs }) => withinMs !== undefined && writtenAtMs >= now - withinMs)
      .map((one) => one.snapshot),
  ]);
}
