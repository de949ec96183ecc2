import type { BigIntStats } from 'node:fs';

/** What a device number of the Linux kernel holds: 12 bits and 20 bits. */
const MAJOR_MAX = 0xfff;
const MINOR_MAX = 0xf_ffff;

export interface Device {
  readonly major: number;
  readonly minor: number;
}

/** A device number for mknod on Linux, 32 bits; undefined for numbers that the kernel cannot have. */
export function deviceNumber({ major, minor }: Device): number | undefined {
  if (major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX) return undefined;
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** Takes the C library's 64-bit device number of Linux apart. */
export function deviceOfLinux(stats: BigIntStats): Device {
  const number = BigInt.asUintN(64, stats.rdev);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xffff_f000n)),
    minor: Number((number & 0xffn) | ((number >> 12n) & 0xffff_ff00n)),
  };
}

/** Takes a device number of macOS apart: 8 bits and 24 bits. */
export function deviceOfMac(stats: BigIntStats): Device {
  const number = BigInt.asUintN(32, stats.rdev);
  return { major: Number(number >> 24n), minor: Number(number & 0xff_ffffn) };
}
