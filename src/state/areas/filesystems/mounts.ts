import { statfsSync } from 'node:fs';
import type { System } from '../base/system.ts';
import { parseFstab } from './fstab.ts';

/** The file system that a path stands on. */
export interface Volume {
  readonly mountPoint: string;
  /** A device's path; offline and for shares, what fstab names. */
  readonly device: string;
  /** `group/name` of LVM, or the file system's label. */
  readonly volume?: string;
  readonly fsType: string;
  /** Of running machines' local file systems only: a share whose server is off must not hold anything up. */
  readonly sizeBytes?: number;
  readonly usedBytes?: number;
}

/** One mounted file system, from the kernel's own list. */
export interface Mount {
  readonly mountPoint: string;
  readonly device: string;
  readonly fsType: string;
}

/** Types whose file system lies on another machine, or behind a program: asking them may take for ever. */
const REMOTE = /^(?:nfs4?|cifs|smb3?|smbfs|fuse\b.*|9p|ceph|glusterfs|afs|davfs|coda|lustre|ncpfs|autofs)$/;
export const isRemote = (type: string): boolean => REMOTE.test(type) && type !== 'fuseblk';

/**
 * Which volume a path of a machine stands on: where it runs, by what is mounted; else by its fstab. Undefined where neither
 * says anything.
 */
export function volumeOf(system: System, path: string): Volume | undefined {
  if (!system.isLive) return volumeByFstab(system, path);
  const mount = closest(readMounts(system), path, (one) => one.mountPoint);
  if (!mount) return undefined;
  const { mountPoint, device, fsType } = mount;
  const volume = volumeNameOf(system, device);
  return { mountPoint, device, fsType, ...(volume !== undefined && { volume }), ...sizesOf(mount) };
}

/** What is mounted, later mounts of one place last. None where the machine does not run. */
export function readMounts(system: System): Mount[] {
  if (!system.isLive) return [];
  const lines = system.text('/proc/self/mountinfo')?.split('\n') ?? [];
  return lines.flatMap((line): Mount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4];
    const [fsType, device] = after.split(' ');
    return mountPoint && fsType && device
      ? [{ mountPoint: unescaped(mountPoint), device: unescaped(device), fsType }]
      : [];
  });
}

export function sizesOf({ mountPoint, fsType }: Mount): { sizeBytes?: number; usedBytes?: number } {
  if (isRemote(fsType)) return {};
  try {
    const { blocks, bfree, bsize } = statfsSync(mountPoint);
    return { sizeBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize };
  } catch {
    return {};
  }
}

/** The name that people gave a volume: of LVM by its device's path, else the label that udev lists. */
export function volumeNameOf(system: System, device: string): string | undefined {
  return lvmNameOf(device) ?? labelOf(system, device);
}

/** `/dev/mapper/vg0-data` and `/dev/vg0/data` are `vg0/data`; device mapper writes a hyphen of a name twice. */
export function lvmNameOf(device: string): string | undefined {
  const mapped = /^\/dev\/mapper\/((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(device);
  if (mapped) return `${mapped[1]}/${mapped[2]}`.replaceAll('--', '-');
  const [, group, name] = /^\/dev\/([\w.+][\w.+-]*)\/([\w.+][\w.+-]*)$/.exec(device) ?? [];
  return group && !NO_GROUPS.has(group) ? `${group}/${name}` : undefined;
}
const NO_GROUPS = new Set(['mapper', 'disk', 'block', 'shm', 'pts', 'md', 'zvol', 'input', 'cdrom', 'loop']);

const BY_LABEL = '/dev/disk/by-label';

function labelOf(system: System, device: string): string | undefined {
  const name = device.slice(device.lastIndexOf('/') + 1);
  const link = system.list(BY_LABEL).find((label) => system.readLink(`${BY_LABEL}/${label}`)?.endsWith(`/${name}`));
  return link?.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function volumeByFstab(system: System, path: string): Volume | undefined {
  const { entries } = parseFstab(system.text('/etc/fstab') ?? '');
  const entry = closest(entries, path, (one) => one.path);
  if (!entry) return undefined;
  const volume = lvmNameOf(entry.device) ?? /^LABEL="?(.*?)"?$/.exec(entry.device)?.[1];
  return {
    mountPoint: entry.path,
    device: entry.device,
    fsType: entry.type,
    ...(volume !== undefined && { volume }),
  };
}

/** The last of those with the longest mount point above the path. */
function closest<One>(all: readonly One[], path: string, mountPointOf: (one: One) => string): One | undefined {
  const above = all.filter((one) => {
    const point = mountPointOf(one);
    return (
      point === '/' || path === point || (point.startsWith('/') && path.startsWith(`${point.replace(/\/$/, '')}/`))
    );
  });
  return above.reduce<One | undefined>(
    (best, one) => (best && mountPointOf(best).length > mountPointOf(one).length ? best : one),
    undefined,
  );
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
