import type { PrivilegedEffect } from '../base/types.ts';
import type { AccountsPlan } from './accounts-plan.ts';
import { addMember } from './edit-files.ts';
import { isPersonal } from './login-defs.ts';
import type { User } from './schema.ts';

/** One person in one group, by name; only groups that the target has. */
export function planMembership({ username }: User, groupname: string, accounts: AccountsPlan): void {
  const { plan, owners } = accounts;
  const id = `member:${username}:${groupname}`;
  const user = owners.user(username);
  const name = owners.group(groupname);
  const title = `${user} in the group ${name}`;
  const group = accounts.group(name);
  const account = accounts.user(user);
  if (!account || !isPersonal(account.uid, accounts.defs.uid)) {
    plan.withhold(id, title, `${user} is not added`);
    return;
  }
  if (!group) {
    plan.keep(id, title, `this machine has no group ${name}`);
    return;
  }
  if (group.gid === account.gid || group.members.includes(user)) {
    plan.same(id, title);
    return;
  }
  const isNew = accounts.added.has(user);
  if (!isNew && !plan.allowsPrivileged) {
    plan.keep(id, title, `the account that is here keeps its groups; --allow-privileged brings it`);
    return;
  }
  const privilege = accounts.privilegeOf(name);
  const effect = effectOf(
    privilege,
    isNew,
    accounts.addedGroups.has(name) || !isPersonal(group.gid, accounts.defs.gid),
  );
  const detail = `is added to it${privilege ? `; ${privilege}` : ''}`;
  accounts.want({ id, title, action: 'merge', detail, effect }, addMember(accounts.files, name, user));
}

/** A group of people that was there before is theirs: nobody joins it unseen. */
function effectOf(privilege: string | undefined, isNew: boolean, isOpen: boolean): PrivilegedEffect | undefined {
  if (privilege) return 'privileged-group';
  return isNew && isOpen ? undefined : 'existing-account';
}
