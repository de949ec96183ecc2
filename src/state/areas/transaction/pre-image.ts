import { closeSync, openSync } from 'node:fs';
import { close, openToRead } from '../../fs/calls.ts';
import { codeOf } from '../../fs/errno.ts';
import { copyContent } from '../../restore/copy-file.ts';
import { type Beneath, hashOfFile } from './beneath.ts';
import type { Journal } from './journal.ts';
import type { Present } from './node.ts';
import { NotAsPlanned } from './not-as-planned.ts';
import { isMetadataOnly, type Step } from './steps.ts';

const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR']);

/** Copies what a step replaces or removes to the journal, which is to be synced. Throws where it is not what was found there. */
export function keepBefore(beneath: Beneath, journal: Journal, step: Step, found: Present): void {
  if (found.kind !== 'file' || isMetadataOnly(step)) return;
  const path = journal.beforePath(step);
  const to = openSync(path, 'w+', 0o600);
  try {
    copyFrom(beneath, step.path, to);
  } finally {
    closeSync(to);
  }
  if (hashOfFile(path) !== found.hash) throw new NotAsPlanned(step.path);
}

function copyFrom(beneath: Beneath, path: string, to: number): void {
  try {
    beneath.within(path, (folder, name) => {
      const from = openToRead(folder, name);
      try {
        copyContent(from, to);
      } finally {
        close(from);
      }
    });
  } catch (error) {
    if (GONE.has(codeOf(error) ?? '')) throw new NotAsPlanned(path, error);
    throw error;
  }
}
