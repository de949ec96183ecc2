import type { Owners, PrivilegedEffect } from '../base/types.ts';
import { mapHomePath } from '../network/home-path.ts';
import type { FstabEntry } from './fstab.ts';

/** A line as the target should get it. */
export interface FittedLine {
  readonly entry: FstabEntry;
  /** What was changed in it, for people. */
  readonly notes: readonly string[];
  readonly effect: PrivilegedEffect;
}

/** Files that a line's options name: passwords and keys. */
const NAMES_FILE = /^(credentials|cred|IdentityFile|identityfile|passwd_file)=(\/.*)$/;
const OWNER = /^(uid|gid|forceuid|cruid|backupuid|backupgid|idmap)=(.+)$/;

export function fitLine(captured: FstabEntry, owners: Owners): FittedLine {
  const notes: string[] = [];
  const options = captured.options.map((option) => {
    const [, key, value = ''] = OWNER.exec(option) ?? NAMES_FILE.exec(option) ?? [];
    if (key === undefined) return option;
    const to = value.startsWith('/') ? mapHomePath(value, owners) : ownerOf(key, value, owners);
    if (to !== value) notes.push(`${key} is ${to} here`);
    return `${key}=${to}`;
  });
  if (!options.includes('nofail') && !options.includes('noauto')) {
    options.push('nofail');
    notes.push('nofail is added, so that this machine starts without it too');
  }
  const [path, device] = [mapHomePath(captured.path, owners), mapHomePath(captured.device, owners)];
  if (path !== captured.path) notes.push(`it is mounted at ${path}`);
  const entry = {
    ...captured,
    device,
    path,
    options: options.filter((option) => option !== 'defaults' || options.length === 1),
  };
  return { entry, notes, effect: runsAsRoot(captured) ? 'root-runs' : 'mount-table' };
}

function ownerOf(key: string, value: string, owners: Owners): string {
  const isGroup = key.endsWith('gid');
  if (/^\d{1,9}$/.test(value)) return `${isGroup ? owners.gid(Number(value)) : owners.uid(Number(value))}`;
  return isGroup ? owners.group(value) : owners.user(value);
}

/** Programs that mount runs for a file system of a user program, and that are nothing but that. */
const KNOWN_PROGRAMS =
  /^(?:sshfs|curlftpfs|davfs2?|s3fs|rclone|bindfs|mergerfs|encfs|gocryptfs|ntfs-3g|glusterfs|ceph|lxcfs)$/;
const COMMAND_OPTION =
  /^(?:helper|uhelper|ssh_command|sftp_server|proxycommand|localcommand|sshfs_debug|command|onboot)=|^x-mount\.|proxycommand/i;

/** Whether mounting it has root run a program that the line names. */
export function runsAsRoot({ device, type, options }: FstabEntry): boolean {
  const program = /^fuse(?:\.(.+))?$/.exec(type);
  const named = program && (program[1] ?? device.split('#')[0] ?? '');
  if (named !== null && !KNOWN_PROGRAMS.test(named)) return true;
  return options.some((option) => COMMAND_OPTION.test(option));
}

/** Every file that a line names for a password or a key. */
export const filesNamedBy = ({ options }: FstabEntry): string[] =>
  options.flatMap((option) => NAMES_FILE.exec(option)?.[2] ?? []);

/** A device for people: a user and password in the address of a share are left out. */
export const deviceText = (device: string): string =>
  device
    .replace(/\/\/[^/@]*@/, '//')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 200);
