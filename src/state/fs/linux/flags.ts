import { INODE_FLAGS } from '../inode-flags.ts';
import { check, lastCode, lastError, libc } from './libc.ts';

/** Both have the same numbers on x64 and arm64. They say "long", yet file systems read and write 32 bits. */
const FS_IOC_GETFLAGS = 0x8008_6601;
const FS_IOC_SETFLAGS = 0x4008_6602;

const NO_FLAGS: ReadonlySet<string> = new Set(['ENOTTY', 'ENOTSUP', 'EINVAL', 'ENOSYS']);

const argument = Buffer.alloc(8);
const devicesWithout = new Set<bigint>();

export function flagsOf(fd: number, device?: bigint): number | undefined {
  if (device !== undefined && devicesWithout.has(device)) return undefined;
  if (libc().ioctl(fd, FS_IOC_GETFLAGS, argument) !== -1) return argument.readInt32LE() & INODE_FLAGS;
  if (!NO_FLAGS.has(lastCode())) throw lastError('ioctl');
  if (device !== undefined) devicesWithout.add(device);
  return undefined;
}

export function setFlags(fd: number, flags: number): void {
  check(libc().ioctl(fd, FS_IOC_GETFLAGS, argument), 'ioctl');
  const present = argument.readInt32LE();
  const wanted = (present & ~INODE_FLAGS) | (flags & INODE_FLAGS);
  if (wanted === present) return;
  argument.writeInt32LE(wanted);
  check(libc().ioctl(fd, FS_IOC_SETFLAGS, argument), 'ioctl');
}
