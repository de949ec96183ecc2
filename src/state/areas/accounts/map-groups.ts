import { FreeIds } from './free-ids.ts';
import { isPersonal } from './login-defs.ts';
import type { MappedGroup, MappedUser } from './owner-table.ts';
import type { AccountsContent, Group, User } from './schema.ts';
import { privateGroupOf, type TargetAccounts } from './target-accounts.ts';

type NamedGroup = Pick<Group, 'groupname' | 'gid'>;

interface Named {
  readonly group: NamedGroup;
  readonly to: string;
  /** Of a private group: the id that its user has on the target, which useradd would give it too. */
  readonly likeUid?: number;
}

/** The groups of people, with one for each primary group that has no name, called as its user is. Ids and names differ. */
export function peoplesGroups({ groups, users, system_groups }: AccountsContent): readonly Group[] {
  const known = new Set([...groups, ...system_groups].map(({ gid }) => gid));
  const names = new Set([...groups, ...system_groups].map(({ groupname }) => groupname));
  const missing = users
    .filter(({ gid, username }) => !known.has(gid) && !names.has(username))
    .map(({ username, gid }) => ({ groupname: username, gid, members: [] }));
  const seen = new Set<string | number>();
  return [...groups, ...missing].filter(({ groupname, gid }) => {
    const isAgain = seen.has(groupname) || seen.has(gid) || gid === 0 || groupname === 'root';
    seen.add(groupname).add(gid);
    return !isAgain;
  });
}

/** The person whose own group it is: the primary one, of the same name. */
export function privateUserOf(group: NamedGroup, users: readonly User[]): User | undefined {
  return users.find(({ username, gid }) => gid === group.gid && username === group.groupname);
}

/** Decides name and id on the target of each group: that of the same name, or a new one; private ones go with their user. */
export function mapGroups(
  content: AccountsContent,
  target: TargetAccounts,
  users: readonly MappedUser[],
): readonly MappedGroup[] {
  const groups = peoplesGroups(content);
  const names = new Set(groups.map(({ groupname }) => groupname));
  const named = groups.map((group): Named => {
    const person = privateUserOf(group, content.users);
    const user = person && users.find(({ from }) => from === person.username);
    return user ? { group, ...privateName(user, target, names) } : { group, to: group.groupname };
  });
  const system = content.system_groups.map((group): Named => ({ group, to: group.groupname }));
  const gids = newGids(named, target);
  const seen = new Set<number>([0]);
  return [...named, ...system].flatMap(({ group, to }): MappedGroup[] => {
    const there = target.groups.get(to);
    const toGid = there?.gid ?? gids.get(to);
    if (toGid === undefined || toGid === 0 || seen.has(group.gid)) return [];
    seen.add(group.gid);
    return [{ from: group.groupname, fromGid: group.gid, to, toGid, isNew: !there }];
  });
}

/** An existing user's own group, whatever its name unless another one is captured; else the one that is called as the user is. */
function privateName(
  { to, toUid }: MappedUser,
  target: TargetAccounts,
  captured: ReadonlySet<string>,
): Omit<Named, 'group'> {
  const there = target.person(to);
  const own = there && privateGroupOf(target, there);
  return own && (own.name === to || !captured.has(own.name)) ? { to: own.name } : { to, likeUid: toUid };
}

/** Ids of those that are not there yet, by name: like the user's, or as it was, or the next. */
function newGids(named: readonly Named[], target: TargetAccounts): ReadonlyMap<string, number> {
  // A user's own number is taken, whether a group is there by it or not: who got it would be in that user's group.
  const taken = [...target.groups.values(), ...target.users.values()].map(({ gid }) => gid);
  const free = new FreeIds(taken, target.defs.gid);
  const gids = new Map<string, number>();
  // A number of the system's is nothing that people get; a private group gets its user's instead.
  const waiting = named.filter(
    ({ to, group, likeUid }) =>
      !target.groups.has(to) && (likeUid !== undefined || isPersonal(group.gid, target.defs.gid)),
  );
  const passes: ((one: Named) => number | undefined)[] = [
    ({ likeUid, group }) => (likeUid === group.gid ? likeUid : undefined),
    ({ likeUid }) => likeUid,
    ({ group }) => group.gid,
  ];
  for (const wished of passes) {
    for (const one of waiting) {
      const gid = wished(one);
      if (!gids.has(one.to) && gid !== undefined && free.take(gid)) gids.set(one.to, gid);
    }
  }
  for (const { to } of waiting) {
    if (!gids.has(to)) gids.set(to, free.next());
  }
  return gids;
}
