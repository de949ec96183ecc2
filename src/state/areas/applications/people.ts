import { readPasswd } from '../accounts/account-lines.ts';
import { isHomePath } from '../accounts/home-path.ts';
import { isPersonal, loginDefsOf } from '../accounts/login-defs.ts';
import { isRemote, mountOf, mountsOf } from '../base/mounts.ts';
import type { System } from '../base/system.ts';

/** Somebody who has a home on a machine. */
export interface Person {
  readonly username: string;
  readonly home: string;
}

/** Local people of a machine whose homes lie on it, each home once; only those of `users`, where it is given. */
export function peopleOf(system: System, users?: ReadonlySet<string>): Person[] {
  const limits = loginDefsOf(system).uid;
  const mounts = mountsOf(system);
  const homes = new Set<string>();
  const people = readPasswd(system).entries.filter(({ name, uid, home }) => {
    if (!isPersonal(uid, limits) || (users && !users.has(name)) || homes.has(home) || !isHomePath(home)) return false;
    const mount = mountOf(mounts, home);
    // A server's homes stay there, and may not answer.
    if ((mount && isRemote(mount)) || !system.facts(home)) return false;
    homes.add(home);
    return true;
  });
  return people.map(({ name, home }) => ({ username: name, home }));
}

/** Names of all accounts by their ids. */
export function namesByUid(system: System): ReadonlyMap<number, string> {
  return new Map(readPasswd(system).entries.map(({ uid, name }) => [uid, name]));
}
