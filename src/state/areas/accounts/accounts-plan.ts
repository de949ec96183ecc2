import type { System } from '../base/system.ts';
import type { Owners, PlanBuilder, PrivilegedEffect, Wanted } from '../base/types.ts';
import { type GroupLine, type PasswdLine, parseGroup, parsePasswd } from './account-lines.ts';
import { type AccountFile, type AccountFiles, changesBetween, readAccountFiles } from './edit-files.ts';
import { type PrivilegedNames, privilegedNames, privilegeOf } from './group-privileges.ts';
import { isPersonal, type LoginDefs, loginDefsOf } from './login-defs.ts';

/** The account files of the target as they become, item by item. */
export class AccountsPlan {
  readonly plan: PlanBuilder;
  readonly owners: Owners;
  readonly defs: LoginDefs;
  readonly named: PrivilegedNames;
  /** People and groups that this restore adds, by their names on the target. */
  readonly added = new Set<string>();
  readonly addedGroups = new Set<string>();
  #files: AccountFiles;
  #users: ReadonlyMap<string, PasswdLine>;
  #groups: ReadonlyMap<string, GroupLine>;
  #hasCopies = false;

  constructor(plan: PlanBuilder, owners: Owners) {
    this.plan = plan;
    this.owners = owners;
    this.defs = loginDefsOf(plan.system);
    this.named = privilegedNames(plan.system);
    this.#files = readAccountFiles(plan.system);
    this.#users = usersOf(this.#files);
    this.#groups = groupsOf(this.#files);
  }

  get system(): System {
    return this.plan.system;
  }

  get files(): AccountFiles {
    return this.#files;
  }

  has(path: AccountFile): boolean {
    return this.#files[path] !== undefined;
  }

  user(name: string): PasswdLine | undefined {
    return this.#users.get(name);
  }

  userOfId(uid: number): PasswdLine | undefined {
    return [...this.#users.values()].find((user) => user.uid === uid);
  }

  group(name: string): GroupLine | undefined {
    return this.#groups.get(name);
  }

  groupOfId(gid: number): GroupLine | undefined {
    return [...this.#groups.values()].find((group) => group.gid === gid);
  }

  /** Why being in a group is a privilege, whether the group is there or not. */
  privilegeOf(name: string): string | undefined {
    const there = this.group(name);
    return privilegeOf(name, there !== undefined && !isPersonal(there.gid, this.defs.gid), this.named);
  }

  /** Wants the files to be as they are after an edit; false where it is withheld: then they stay. */
  want(
    item: Omit<Wanted, 'changes' | 'effect'> & { effect?: PrivilegedEffect | undefined },
    after: AccountFiles,
  ): boolean {
    const { effect, ...rest } = item;
    const changes = changesBetween(this.#files, after, this.system, !this.#hasCopies);
    if (!this.plan.want({ ...rest, ...(effect && { effect }), changes })) return false;
    this.#hasCopies ||= changes.length > 0;
    if (after['/etc/passwd'] !== this.#files['/etc/passwd']) this.#users = usersOf(after);
    if (after['/etc/group'] !== this.#files['/etc/group']) this.#groups = groupsOf(after);
    this.#files = after;
    return true;
  }
}

const usersOf = (files: AccountFiles) =>
  new Map(parsePasswd(files['/etc/passwd'] ?? '').entries.map((entry) => [entry.name, entry]));
const groupsOf = (files: AccountFiles) =>
  new Map(parseGroup(files['/etc/group'] ?? '').entries.map((entry) => [entry.name, entry]));
