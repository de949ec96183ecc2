import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

/** Where two names have one number, the one that Node's own errors have. */
const NAMES = new Map([
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
  ...[...getSystemErrorMap()].map(([number, [name]]) => [-number, name] as const),
]);

const REASONS: Record<string, string> = {
  EACCES: 'no permission to read it',
  EPERM: 'not permitted',
  ENOENT: 'it is gone',
  ENOTDIR: 'it is not a folder any more',
  ELOOP: 'it became a symbolic link',
  EIO: 'the disk cannot read it',
  ENOSPC: 'no space left',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EEXIST: 'something else is there',
  EISDIR: 'a folder is in its place',
  ENAMETOOLONG: 'its name is too long for this file system',
  EINVAL: 'the file system refuses it',
  EILSEQ: 'its name is not text, which this file system wants',
  ENOTSUP: 'the file system or platform cannot do it',
  ESTALE: 'something else took its place',
  EMFILE: 'too many open files',
};

/** The code of an error number, as Node's own errors have it. */
export function codeOfNumber(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** A failed system call, with the code that Node's own errors have. */
export class SystemCallError extends Error {
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** The system's code for what SQLite tells by a number of its own: READONLY, IOERR, FULL. */
const SQLITE_CODES = new Map([
  [8, 'EROFS'],
  [10, 'EIO'],
  [13, 'ENOSPC'],
]);

/** The code of a failed system call, Node's or ours, or of the one that made SQLite fail; undefined where there is none. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (typeof errcode === 'number') return SQLITE_CODES.get(errcode & 0xff);
  return typeof code === 'string' ? code : undefined;
}

/** What a disk says of one file that it cannot give (any more), while others are well. */
const UNREADABLE: ReadonlySet<string> = new Set([
  ...['ENOENT', 'EIO', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EUCLEAN', 'EBADMSG', 'ENODATA'],
]);

/** Whether a call failed because this one file is not there, is none, or cannot be read by the disk. */
export function isUnreadable(error: unknown): boolean {
  return UNREADABLE.has(codeOf(error) ?? '');
}

/** Why a system call failed, for people. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return (code && REASONS[code]) ?? (error instanceof Error ? error.message : String(error));
}
