import type { FstabEntry } from './fstab.ts';
import { isRemote } from './mounts.ts';

/** `share`: on another machine. `made`: a bind mount or memory. `disk`: a device. `kernel`: what each system has by itself. */
export type LineKind = 'share' | 'made' | 'disk' | 'swap' | 'kernel';

const KERNEL = new Set([
  'proc',
  'sysfs',
  'devpts',
  'devtmpfs',
  'securityfs',
  'cgroup',
  'cgroup2',
  'efivarfs',
  'debugfs',
]);

export function kindOfLine({ device, type, options }: FstabEntry): LineKind {
  if (type === 'swap') return 'swap';
  if (KERNEL.has(type)) return 'kernel';
  if (isRemote(type) || options.includes('_netdev') || /^(?:sshfs|curlftpfs|davfs2)#/.test(device)) return 'share';
  if (options.some((option) => /^r?bind$/.test(option)) || /^(?:tmpfs|ramfs|overlay|mergerfs)$/.test(type))
    return 'made';
  return 'disk';
}

/** What a system stands on: nothing is mounted over it, and each installation has its own line for it. */
const SYSTEM_PATHS =
  /^\/(?:$|(?:bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|root|run|sbin|sys|usr)(?:\/|$)|var$|var\/(?:lib|log|cache|spool|run|lock)(?:\/|$))/;
export const isSystemPath = (path: string): boolean => SYSTEM_PATHS.test(path);

/** Ids of lines in order: by mount point, swap by its device; a second one of a name is told apart. */
export function lineIds(entries: readonly FstabEntry[]): string[] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const id = kindOfLine(entry) === 'swap' ? `swap:${entry.device}` : `mount:${entry.path}`;
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return count === 1 ? id : `${id}#${count}`;
  });
}
