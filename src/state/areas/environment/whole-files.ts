import { dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';
import type { PrivilegedEffect } from '../base/types.ts';

/** What decides about everybody's sessions, and about root's. */
const IN_EVERY_SHELL = ['/etc/profile', '/etc/bash.bashrc', '/etc/inputrc'];
const OF_THE_SYSTEM = ['/etc/sysctl.conf', '/etc/security/limits.conf'];
export const SINGLE_FILES = [...IN_EVERY_SHELL, ...OF_THE_SYSTEM];
export const FOLDERS = ['/etc/profile.d', '/etc/environment.d', '/etc/security/limits.d', '/etc/sysctl.d', '/etc/skel'];

/** How deep folders are gone into: /etc/skel may have `.config/app/file`. */
export const DEPTH_MAX = 6;

/** What a file of this area would do on the target; undefined for a path that is none of it. */
export function effectOfFile(path: string): PrivilegedEffect | undefined {
  if (/\p{Cc}/u.test(path)) return undefined;
  if (IN_EVERY_SHELL.includes(path) || /^\/etc\/(profile|environment)\.d\/[^/]+$/.test(path)) return 'environment';
  if (OF_THE_SYSTEM.includes(path) || /^\/etc\/(security\/limits|sysctl)\.d\/[^/]+$/.test(path)) return 'root-file';
  return path.startsWith('/etc/skel/') && path.split('/').length <= DEPTH_MAX + 4 ? 'root-file' : undefined;
}

/** Files that a package's script copied into place, so that its lists do not have them. */
const COPIED_FROM: Readonly<Record<string, string>> = { '/etc/profile': '/usr/share/base-files/profile' };

/** Whether a file is as its package made it. False for what no package made, and where nobody knows. */
export function isAsPackaged(system: System, path: string): boolean {
  const original = COPIED_FROM[path] && system.read(COPIED_FROM[path]);
  return original ? system.read(path)?.equals(original) === true : dpkgOf(system).isPristine(path);
}

/** Whether a package made the file, changed since or not. */
export function isOfPackage(system: System, path: string): boolean {
  return (COPIED_FROM[path] && system.facts(COPIED_FROM[path]) !== undefined) || dpkgOf(system).isOwned(path);
}
