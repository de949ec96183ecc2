import { createRequire } from 'node:module';
import { ResettleError } from '../../../common/errors.ts';
import { codeOfNumber, SystemCallError } from '../errno.ts';

type Fd = number;

/** The calls of the C library that Node lacks. Paths and names end in NUL. Each returns −1 on failure. */
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
  fcntl(fd: Fd, command: number, lock: Uint8Array): number;
  ioctl(fd: Fd, request: number, argument: Uint8Array): number;
  flistxattr(fd: Fd, list: Uint8Array, size: number): number;
  llistxattr(path: Uint8Array, list: Uint8Array, size: number): number;
  fgetxattr(fd: Fd, name: Uint8Array, value: Uint8Array, size: number): number;
  lgetxattr(path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number): number;
  fsetxattr(fd: Fd, name: Uint8Array, value: Uint8Array, size: number, flags: number): number;
  lsetxattr(path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number, flags: number): number;
  fremovexattr(fd: Fd, name: Uint8Array): number;
  lseek(fd: Fd, offset: number, whence: number): number;
  mknodat(folder: Fd, path: Uint8Array, mode: number, device: number): number;
  renameat2(fromFolder: Fd, from: Uint8Array, toFolder: Fd, to: Uint8Array, flags: number): number;
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
  'int fcntl(int fd, int command, uint8_t *lock)',
  'int ioctl(int fd, uint64_t request, uint8_t *argument)',
  'int64_t flistxattr(int fd, uint8_t *list, uint64_t size)',
  'int64_t llistxattr(const uint8_t *path, uint8_t *list, uint64_t size)',
  'int64_t fgetxattr(int fd, const uint8_t *name, uint8_t *value, uint64_t size)',
  'int64_t lgetxattr(const uint8_t *path, const uint8_t *name, uint8_t *value, uint64_t size)',
  'int fsetxattr(int fd, const uint8_t *name, const uint8_t *value, uint64_t size, int flags)',
  'int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, uint64_t size, int flags)',
  'int fremovexattr(int fd, const uint8_t *name)',
  'int64_t lseek(int fd, int64_t offset, int whence)',
];

/** What older C libraries have no function for: the kernel's own numbers. −1 is nobody's, and answers ENOSYS. */
const SYSCALLS: Record<string, { mknodat: number; renameat2: number }> = {
  x64: { mknodat: 259, renameat2: 316 },
  arm64: { mknodat: 33, renameat2: 276 },
};
const NO_SYSCALLS = { mknodat: -1, renameat2: -1 };

let loaded: Libc | undefined;

/** The C library, loaded once a thread. Throws `failed` where it cannot be. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

/** What a call returned. Throws the error that it left if that says that it failed. */
export function check(result: number, call: string): number {
  if (result === -1) throw lastError(call);
  return result;
}

/** The code of the error that the last call left. */
export const lastCode = () => codeOfNumber(libc().errno());

/** That error. To make one takes longer than the call: where failing is usual, look at the code first. */
export const lastError = (call: string) => new SystemCallError(call, lastCode());

function load(): Libc {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    // No name: the program itself, which has the C library (glibc or musl) in it.
    const library = koffi.load(null);
    const calls = SIGNATURES.map((signature) => [/ (\w+)\(/.exec(signature)![1], library.func(signature)]);
    const mknodat = library.func('syscall', 'int64_t', ['int64_t', 'int', 'const uint8_t *', 'uint32_t', 'uint32_t']);
    const renameat2 = library.func('syscall', 'int64_t', [
      'int64_t',
      'int',
      'const uint8_t *',
      'int',
      'const uint8_t *',
      'uint32_t',
    ]);
    const numbers = SYSCALLS[process.arch] ?? NO_SYSCALLS;
    return {
      ...Object.fromEntries(calls),
      mknodat: (...all: Parameters<Libc['mknodat']>) => mknodat(numbers.mknodat, ...all),
      renameat2: (...all: Parameters<Libc['renameat2']>) => renameat2(numbers.renameat2, ...all),
      errno: () => koffi.errno(),
    } as Libc;
  } catch (error) {
    throw new ResettleError('failed', 'the C library cannot be loaded, so files cannot be captured or restored', {
      hint: 'install resettle again for this machine, so that its koffi module fits',
      cause: error,
    });
  }
}
