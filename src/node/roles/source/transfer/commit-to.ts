import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../../common/clock.ts';
import { ResettleError } from '../../../../common/errors.ts';
import type { StateId } from '../../../../common/ids.ts';
import {
  COMMIT_BYTES_PER_SECOND,
  SOURCE_RECONNECT_FIRST_MS,
  SOURCE_RECONNECT_MS,
  SOURCE_RECONNECT_STEP_MS,
} from '../../../../common/limits.ts';
import type { Commit } from '../../../../protocols/point/messages.ts';
import type { PointClient } from '../../../../protocols/point/point.ts';
import { PointLeft } from './point-left.ts';
import type { PointRoute } from './point-route.ts';

export interface CommitOptions {
  readonly state: StateId;
  /** All but the lease. */
  readonly commit: Omit<Commit, 'lease'>;
  /** What the point reads again. */
  readonly packBytes: number;
  readonly clock: Clock;
  readonly note: (message: string) => void;
  readonly reconnectMs?: number | undefined;
  readonly reconnectFirstMs?: number | undefined;
}

/**
 * Commits on one point, whatever becomes of the connection: where an answer is lost, it first asks whether the snapshot is
 * there. Nobody else can have put it there: only this source signs, and each attempt has its own number.
 * Throws PointLeft where the point refuses it or does not come back.
 */
export async function commitTo(route: PointRoute, options: CommitOptions, signal: AbortSignal): Promise<void> {
  const { clock, note, reconnectFirstMs = SOURCE_RECONNECT_FIRST_MS } = options;
  // A point whose answer was lost may still be reading the packs, and refuses everything else meanwhile.
  const patienceMs =
    (options.reconnectMs ?? SOURCE_RECONNECT_MS) + (options.packBytes / COMMIT_BYTES_PER_SECOND) * 1000;
  let sinceMs: number | undefined;
  let refusals = 0;
  for (let waitMs = reconnectFirstMs; ; waitMs = Math.min(2 * waitMs, SOURCE_RECONNECT_STEP_MS)) {
    let asked = false;
    try {
      const client = await route.client(signal);
      if (sinceMs !== undefined) {
        if (await isThere(client, options, signal)) return;
        await route.reserveAnew(client, signal);
      }
      asked = true;
      await client.commit({ ...options.commit, lease: route.lease.lease }, options.packBytes, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PointLeft) throw error;
      if (asked && error instanceof ResettleError && error.code !== 'failed') {
        // The first refusal may be one of a lease that the point lost when it started again.
        refusals += error.code === 'refused' ? 1 : 2;
        if (refusals >= 2) throw new PointLeft(route.peerId, route.name, error);
      }
      if (sinceMs === undefined) note(`${route.name} has not confirmed the snapshot; it is asked again`);
      sinceMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - sinceMs + waitMs > patienceMs) throw new PointLeft(route.peerId, route.name, error);
    }
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function isThere(client: PointClient, { state, commit }: CommitOptions, signal: AbortSignal): Promise<boolean> {
  const holdings = await client.find(state, signal).catch((error: unknown) => {
    if (error instanceof ResettleError && error.code !== 'failed') return [];
    throw error;
  });
  return holdings.some((holding) => holding.state === state && holding.snapshots.includes(commit.snapshot));
}
