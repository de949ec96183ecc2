import type { HomesContent } from '../homes/schema.ts';
import { isHomePath } from './home-path.ts';
import { isPersonal } from './login-defs.ts';
import type { MappedGroup, MappedUser } from './owner-table.ts';
import { privateGroupOf, type TargetAccounts } from './target-accounts.ts';

/** What homes say of people: where one is a link; and, where no accounts were captured, who on the target has the name. */
export function withHomes(
  users: readonly MappedUser[],
  { homes }: HomesContent,
  target: TargetAccounts,
  hasAccounts: boolean,
): readonly MappedUser[] {
  const known = users.map((user): MappedUser => {
    const home = homes.find(({ username }) => username === user.from);
    if (!home) return user;
    const fromHome = hasAccounts || !user.toHome ? {} : { fromHome: home.directory };
    return { ...user, ...fromHome, ...(home.link !== undefined && { fromLink: home.link }) };
  });
  if (hasAccounts) return known;
  const seen = new Set<string | number>(users.flatMap(({ from, fromUid }) => [from, fromUid ?? from]));
  const named = homes.flatMap(({ username, directory, uid, link }): MappedUser[] => {
    const there = target.person(username);
    if (!there || !isHomePath(there.home) || seen.has(username)) return [];
    const isOwn = isPersonal(uid, target.defs.uid) && !seen.has(uid);
    seen.add(username).add(uid);
    return [
      {
        ...{ from: username, to: username, toUid: there.uid, isNew: false },
        ...{ fromHome: directory, toHome: there.home },
        ...(isOwn && { fromUid: uid }),
        ...(link !== undefined && { fromLink: link }),
      },
    ];
  });
  return [...known, ...named];
}

/** Their own groups, where no accounts were captured: those that have the number of their user. */
export function groupsOfHomes(
  users: readonly MappedUser[],
  { homes }: HomesContent,
  target: TargetAccounts,
): readonly MappedGroup[] {
  return homes.flatMap(({ username, uid, gid }): MappedGroup[] => {
    const to = users.find(({ from, fromUid }) => from === username && fromUid === uid && uid === gid)?.to;
    const there = to === undefined ? undefined : target.person(to);
    const own = there && privateGroupOf(target, there);
    return own ? [{ from: username, fromGid: gid, to: own.name, toGid: own.gid, isNew: false }] : [];
  });
}
