import { posix } from 'node:path';
import { type PasswdLine, readPasswd } from '../accounts/account-lines.ts';
import { isHomePath } from '../accounts/home-path.ts';
import type { System } from '../base/system.ts';

/**
 * Why a path of a machine cannot become, or stay, the home of a user there; undefined where it can. `link`: where it leads as
 * captured, if it is a link. `users`: of that machine, where they were read already.
 */
export function whyNoHome(
  system: System,
  path: string,
  { name, uid, link }: { readonly name: string; readonly uid: number; readonly link?: string | undefined },
  users: readonly Pick<PasswdLine, 'name' | 'home'>[] = readPasswd(system).entries,
): string | undefined {
  if (!isHomePath(path)) return `${path} cannot be a home`;
  const other = users.find((user) => user.name !== name && liesIn(path, user.home) && isHomePath(user.home));
  if (other) return `${path} lies in the home of ${other.name}`;
  const facts = system.facts(path);
  const leadsTo = facts?.kind === 'link' ? posix.resolve(posix.dirname(path), system.readLink(path) ?? '') : undefined;
  if (leadsTo !== undefined && leadsTo === link) return whyNotBeneath(system, path, uid);
  if (facts && facts.kind !== 'folder') return `${path} is no folder here; move it away`;
  if (facts && facts.uid !== uid)
    return `${path} belongs to the id ${facts.uid} here, not to ${name}; chown it, or move it away`;
  return whyNotBeneath(system, path, uid);
}

const liesIn = (path: string, folder: string): boolean =>
  path.startsWith(folder) && (path.length === folder.length || path[folder.length] === '/');

/** What somebody else owns, or what leads elsewhere, holds nobody's home. */
function whyNotBeneath(system: System, path: string, uid: number): string | undefined {
  const names = path.split('/').slice(1, -1);
  for (let count = names.length; count > 0; count--) {
    const above = `/${names.slice(0, count).join('/')}`;
    const facts = system.facts(above);
    if (facts && facts.kind !== 'folder') return `${above} is no folder here`;
    if (facts && facts.uid !== 0 && facts.uid !== uid) return `${above} belongs to the id ${facts.uid} here`;
  }
  return undefined;
}
