const NS_PER_SECOND = 1_000_000_000n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const times = Buffer.alloc(32);

/**
 * Two `struct timespec` for utimensat, in memory that the next call uses again. Both are always given: drivers of FUSE 2 (exFAT,
 * NTFS) answer a call that leaves one of them out as if it were done, and set neither.
 */
export function timesOf(atimeNs: bigint, mtimeNs: bigint): Buffer {
  writeTime(atimeNs, 0);
  writeTime(mtimeNs, 16);
  return times;
}

function writeTime(timeNs: bigint, at: number): void {
  let seconds = timeNs / NS_PER_SECOND;
  let nanoseconds = timeNs % NS_PER_SECOND;
  if (nanoseconds < 0n) {
    nanoseconds += NS_PER_SECOND;
    seconds -= 1n;
  }
  times.writeBigInt64LE(seconds, at);
  times.writeBigInt64LE(nanoseconds, at + 8);
}

/** The nearest time that 64 bits of nanoseconds hold: years 1677 to 2262. */
export function clampTime(mtimeNs: bigint): bigint {
  if (mtimeNs < INT64_MIN) return INT64_MIN;
  return mtimeNs > INT64_MAX ? INT64_MAX : mtimeNs;
}

/** Seconds as decimal text, which Node's calls take before 1970 too: a negative number would mean "now" to them. */
export function secondsOf(timeNs: bigint): string {
  const size = timeNs < 0n ? -timeNs : timeNs;
  const fraction = `${size % NS_PER_SECOND}`.padStart(9, '0');
  return `${timeNs < 0n ? '-' : ''}${size / NS_PER_SECOND}.${fraction}`;
}
