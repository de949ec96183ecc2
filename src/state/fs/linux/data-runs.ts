import { fstatSync } from 'node:fs';
import { lastCode, lastError, libc } from './libc.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

export function nextData(fd: number, offset: number): number {
  return seek(fd, offset, SEEK_DATA) ?? (offset < fstatSync(fd).size ? offset : -1);
}

export function nextHole(fd: number, offset: number): number {
  const found = seek(fd, offset, SEEK_HOLE);
  if (found !== undefined) return found;
  const { size } = fstatSync(fd);
  return offset < size ? size : -1;
}

/** Where it is, −1 beyond the last one, undefined where the file system knows no holes. */
function seek(fd: number, offset: number, whence: number): number | undefined {
  const found = libc().lseek(fd, offset, whence);
  if (found !== -1) return Number(found);
  const code = lastCode();
  if (code === 'ENXIO') return -1;
  if (code === 'EINVAL') return undefined;
  throw lastError('lseek');
}
