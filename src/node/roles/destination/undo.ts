import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import {
  type AreasUndone,
  canUndoAreas,
  readAreasOutcome,
  standingOfAreas,
  undoAreas,
} from '../../../state/areas/transaction/index.ts';
import { orNoSpace } from '../../../state/fs/no-space.ts';
import { hasFiles, targetOf, undoRestore } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import type { ApplyOptions } from './apply.ts';
import { damagedRestore, forgetBegun, forgetRestore, restoresOf, standingOf, undoableIn } from './restores.ts';
import { noteUndone, type Undone } from './undone.ts';

export interface UndoDone {
  readonly restore: string;
  /** Null where the restore was cut short before it came to files. */
  readonly state: string | null;
  readonly snapshot: number | null;
  /** Null where the restore was cut short before it said where it goes. */
  readonly into: string | null;
  readonly removed: number;
  readonly putBack: number;
  /** Items that stay, because they were changed since. */
  readonly skipped: number;
  /** It had been undone before, and nothing was changed now. */
  readonly wasUndone: boolean;
  /** ISO 8601. */
  readonly undoneAt: string;
  /** The newest restore before it that can be undone, by its name. */
  readonly earlier: string | null;
}

type TakenBack = Pick<UndoDone, 'state' | 'snapshot' | 'into' | 'removed' | 'putBack' | 'skipped'>;

const NOTHING: AreasUndone = { removed: 0, putBack: 0, kept: { items: [], count: 0 }, notWoken: [] };

/**
 * Puts back what a restore replaced: the named one, or the newest. One that was undone already is left as it is, and so is
 * the one before it: whoever lost the answer gives the same command again. Throws `not-found`, `damaged`, `failed`.
 */
export async function undo(
  options: ApplyOptions,
  restore: string | undefined,
  emit: Emit,
  signal: AbortSignal,
): Promise<UndoDone> {
  const { home, clock } = options;
  const id = restore ?? (await newest(options, emit, signal));
  const standing = standingOf(home, id);
  if (standing.is === 'damaged') throw damagedRestore(home, id, standing.error);
  if (standing.is === 'undone') {
    if (standing.undone.kept === 0) forgetRestore(home.path('restores', id));
    failpoint('undo.done');
    return wasUndone(options, standing.undone, emit);
  }
  if (standing.is === 'none') {
    throw new ResettleError('not-found', `there is no restore ${JSON.stringify(id)} here that could be undone`, {
      hint: `there are ${undoableIn(home).join(', ') || 'none'}`,
    });
  }
  const taken = await takeBack(options, id, emit, signal);
  const undoneAt = new Date(clock.now()).toISOString();
  if (standing.is === 'made')
    settle(options, { format: 1, restore: id, undoneAt, kept: taken.skipped, ...whatOf(taken) });
  else if (taken.skipped === 0) forgetBegun(home.path('restores', id));
  failpoint('undo.done');
  return { restore: id, ...taken, wasUndone: false, undoneAt, earlier: earlierThan(options, id) };
}

const whatOf = ({ state, snapshot, into }: TakenBack) => ({ state, snapshot, into: into! });

/** Says that it is undone, then forgets all else of it. */
function settle({ home }: ApplyOptions, undone: Undone): void {
  noteUndone(home, undone);
  failpoint('undo.noted-whole');
  // What could not be put back may lie in there still.
  if (undone.kept === 0) forgetRestore(home.path('restores', undone.restore));
}

function wasUndone(options: ApplyOptions, { kept, ...undone }: Undone, emit: Emit): UndoDone {
  const { restore, state, snapshot, into, undoneAt } = undone;
  const earlier = earlierThan(options, restore);
  if (earlier !== null) {
    const where = intoOf(options, earlier);
    emit({ event: 'note', message: `"resettle undo ${earlier}" would undo the restore before it, into ${where}` });
  }
  const counts = { removed: 0, putBack: 0, skipped: kept };
  return { restore, state, snapshot, into, ...counts, wasUndone: true, undoneAt, earlier };
}

const earlierThan = ({ home }: ApplyOptions, id: string): string | null =>
  undoableIn(home).findLast((one) => one < id) ?? null;

function intoOf({ home }: ApplyOptions, id: string): string | null {
  const undoDir = home.path('restores', id);
  return targetOf(undoDir) ?? readAreasOutcome(undoDir)?.wish.root ?? null;
}

/** Everything goes the way back that it came: what was restored after files, files, what was restored before them. */
async function takeBack(options: ApplyOptions, id: string, emit: Emit, signal: AbortSignal): Promise<TakenBack> {
  const { home, clock } = options;
  const undoDir = home.path('restores', id);
  const meter = new ProgressMeter(clock, emit);
  // Documents that were being staged.
  if (standingOfAreas(undoDir) === 'begun') await undoAreas({ undoDir, part: 'unfinished' });
  const after = canUndoAreas(undoDir) ? await undoAreas({ undoDir, part: 'after' }) : NOTHING;
  const files = hasFiles(undoDir)
    ? await undoRestore({ undoDir }, { onProgress: meter.onProgress, signal }).catch((error: unknown) => {
        throw orNoSpace(error, `${home.dir}, or where that restore went`);
      })
    : undefined;
  const before = canUndoAreas(undoDir) ? await undoAreas({ undoDir, part: 'before' }) : NOTHING;
  meter.finish();
  const parts = [after, files ?? NOTHING, before];
  for (const { kept } of parts) for (const item of kept.items) emit({ event: 'skipped', ...item });
  for (const { area, problems } of [...after.notWoken, ...before.notWoken]) {
    for (const { what, why } of problems) {
      emit({ event: 'note', message: `${area}: ${what} takes notice after a restart: ${why}` });
    }
  }
  const sum = (count: (part: Pick<AreasUndone, 'removed' | 'putBack' | 'kept'>) => number): number =>
    parts.reduce((all, part) => all + count(part), 0);
  return {
    state: files?.state ?? null,
    snapshot: files?.snapshot ?? null,
    into: intoOf(options, id),
    removed: sum(({ removed }) => removed),
    putBack: sum(({ putBack }) => putBack),
    skipped: sum((part) => part.kept.count),
  };
}

/** The newest restore that changed something, undone or not; newer ones that changed nothing are forgotten. */
async function newest(options: ApplyOptions, emit: Emit, signal: AbortSignal): Promise<string> {
  const { home } = options;
  for (const id of restoresOf(home).reverse()) {
    const { is } = standingOf(home, id);
    if (is === 'none') continue;
    if (is !== 'begun') return id;
    const { skipped } = await takeBack(options, id, emit, signal);
    const end = skipped === 0 ? 'it is forgotten' : 'it is passed over';
    emit({ event: 'note', message: `restore ${id} was cut short before it changed anything: ${end}` });
    if (skipped === 0) forgetBegun(home.path('restores', id));
  }
  throw new ResettleError('not-found', 'there is no restore to undo', {
    hint: `restores that this HOME made are kept in ${home.path('restores')}`,
  });
}
