import { statfsSync } from 'node:fs';

/** FAT, exFAT, NTFS (three drivers), CIFS and SMB, 9p: by the numbers that Linux gives them (`man 2 statfs`). */
const WITHOUT_MODES: ReadonlySet<number> = new Set([
  0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, 0x65735546, 0xff534d42, 0xfe534d42, 0x01021997,
]);

/** Whether the file system of a path is one that keeps modes, as far as its kind says. */
export function keepsModes(path: string): boolean {
  try {
    return !WITHOUT_MODES.has(statfsSync(path).type >>> 0);
  } catch {
    return true;
  }
}
