import { codeOf, SystemCallError } from './errno.ts';
import type { FileCalls } from './file-calls.ts';

type Calls = Pick<FileCalls, 'linkItem' | 'removeFile' | 'rename' | 'statOfItem'>;

/**
 * `renameNew` where the system has no call for it: a file gets its new name as a hard link, which is never put over
 * something, then loses the old one. What cannot have two names (a folder, or where there are no hard links) is renamed
 * after a look: whatever another program puts there between the two is overwritten, if it is a file or an empty folder.
 */
export function renameNewByLink(
  calls: Calls,
  fromFolder: number,
  from: Uint8Array,
  toFolder: number,
  to: Uint8Array,
): void {
  try {
    calls.linkItem(fromFolder, from, toFolder, to);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || isThere(calls, toFolder, to)) throw new SystemCallError('rename', 'EEXIST');
    calls.rename(fromFolder, from, toFolder, to);
    return;
  }
  calls.removeFile(fromFolder, from);
}

function isThere(calls: Calls, folder: number, name: Uint8Array): boolean {
  try {
    calls.statOfItem(folder, name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
