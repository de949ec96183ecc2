import { libc } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Locks an open file for this process; false where another one has it. The lock ends with the descriptor or process. */
export function lockFile(fd: number): boolean {
  return libc().flock(fd, LOCK_EX | LOCK_NB) === 0;
}
