import { failpoint } from '../../../common/failpoint.ts';
import { codeOf } from '../../fs/errno.ts';
import { withAccountsLocked } from './account-lock.ts';
import type { Beneath } from './beneath.ts';
import type { Journal } from './journal.ts';
import type { AreasParts } from './parts.ts';
import { putAllBack } from './put-all-back.ts';
import type { PutBack } from './put-back.ts';
import { PHASES, type Phase } from './steps.ts';
import type { AreaFailure, AreasUndone } from './types.ts';
import { changedPaths, Waker } from './wake.ts';

/** Puts back what a run that did not get to its end changed, also of one that a crash ended. Throws `failed`. */
export function rollBack(
  parts: AreasParts,
  journal: Journal,
  beneath: Beneath,
  phases: readonly Phase[] = PHASES,
): AreasUndone {
  return takeBack(parts, journal, beneath, phases, 'rolled-back');
}

/** Puts back what a restore changed, or one phase of it. Throws `failed`. */
export function undo(parts: AreasParts, journal: Journal, beneath: Beneath, phases: readonly Phase[]): AreasUndone {
  return takeBack(parts, journal, beneath, phases, 'undone');
}

function takeBack(
  parts: AreasParts,
  journal: Journal,
  beneath: Beneath,
  phases: readonly Phase[],
  status: 'rolled-back' | 'undone',
): AreasUndone {
  const system = parts.systemAt(journal.outcome.wish.root);
  const waker = new Waker(system, parts.areas, journal);
  const paths = changedPaths(journal, phases);
  const woken = waker.woken;
  if (status === 'undone') waker.stopUnits(new Set(paths.keys()));
  const all = journal.plan.steps.map(({ path }) => path);
  let back: PutBack;
  let notStarted: readonly AreaFailure[];
  try {
    back = withAccountsLocked(system, all, () => putAllBack(beneath, journal, phases, parts.onPoint));
  } finally {
    notStarted = waker.startUnits();
  }
  const notWoken = [...notStarted, ...waker.activate(new Map([...paths].filter(([area]) => woken.has(area))))];
  const kept = back.kept.report();
  if (phases.includes('before')) end(parts, journal, status, kept.count);
  return { removed: back.removed, putBack: back.putBack, kept, notWoken };
}

function end(parts: AreasParts, journal: Journal, status: 'rolled-back' | 'undone', keptNow: number): void {
  const ended = parts.now?.() ?? Date.now();
  // Of a phase that an earlier call took back, too.
  const kept = journal.entries.reduce(
    (most, entry) => Math.max(most, entry.did === 'undone' ? (entry.kept ?? 0) : 0),
    keptNow,
  );
  failpoint('areas.put-back');
  try {
    journal.setOutcome({ status, times: { ...journal.outcome.times, ended }, kept });
  } catch (error) {
    // A disk that is full or read-only: the next run finds nothing left to put back, and says so then.
    if (status === 'undone' || codeOf(error) === undefined) throw error;
    return;
  }
  failpoint('areas.put-back-noted');
  journal.forget('staged');
  // What could not be put back is told to lie there.
  if (kept === 0) journal.forget('before');
}
