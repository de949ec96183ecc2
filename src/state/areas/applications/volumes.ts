import { statfsSync } from 'node:fs';
import type { System } from '../base/system.ts';
import type { Volume } from './schema.ts';

/** The file system that a path of a machine lies on. */
export function volumeOf(system: System, path: string): Volume | undefined {
  const mounts = system.isLive ? liveMounts(system) : fstabMounts(system);
  const holds = (mount: string) => mount === '/' || path === mount || path.startsWith(`${mount}/`);
  const [mount] = mounts.filter((one) => holds(one.path)).sort((a, b) => b.path.length - a.path.length);
  if (!mount || !system.isLive) return mount;
  const size_bytes = sizeOf(mount.path);
  return { ...mount, ...(size_bytes !== undefined && { size_bytes }) };
}

function sizeOf(path: string): number | undefined {
  try {
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  } catch {
    return undefined;
  }
}

/** Of `/proc/self/mountinfo`: the last one at a mount point is the one that is seen. */
function liveMounts(system: System): Volume[] {
  const mounts = (system.text('/proc/self/mountinfo') ?? '').split('\n').flatMap((row): Volume[] => {
    const [before = '', after = ''] = row.split(' - ');
    const path = before.split(' ')[4];
    const [type, device] = after.split(' ');
    return path && type && device ? [{ path: unescaped(path), device: unescaped(device), type }] : [];
  });
  return mounts.reverse();
}

function fstabMounts(system: System): Volume[] {
  return (system.text('/etc/fstab') ?? '').split('\n').flatMap((row): Volume[] => {
    const [device = '#', path = '', type = ''] = row.trim().split(/\s+/);
    if (device.startsWith('#') || !path.startsWith('/')) return [];
    return [{ path: unescaped(path), device: unescaped(device), type }];
  });
}

/** Blanks and backslashes stand as `\040` in both files. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
