import type { System } from './system.ts';

/** What is mounted at a path, or should be. */
export interface Mount {
  readonly path: string;
  readonly device: string;
  readonly type: string;
}

const REMOTE =
  /^(?:nfs\d?|cifs|smb3|smbfs|afs|ceph|glusterfs|lustre|9p|autofs|davfs|fuse\.(?:sshfs|glusterfs|rclone|davfs2?))$/u;

/** Of a running machine what is mounted, of another what its fstab says. */
export function mountsOf(system: System): readonly Mount[] {
  const text = system.text(system.isLive ? '/proc/self/mounts' : '/etc/fstab') ?? '';
  return text.split('\n').flatMap((line): Mount[] => {
    const [device, path, type] = line.trim().split(/\s+/u).map(unescaped);
    return !line.trim().startsWith('#') && path?.startsWith('/') && device && type ? [{ path, device, type }] : [];
  });
}

/** The mount that a path lies on; of several at one place the last. Undefined where only the root is known or nothing is. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const holding = mounts.filter(({ path: at }) => at !== '/' && (path === at || path.startsWith(`${at}/`)));
  return holding.reduce<Mount | undefined>(
    (deepest, one) => (one.path.length >= (deepest?.path.length ?? 0) ? one : deepest),
    undefined,
  );
}

/** Whether what lies there belongs to another machine. */
export const isRemote = ({ type }: Mount): boolean => REMOTE.test(type);

/** Blanks are written as octal numbers there. */
const unescaped = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/gu, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
