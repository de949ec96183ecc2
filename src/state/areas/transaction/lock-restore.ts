import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../common/errors.ts';
import { holdLock } from '../../fs/calls.ts';

/** Keeps others from a restore's areas until this thread ends. Beside the journal, which may be made anew. */
export function lockRestore(undoDir: string): void {
  mkdirSync(undoDir, { recursive: true, mode: 0o700 });
  const file = join(undoDir, 'areas.lock');
  writeFileSync(file, '', { flag: 'a', mode: 0o600 });
  if (holdLock(file)) return;
  throw new ResettleError('failed', `another restore or undo is at work in ${undoDir}`, {
    hint: 'wait until it ended',
  });
}
