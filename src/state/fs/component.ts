import { SystemCallError } from './errno.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** Throws `EINVAL` for what is not one component: empty, `.` or `..`, with a slash or NUL in it. */
export function checkComponent(name: Uint8Array): void {
  const { length } = name;
  const up = length < 3 && (length === 0 || (name[0] === DOT && (length === 1 || name[1] === DOT)));
  if (up || name.includes(0) || name.includes(SLASH)) throw new SystemCallError('name', 'EINVAL');
}

/** Throws `EINVAL` for what is no path or link target: the system would read it to its first NUL only. */
export function checkPath(path: Uint8Array): void {
  if (path.includes(0)) throw new SystemCallError('path', 'EINVAL');
}
