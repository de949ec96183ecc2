import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import type { HomesContent } from '../homes/schema.ts';
import { mapGroups } from './map-groups.ts';
import { groupsOfHomes, withHomes } from './map-homes.ts';
import { mapPeople } from './map-people.ts';
import { mapRanges } from './map-ranges.ts';
import { lookUpMappings, type UserMapping } from './map-user.ts';
import type { MappedRange, MappedUser, OwnerTable } from './owner-table.ts';
import { peopleOf } from './people.ts';
import type { AccountsContent } from './schema.ts';
import { type TargetAccounts, targetAccountsOf } from './target-accounts.ts';

/** Where mail lies until it is read; one is often a link to the other. */
const MAIL = ['/var/mail', '/var/spool/mail'];

/**
 * Decides who becomes whom. Who is on the target by name is that account, with the id that it has there; others keep their
 * name and, where it is free, their id. Two people become one only where that was asked for, nobody becomes root, and no
 * person an account of the system. The same again when it was applied. Without `accounts` only names count, those
 * of homes among them, and what was asked for. Throws `usage` for a mapping that cannot be, `failed` where no id is free.
 */
export function ownersFor(
  accounts: AccountsContent | undefined,
  target: System,
  mapUsers: readonly UserMapping[],
  homes: HomesContent = { homes: [] },
): OwnerTable {
  const there = targetAccountsOf(target);
  const people = accounts && peopleOf(accounts);
  const asked = lookUpMappings(people, there, mapUsers);
  const users = withHomes(mapPeople(people ?? [], there, asked), homes, there, accounts !== undefined);
  const paths = pathsOf(users);
  if (!accounts || !people) {
    return { users, groups: groupsOfHomes(users, homes, there), paths, uidRanges: [], gidRanges: [] };
  }
  return {
    users: [...users, ...systemUsers(accounts, there, users)],
    groups: mapGroups({ ...accounts, users: [...people] }, there, users),
    paths,
    uidRanges: mapRanges('subuids', people, users, there, target),
    gidRanges: mapRanges('subgids', people, users, there, target),
  };
}

/** The mapping as areas and the file engine ask it. */
export function ownersOf(table: OwnerTable): Owners {
  const users = firsts(table.users.map(({ from, to }) => [from, to] as const));
  const groups = firsts(table.groups.map(({ from, to }) => [from, to] as const));
  const uids = firsts(
    table.users.flatMap(({ fromUid, toUid }) => (fromUid === undefined ? [] : [[fromUid, toUid] as const])),
  );
  const gids = firsts(table.groups.map(({ fromGid, toGid }) => [fromGid, toGid] as const));
  const fresh = new Set(table.users.flatMap(({ to, isNew }) => (isNew ? [to] : [])));
  return {
    user: (name) => users.get(name) ?? name,
    group: (name) => groups.get(name) ?? name,
    uid: (id) => uids.get(id) ?? inRange(table.uidRanges, id),
    gid: (id) => gids.get(id) ?? inRange(table.gidRanges, id),
    home: (path) => movedPath(table.paths, path),
    isNew: (name) => fresh.has(name),
  };
}

/** Accounts of the system that are on both, by name. */
function systemUsers(
  { system_users }: AccountsContent,
  { defs, users }: TargetAccounts,
  people: readonly MappedUser[],
): readonly MappedUser[] {
  const seen = new Set<string | number>(people.flatMap(({ from, fromUid }) => [from, fromUid ?? from]));
  return system_users.flatMap(({ username, uid }): MappedUser[] => {
    const there = users.get(username);
    if (!there || there.uid === 0 || uid === 0 || there.uid >= defs.uid.min) return [];
    if (seen.has(username) || seen.has(uid)) return [];
    seen.add(username).add(uid);
    return [{ from: username, fromUid: uid, to: username, toUid: there.uid, isNew: false }];
  });
}

function pathsOf(users: readonly MappedUser[]): OwnerTable['paths'] {
  const homes = users.flatMap(({ fromHome, toHome }) => (fromHome && toHome ? [{ from: fromHome, to: toHome }] : []));
  const spools = users
    .filter(({ from, fromUid }) => from !== String(fromUid))
    .flatMap(({ from, to }) => MAIL.map((folder) => ({ from: `${folder}/${from}`, to: `${folder}/${to}` })));
  return [...homes, ...spools].filter(({ from, to }) => from !== to);
}

/** The home that holds a path decides, the deepest of several. */
function movedPath(paths: OwnerTable['paths'], path: string): string {
  const holding = paths.filter(({ from }) => path === from || path.startsWith(`${from}/`));
  const [deepest] = holding.sort((a, b) => b.from.length - a.from.length);
  return deepest ? `${deepest.to}${path.slice(deepest.from.length)}` : path;
}

function inRange(ranges: readonly MappedRange[], id: number): number {
  const range = ranges.find(({ from, count }) => id >= from && id < from + count);
  return range ? id - range.from + range.to : id;
}

/** Of a key that stands twice, the first counts. */
function firsts<Key, Value>(pairs: readonly (readonly [Key, Value])[]): Map<Key, Value> {
  return new Map(pairs.toReversed());
}

export type { MappedGroup, MappedRange, MappedUser, OwnerTable } from './owner-table.ts';
