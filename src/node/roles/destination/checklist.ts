import type { Clock } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import { type Checklist, checkRestore, summaryLines } from '../../../state/areas/checklist/index.ts';
import type { Emit } from '../../events.ts';
import type { Home } from '../../home/home.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import { damagedRestore, restoresOf, standingOf, undoableIn } from './restores.ts';

export interface ChecklistOptions {
  readonly home: Home;
  readonly clock: Clock;
}

/** Looks at what the named restore left, or the newest that was not undone. Throws `not-found`, `failed`, `damaged`. */
export async function checklistOf(
  { home, clock }: ChecklistOptions,
  restore: string | undefined,
  emit: Emit,
  signal: AbortSignal,
): Promise<Checklist> {
  const id = restore ?? newestStanding(home);
  if (id === undefined) {
    throw new ResettleError('not-found', 'there is no restore to look at', {
      hint: `restores that this HOME made are kept in ${home.path('restores')}`,
    });
  }
  const standing = standingOf(home, id);
  if (standing.is === 'damaged') throw damagedRestore(home, id, standing.error);
  if (standing.is !== 'made') {
    throw new ResettleError('not-found', `there is no restore ${JSON.stringify(id)} here, or it was undone`, {
      hint: `there are ${undoableIn(home).join(', ') || 'none'}`,
    });
  }
  const meter = new ProgressMeter(clock, emit);
  const undoDir = home.path('restores', id);
  const checklist = await checkRestore({ undoDir, nowMs: clock.now() }, { onProgress: meter.onProgress, signal });
  meter.finish();
  return checklist;
}

/** A damaged one among them: that it is passed over would look as if the one before were the newest. */
const newestStanding = (home: Home): string | undefined =>
  restoresOf(home).findLast((id) => ['made', 'damaged'].includes(standingOf(home, id).is));

/** What a restore says of itself at its end. */
export interface ChecklistSummary extends Pick<Checklist, 'counts' | 'worst'> {
  /** For people; the first is the whole in one sentence. */
  readonly lines: readonly string[];
}

/** The checklist of a restore that has just ended, in short. Throws as `checklistOf` does. */
export async function checklistSummary(
  options: ChecklistOptions,
  restore: string,
  emit: Emit,
  signal: AbortSignal,
): Promise<ChecklistSummary> {
  const checklist = await checklistOf(options, restore, emit, signal);
  return { counts: checklist.counts, worst: checklist.worst, lines: summaryLines(checklist) };
}
