import { rmSync } from 'node:fs';
import { ResettleError } from '../../../common/errors.ts';
import { reasonOf } from '../../fs/errno.ts';
import { Beneath } from './beneath.ts';
import { Journal } from './journal.ts';
import { lockRestore } from './lock-restore.ts';
import { journalDirOf, readAreasOutcome } from './outcome.ts';
import type { AreasParts } from './parts.ts';
import { rollBack, undo } from './roll-back.ts';
import { PHASES, type Phase } from './steps.ts';
import type { AreasUndone } from './types.ts';

const NOTHING: AreasUndone = { removed: 0, putBack: 0, kept: { items: [], count: 0 }, notWoken: [] };

/** Of a whole restore: which phases; or none, and only one that was cut short. */
export type WhatToTakeBack = readonly Phase[] | 'unfinished';

/**
 * Puts a restore of areas back, whole or cut short. Nothing where that is done already. Holds the restore's lock until this
 * thread ends. Throws `not-found`, `damaged`, `failed`.
 */
export function takeBack(parts: AreasParts, undoDir: string, what: WhatToTakeBack): AreasUndone {
  const isStaged = readAreasOutcome(undoDir) !== undefined;
  if (!isStaged && what !== 'unfinished') {
    throw new ResettleError('not-found', `there are no areas to undo in ${undoDir}`);
  }
  lockRestore(undoDir);
  if (!isStaged) return forgetUnstaged(undoDir);
  return takeBackLocked(parts, undoDir, what);
}

/** Nothing was changed, but the documents are there, with the secrets that they have. */
function forgetUnstaged(undoDir: string): AreasUndone {
  if (readAreasOutcome(undoDir)) return NOTHING;
  rmSync(journalDirOf(undoDir), { recursive: true, force: true });
  return NOTHING;
}

/** The same by somebody who holds the lock. */
export function takeBackLocked(parts: AreasParts, undoDir: string, what: WhatToTakeBack): AreasUndone {
  const journal = Journal.open(undoDir);
  const status = journal?.outcome.status;
  if (!journal || status === 'undone' || status === 'rolled-back') return NOTHING;
  if (status === 'applied' && what === 'unfinished') return NOTHING;
  const beneath = openRoot(journal.outcome.wish.root);
  try {
    return status === 'applied' && what !== 'unfinished'
      ? undo(parts, journal, beneath, what)
      : rollBack(parts, journal, beneath, what === 'unfinished' ? PHASES : what);
  } finally {
    journal.close();
    beneath.close();
  }
}

function openRoot(root: string): Beneath {
  try {
    return new Beneath(root);
  } catch (error) {
    throw new ResettleError('failed', `cannot undo the restore of ${root}: ${reasonOf(error)}`, {
      hint: 'if it lies on a disk that is not mounted, mount it and try again',
      cause: error,
    });
  }
}
