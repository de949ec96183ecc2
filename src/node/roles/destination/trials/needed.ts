/** Which states should be tried, from what parties signed. Pure. */
import type { AssociationId, PeerIdText, StateId } from '../../../../common/ids.ts';
import { EVENT_PEERS_MAX, TRIAL_AGAIN_MS } from '../../../../common/limits.ts';
import type { Association, EventBody, SignedEvent } from '../../../../state/records/index.ts';

/** A snapshot, and who says that he holds it. */
export interface TrialTask {
  readonly association: Association;
  readonly state: StateId;
  readonly snapshot: number;
  readonly descriptorHash: string;
  readonly holders: readonly PeerIdText[];
}

/** Names a task's subject. */
export function keyOf({ association, state }: { association: { id: AssociationId }; state: StateId }): string {
  return `${association.id}/${state}`;
}

/**
 * The trials that `self` owes for one association: the newest commit of each state, where its holders or the snapshot are
 * not those of the last trial, or where the source still says "stored" long after it. In place there is none: the key of a
 * machine that was not wiped yet opens nothing.
 */
export function trialsNeeded(
  association: Association,
  events: readonly SignedEvent[],
  self: PeerIdText,
  now: number,
): TrialTask[] {
  if (association.destination !== self || association.body.mode === 'in-place') return [];
  const commits = events.filter(({ body }) => body.step === 'commit' && body.state !== null && body.descriptorHash);
  return commits.flatMap((commit): TrialTask[] => {
    const { snapshot } = commit.body;
    const state = commit.body.state!;
    const descriptorHash = commit.body.descriptorHash!;
    const holders = events
      .filter(({ body }) => isHeld(body, state, descriptorHash))
      .map(({ signer }) => signer)
      .sort()
      .slice(0, EVENT_PEERS_MAX);
    const last = events.find(({ signer, body }) => signer === self && body.step === 'trial' && body.state === state);
    const task = { association, state, snapshot, descriptorHash, holders };
    return holders.length > 0 && isOwed(task, commit, last, now) ? [task] : [];
  });
}

function isHeld({ step, phase, state, descriptorHash }: EventBody, wanted: StateId, hash: string): boolean {
  return step === 'holder' && phase === 'held' && state === wanted && descriptorHash === hash;
}

function isOwed(task: TrialTask, commit: SignedEvent, last: SignedEvent | undefined, now: number): boolean {
  if (last?.body.descriptorHash !== task.descriptorHash) return true;
  const tried = new Set(last.body.peers);
  if (task.holders.some((holder) => !tried.has(holder))) return true;
  // The word "safe" follows a trial: only a source that misses one, or finds it too old, says "stored" after it.
  const isAsked = commit.body.phase === 'stored' && commit.time > last.time;
  return isAsked && Math.abs(now - last.time) > TRIAL_AGAIN_MS;
}
