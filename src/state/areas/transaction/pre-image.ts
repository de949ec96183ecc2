import { closeSync, openSync } from 'node:fs';
import { close, openToRead } from '../../fs/calls.ts';
import { copyContent } from '../../restore/copy-file.ts';
import { type Beneath, hashOfFile } from './beneath.ts';
import type { Journal } from './journal.ts';
import type { Present } from './node.ts';
import { NotAsPlanned } from './not-as-planned.ts';
import { isMetadataOnly, type Step } from './steps.ts';

/** Copies what a step replaces or removes to the journal, which is to be synced. Throws where it is not what was found there. */
export function keepBefore(beneath: Beneath, journal: Journal, step: Step, found: Present): void {
  if (found.kind !== 'file' || isMetadataOnly(step)) return;
  const path = journal.beforePath(step);
  const to = openSync(path, 'w+', 0o600);
  try {
    beneath.within(step.path, (folder, name) => {
      const from = openToRead(folder, name);
      try {
        copyContent(from, to);
      } finally {
        close(from);
      }
    });
  } finally {
    closeSync(to);
  }
  if (hashOfFile(path) !== found.hash) throw new NotAsPlanned(step.path);
}
