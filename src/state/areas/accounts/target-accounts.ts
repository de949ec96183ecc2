import type { System } from '../base/system.ts';
import { type GroupLine, type PasswdLine, readGroup, readPasswd } from './account-lines.ts';
import { isPersonal, type LoginDefs, loginDefsOf } from './login-defs.ts';

/** Who is on the target before anything was restored. */
export interface TargetAccounts {
  readonly defs: LoginDefs;
  readonly users: ReadonlyMap<string, PasswdLine>;
  readonly groups: ReadonlyMap<string, GroupLine>;
  /** An account that is a person's by its id, and of that name. */
  person(name: string): PasswdLine | undefined;
}

export function targetAccountsOf(target: System): TargetAccounts {
  const defs = loginDefsOf(target);
  const users = new Map(readPasswd(target).entries.map((entry) => [entry.name, entry]));
  const groups = new Map(readGroup(target).entries.map((entry) => [entry.name, entry]));
  const person = (name: string): PasswdLine | undefined => {
    const there = users.get(name);
    return there && isPersonal(there.uid, defs.uid) ? there : undefined;
  };
  return { defs, users, groups, person };
}

/** The group of a user alone: the primary one, that nobody else has as primary and that has no other member. */
export function privateGroupOf({ users, groups, defs }: TargetAccounts, user: PasswdLine): GroupLine | undefined {
  const group = [...groups.values()].find(({ gid }) => gid === user.gid);
  const isAlone =
    [...users.values()].every(({ name, gid }) => gid !== user.gid || name === user.name) &&
    group?.members.every((name) => name === user.name);
  return group && isPersonal(group.gid, defs.gid) && isAlone ? group : undefined;
}

/** Whether a name is that of a group that is no person's and nobody made for people. */
export function isGroupOfSystem({ groups, defs }: TargetAccounts, name: string): boolean {
  const group = groups.get(name);
  return group !== undefined && !isPersonal(group.gid, defs.gid);
}
