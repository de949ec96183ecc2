import { FreeIds } from './free-ids.ts';
import { isHomePath, renamedHome } from './home-path.ts';
import { isPersonal } from './login-defs.ts';
import { type Asked, wrong } from './map-user.ts';
import type { MappedUser } from './owner-table.ts';
import type { User } from './schema.ts';
import { isGroupOfSystem, type TargetAccounts } from './target-accounts.ts';

/** A person and the name that was decided. */
interface Named {
  readonly person: User;
  readonly to: string;
}

/** Decides name, id and home on the target of each person, and of each owner that was asked for beside them. */
export function mapPeople(
  people: readonly User[],
  target: TargetAccounts,
  asked: readonly Asked[],
): readonly MappedUser[] {
  const named = people.flatMap((person): Named[] => {
    const mapping = asked.find((one) => one.person === person);
    const to = mapping?.to ?? nameFor(person.username, target);
    // An id that no person has here is nobody's to give, unless somebody said who is meant.
    const isSaid = asked.some((one) => one.person && one.to === to);
    return isSaid || target.person(to) || isPersonal(person.uid, target.defs.uid) ? [{ person, to }] : [];
  });
  const uids = newUids(named, target, asked);
  const homes = homesOf(named, target);
  const mapped = named.map(({ person, to }): MappedUser => {
    const there = target.person(to);
    const fromHome = isHomePath(person.directory) ? person.directory : undefined;
    const toHome = homes.get(to);
    const toUid = there?.uid ?? (uids.get(to) as number);
    const ids = { from: person.username, fromUid: person.uid, to, toUid, isNew: !there };
    return { ...ids, ...(fromHome && { fromHome }), ...(toHome && { toHome }) };
  });
  return [...mapped, ...asked.filter(({ person }) => !person).map((one) => mapOther(one, mapped, target))];
}

/** A person cannot have the name that an account or a group of the system has there: their own group would be that one. */
function nameFor(name: string, target: TargetAccounts): string {
  const isSystems = target.users.has(name) || isGroupOfSystem(target, name);
  return isSystems && !target.person(name) ? `${name.slice(0, 27)}-user` : name;
}

/** Ids of those who are not there yet, by name: what was asked for first, then who can keep theirs, then the others. */
function newUids(
  named: readonly Named[],
  target: TargetAccounts,
  asked: readonly Asked[],
): ReadonlyMap<string, number> {
  const free = new FreeIds(
    [...target.users.values()].map(({ uid }) => uid),
    target.defs.uid,
  );
  const uids = new Map<string, number>();
  for (const { to, newUid } of asked) {
    if (newUid !== undefined && free.take(newUid)) uids.set(to, newUid);
  }
  // Who has the name by birth goes before those who are to share it.
  const waiting = named.filter(({ to }) => !target.person(to));
  waiting.sort((a, b) => Number(b.person.username === b.to) - Number(a.person.username === a.to));
  for (const { person, to } of waiting) {
    if (!uids.has(to) && free.take(person.uid)) uids.set(to, person.uid);
  }
  for (const { to } of waiting) {
    if (!uids.has(to)) uids.set(to, free.next());
  }
  return uids;
}

/** Homes by name on the target: the one that is there, else a place that is no home of anybody else. */
function homesOf(named: readonly Named[], target: TargetAccounts): ReadonlyMap<string, string> {
  const homes = new Map<string, string>();
  const taken = new Set([...target.users.values()].map(({ home }) => home));
  for (const { person, to } of named) {
    const there = target.person(to);
    if (homes.has(to)) continue;
    if (there) {
      if (isHomePath(there.home)) homes.set(to, there.home);
      continue;
    }
    const wished = renamedHome(person.directory, person.username, to);
    if (!isHomePath(wished)) continue;
    let home = wished;
    for (let count = 1; taken.has(home); count++) home = count === 1 ? `/home/${to}` : `/home/${to}-${count}`;
    taken.add(home);
    homes.set(to, home);
  }
  return homes;
}

/** An owner whom the snapshot does not name becomes somebody who is there, or who will be. */
function mapOther({ typed, fromUid, to }: Asked, mapped: readonly MappedUser[], target: TargetAccounts): MappedUser {
  const there = target.person(to);
  const one = mapped.find((user) => user.to === to);
  const toUid = there?.uid ?? one?.toUid;
  if (toUid === undefined) throw wrong(typed, `there is no user ${to} on the target`);
  const home = there ? there.home : one?.toHome;
  const homes =
    home && isHomePath(home) && fromUid === undefined ? { fromHome: `/home/${typed.from}`, toHome: home } : {};
  return { from: typed.from, ...(fromUid !== undefined && { fromUid }), to, toUid, ...homes, isNew: !there };
}
