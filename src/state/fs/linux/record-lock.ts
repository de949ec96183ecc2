import { lastCode, lastError, libc } from './libc.ts';

const F_SETLK = 6;
const F_WRLCK = 1;
/** `struct flock` of 64-bit Linux: type, whence, start, length (0: all), pid. */
const FLOCK_BYTES = 32;

/**
 * Locks a whole open file as `fcntl` does, which `flock` does not see: false where another process has it. It ends when this
 * process closes any descriptor of that file.
 */
export function lockRecord(fd: number): boolean {
  const lock = Buffer.alloc(FLOCK_BYTES);
  lock.writeInt16LE(F_WRLCK);
  if (libc().fcntl(fd, F_SETLK, lock) !== -1) return true;
  if (lastCode() !== 'EAGAIN' && lastCode() !== 'EACCES') throw lastError('fcntl');
  return false;
}
