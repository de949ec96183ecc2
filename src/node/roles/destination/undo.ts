import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { StateId } from '../../../common/ids.ts';
import { type AreasUndone, canUndoAreas, readAreasOutcome, undoAreas } from '../../../state/areas/transaction/index.ts';
import { orNoSpace } from '../../../state/fs/no-space.ts';
import { hasFiles, undoRestore } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import type { ApplyOptions } from './apply.ts';
import { forgetRestore, isRestoreOf, restoresOf, undoneOf } from './restores.ts';

export interface UndoDone {
  readonly restore: string;
  /** Null where the restore was cut short before it came to files. */
  readonly state: StateId | null;
  readonly snapshot: number | null;
  readonly into: string;
  readonly removed: number;
  readonly putBack: number;
  /** Items that stay, because they were changed since. */
  readonly skipped: number;
}

const NOTHING: AreasUndone = { removed: 0, putBack: 0, kept: { items: [], count: 0 }, notWoken: [] };

/** Puts back what a restore replaced: the named one, or the newest that was not undone. Throws `not-found`. */
export async function undo(
  options: ApplyOptions,
  restore: string | undefined,
  emit: Emit,
  signal: AbortSignal,
): Promise<UndoDone> {
  const { home, clock } = options;
  const id = restore ?? newest(options);
  const folder = home.path('restores', id);
  if (!isRestoreOf(home, id) && undoneOf(home) !== id) {
    throw new ResettleError('not-found', `there is no restore ${JSON.stringify(id)} here that could be undone`, {
      hint: `there are ${restoresOf(home).join(', ') || 'none'}`,
    });
  }
  const meter = new ProgressMeter(clock, emit);
  const undoDir = folder;
  // Everything goes the way back that it came: what was restored after files, files, what was restored before them.
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
  const kept = sum((part) => part.kept.count);
  const into = files?.target ?? readAreasOutcome(undoDir)!.wish.root;
  // What could not be put back may lie in there still.
  failpoint('undo.done');
  if (kept === 0) forgetRestore(folder);
  return {
    restore: id,
    state: files?.state ?? null,
    snapshot: files?.snapshot ?? null,
    into,
    removed: sum(({ removed }) => removed),
    putBack: sum(({ putBack }) => putBack),
    skipped: kept,
  };
}

/** One whose undo was cut short at its very end comes first: the same command must not go on to the one before. */
function newest({ home }: ApplyOptions): string {
  const id = undoneOf(home) ?? restoresOf(home).at(-1);
  if (id !== undefined) return id;
  throw new ResettleError('not-found', 'there is no restore to undo', {
    hint: `restores that this HOME made are kept in ${home.path('restores')}`,
  });
}
