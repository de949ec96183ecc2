import { isPlainPath } from '../base/change.ts';

/** Folders of the system: nobody's home, and nothing that a person's files may be written to. */
const NEVER = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/nonexistent',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/sys',
  '/tmp',
  '/usr',
  '/var/cache',
  '/var/empty',
  '/var/lib/dpkg',
  '/var/log',
  '/var/mail',
  '/var/run',
  '/var/spool',
  '/var/tmp',
];
const EVER = ['/usr/home', '/usr/local/home', '/usr/people'];

const isBeneath = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

/** Whether a path can be the home of a person: two names deep at least, and in none of the system's own folders. */
export function isHomePath(path: string): boolean {
  return isPlainPath(path) && path.indexOf('/', 1) !== -1 && (!isBeneath(path, NEVER) || isBeneath(path, EVER));
}

/** A home as it is called when its user is called otherwise: `/home/ann`, of ann who becomes anna, is `/home/anna`. */
export function renamedHome(path: string, from: string, to: string): string {
  return path.endsWith(`/${from}`) ? `${path.slice(0, -from.length)}${to}` : path;
}
