import { createRequire } from 'node:module';
import { ResettleError } from '../../common/errors.ts';

type Fd = number;

/** The calls of the C library that Node lacks. Paths end in NUL. Each returns −1 on failure; `errno` says why. */
export interface Libc {
  openat(folder: Fd, path: Uint8Array, flags: number, mode: number): number;
  close(fd: Fd): number;
  mkdirat(folder: Fd, path: Uint8Array, mode: number): number;
  symlinkat(target: Uint8Array, folder: Fd, path: Uint8Array): number;
  linkat(fromFolder: Fd, from: Uint8Array, toFolder: Fd, to: Uint8Array, flags: number): number;
  renameat(fromFolder: Fd, from: Uint8Array, toFolder: Fd, to: Uint8Array): number;
  unlinkat(folder: Fd, path: Uint8Array, flags: number): number;
  fchmod(fd: Fd, mode: number): number;
  fchown(fd: Fd, uid: number, gid: number): number;
  fchownat(folder: Fd, path: Uint8Array, uid: number, gid: number, flags: number): number;
  futimens(fd: Fd, times: Uint8Array): number;
  utimensat(folder: Fd, path: Uint8Array, times: Uint8Array, flags: number): number;
  syncfs(fd: Fd): number;
  flock(fd: Fd, operation: number): number;
  errno(): number;
}

const SIGNATURES = [
  'int openat(int folder, const uint8_t *path, int flags, uint32_t mode)',
  'int close(int fd)',
  'int mkdirat(int folder, const uint8_t *path, uint32_t mode)',
  'int symlinkat(const uint8_t *target, int folder, const uint8_t *path)',
  'int linkat(int fromFolder, const uint8_t *from, int toFolder, const uint8_t *to, int flags)',
  'int renameat(int fromFolder, const uint8_t *from, int toFolder, const uint8_t *to)',
  'int unlinkat(int folder, const uint8_t *path, int flags)',
  'int fchmod(int fd, uint32_t mode)',
  'int fchown(int fd, uint32_t uid, uint32_t gid)',
  'int fchownat(int folder, const uint8_t *path, uint32_t uid, uint32_t gid, int flags)',
  'int futimens(int fd, const uint8_t *times)',
  'int utimensat(int folder, const uint8_t *path, const uint8_t *times, int flags)',
  'int syncfs(int fd)',
  'int flock(int fd, int operation)',
];

let loaded: Libc | undefined;

/** The C library, loaded once a thread. Throws `failed` where it cannot be. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  if (process.platform !== 'linux') {
    throw new ResettleError('failed', `files cannot be captured or restored on ${process.platform} yet`, {
      hint: 'use a Linux machine',
    });
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    // No name: the program itself, which has the C library (glibc or musl) in it.
    const library = koffi.load(null);
    const calls = SIGNATURES.map((signature) => [/int (\w+)\(/.exec(signature)![1], library.func(signature)]);
    return { ...Object.fromEntries(calls), errno: () => koffi.errno() } as Libc;
  } catch (error) {
    throw new ResettleError('failed', 'the C library cannot be loaded, so files cannot be captured or restored', {
      hint: 'install resettle again for this machine, so that its koffi module fits',
      cause: error,
    });
  }
}
