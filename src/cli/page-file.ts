import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isChecklistHtml } from '../api/checklist.ts';
import { ResettleError } from '../common/errors.ts';

/** Enough to know a page of ours by. */
const BEGINNING_BYTES = 512;

/** Whether a checklist may be written there. Throws `usage` where something is that is no checklist of ours. */
export function checkPage(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats || (stats.isFile() && isChecklistHtml(beginningOf(path)))) return;
  throw new ResettleError('usage', `${path} is there, and is no checklist that resettle wrote`, {
    hint: 'name another file with --html, or remove that one',
  });
}

function beginningOf(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
  try {
    if (!fstatSync(fd).isFile()) return '';
    const bytes = Buffer.alloc(BEGINNING_BYTES);
    return bytes.subarray(0, readSync(fd, bytes)).toString('utf8');
  } finally {
    closeSync(fd);
  }
}

/** Writes the page whole or not at all; one of ours that is there is replaced. Throws `usage`, `failed`. */
export function writePage(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  try {
    writeFileSync(unfinished, text, { flag: 'wx' });
    try {
      checkPage(path);
      renameSync(unfinished, path);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
  } catch (error) {
    if (error instanceof ResettleError) throw error;
    throw new ResettleError('failed', `the page ${path} cannot be written`, {
      hint: 'name a file in a folder that you can write to',
      cause: error,
    });
  }
}
