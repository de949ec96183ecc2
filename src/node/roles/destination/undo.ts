import { rmSync } from 'node:fs';
import { ResettleError } from '../../../common/errors.ts';
import type { StateId } from '../../../common/ids.ts';
import { undoRestore } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import type { ApplyOptions } from './apply.ts';
import { isRestoreOf, restoresOf } from './restores.ts';

export interface UndoDone {
  readonly restore: string;
  readonly state: StateId;
  readonly snapshot: number;
  readonly into: string;
  readonly removed: number;
  readonly putBack: number;
  /** Items that stay, because they were changed since. */
  readonly skipped: number;
}

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
  if (!isRestoreOf(home, id)) {
    throw new ResettleError('not-found', `there is no restore ${JSON.stringify(id)} here that could be undone`, {
      hint: `there are ${restoresOf(home).join(', ') || 'none'}`,
    });
  }
  const meter = new ProgressMeter(clock, emit);
  const result = await undoRestore({ undoDir: folder }, { onProgress: meter.onProgress, signal });
  meter.finish();
  for (const item of result.kept.items) emit({ event: 'skipped', ...item });
  // What could not be put back may lie in there still.
  if (result.kept.count === 0) rmSync(folder, { recursive: true, force: true });
  return {
    restore: id,
    state: result.state,
    snapshot: result.snapshot,
    into: result.target,
    removed: result.removed,
    putBack: result.putBack,
    skipped: result.kept.count,
  };
}

function newest({ home }: ApplyOptions): string {
  const id = restoresOf(home).at(-1);
  if (id !== undefined) return id;
  throw new ResettleError('not-found', 'there is no restore to undo', {
    hint: `restores that this HOME made are kept in ${home.path('restores')}`,
  });
}
