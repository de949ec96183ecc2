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
  '/nix',
  '/nonexistent',
  '/opt',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/snap',
  '/sys',
  '/tmp',
  '/usr',
  '/var',
];
const EVER = ['/usr/home', '/usr/local/home', '/usr/people', '/var/home'];

const isBeneath = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

/** Whether a path can be the home of a person: two names deep at least, and in none of the system's own folders. */
export function isHomePath(path: string): boolean {
  const isPlain = isPlainPath(path) && !/\p{Cc}/u.test(path) && path.indexOf('/', 1) !== -1;
  return isPlain && (!isBeneath(path, NEVER) || (isBeneath(path, EVER) && !EVER.includes(path)));
}

/** A home as it is called when its user is called otherwise: `/home/ann`, of ann who becomes anna, is `/home/anna`. */
export function renamedHome(path: string, from: string, to: string): string {
  return path.endsWith(`/${from}`) ? `${path.slice(0, -from.length)}${to}` : path;
}
