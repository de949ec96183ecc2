import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../common/errors.ts';
import { ACCOUNTS_LOCK_WAIT_MS } from '../../../common/limits.ts';
import { reasonOf } from '../../fs/errno.ts';
import { lockRecord } from '../../fs/linux/record-lock.ts';
import type { System } from '../base/system.ts';

const ACCOUNT_FILES: readonly string[] = ['passwd', 'shadow', 'group', 'gshadow', 'subuid', 'subgid'].map(
  (name) => `/etc/${name}`,
);
const RETRY_MS = 100;

const isAccountFile = (path: string): boolean => ACCOUNT_FILES.includes(path);

/**
 * Keeps useradd, passwd and their like out of the account files while these are changed: the lock that `lckpwdf` of the C library
 * takes, which all of them do. Waits as long as that does. Returns what gives it back. Throws `failed`.
 */
export function lockAccounts(root: string, waitMs = ACCOUNTS_LOCK_WAIT_MS): () => void {
  const path = join(root, 'etc/.pwd.lock');
  let fd: number;
  try {
    fd = openSync(path, 'a', 0o600);
  } catch (error) {
    throw new ResettleError('failed', `cannot lock the accounts: ${reasonOf(error)}`, { cause: error });
  }
  for (let waited = 0; !lockRecord(fd); waited += RETRY_MS) {
    if (waited >= waitMs) {
      closeSync(fd);
      throw new ResettleError('failed', 'another program is changing accounts', { hint: 'wait until it ended' });
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
  }
  // Closing it gives the lock back.
  return () => closeSync(fd);
}

/** Does something to these paths, with the accounts locked where a running machine's are among them. */
export function withAccountsLocked<T>(system: System, paths: Iterable<string>, work: () => T): T {
  if (!system.isLive || ![...paths].some(isAccountFile)) return work();
  const unlock = lockAccounts(system.root);
  try {
    return work();
  } finally {
    unlock();
  }
}
