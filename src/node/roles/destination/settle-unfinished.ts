import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import {
  canUndoAreas,
  forgetUnstagedAreas,
  mayBeUnfinishedOn,
  readAreasOutcome,
  rollBackAreas,
} from '../../../state/areas/transaction/index.ts';
import { hasFiles } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import type { Home } from '../../home/home.ts';
import { restoresOf } from './restores.ts';

/**
 * A restore of this root that a crash cut short between two changes is put back first: the machine is whole again then. One
 * that is damaged stops those of its own root only. Throws `damaged`, `failed`.
 */
export async function settleUnfinished(home: Home, root: string, emit: Emit): Promise<void> {
  for (const id of restoresOf(home)) {
    const undoDir = home.path('restores', id);
    try {
      await settleOne(id, undoDir, root, emit);
    } catch (error) {
      if (!(error instanceof ResettleError) || error.code !== 'damaged') throw error;
      if (mayBeUnfinishedOn(undoDir, root)) throw unsettled(id, undoDir, root, error);
      emit({ event: 'note', message: `what restore ${id} kept is damaged, and is passed over: ${messageOf(error)}` });
    }
  }
}

async function settleOne(id: string, undoDir: string, root: string, emit: Emit): Promise<void> {
  if (await forgetUnstagedAreas({ undoDir })) forgetIfNothing(undoDir);
  if (readAreasOutcome(undoDir)?.wish.root !== root) return;
  const undone = await rollBackAreas({ undoDir });
  if (!undone) return;
  emit({ event: 'note', message: `what restore ${id} had begun with areas was put back` });
  for (const item of undone.kept.items) emit({ event: 'skipped', ...item });
  forgetIfNothing(undoDir);
}

function unsettled(id: string, undoDir: string, root: string, error: ResettleError): ResettleError {
  const what = `restore ${id} may have been cut short between two changes of ${root}, and what it kept is damaged`;
  return new ResettleError('damaged', `${what}: ${messageOf(error)}`, {
    hint:
      `see whether this machine is right: what its files held before is in ${join(undoDir, 'areas', 'before')}; ` +
      `then move ${undoDir} elsewhere, and give the same command again`,
    cause: error,
  });
}

/** Of a restore that did not come to files and whose areas are as they were, nothing is kept: the documents hold secrets. */
export function forgetIfNothing(undoDir: string): void {
  const isKept = hasFiles(undoDir) || canUndoAreas(undoDir) || existsSync(join(undoDir, 'areas', 'before'));
  if (!isKept) rmSync(undoDir, { recursive: true, force: true });
}
