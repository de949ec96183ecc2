import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { readGshadow } from './account-lines.ts';
import type { AccountsPlan } from './accounts-plan.ts';
import { addAdministrator, administratorsIn } from './edit-files.ts';
import { isPersonal } from './login-defs.ts';
import type { Group, User } from './schema.ts';

const idOf = (username: string, groupname: string): string => `administrator:${username}:${groupname}`;
const titleOf = (user: string, group: string): string => `${user} as administrator of the group ${group}`;

/** One person who may add others to a group of people. */
export function planAdministrator({ username }: User, groupname: string, accounts: AccountsPlan): void {
  const { plan, owners } = accounts;
  const [user, name] = [owners.user(username), owners.group(groupname)];
  const [id, title] = [idOf(username, groupname), titleOf(user, name)];
  const account = accounts.user(user);
  const group = accounts.group(name);
  if (!account || !isPersonal(account.uid, accounts.defs.uid)) plan.withhold(id, title, `${user} is not added`);
  else if (!group || !accounts.has('/etc/gshadow'))
    plan.keep(id, title, `this machine has no group ${name} with administrators`);
  else if (administratorsIn(accounts.files, name).includes(user)) plan.same(id, title);
  else {
    const privilege = accounts.privilegeOf(name);
    const isTheirOwn = accounts.added.has(user) && accounts.addedGroups.has(name);
    const effect = privilege ? 'privileged-group' : isTheirOwn ? undefined : 'existing-account';
    const detail = `may add others to it${privilege ? `; ${privilege}` : ''}`;
    accounts.want({ id, title, action: 'merge', detail, effect }, addAdministrator(accounts.files, name, user));
  }
}

/** The items of a group's administrators. */
export function checkAdministrators(
  { groupname, administrators = [] }: Group,
  system: System,
  owners: Owners,
): CheckItem[] {
  const name = owners.group(groupname);
  const there = readGshadow(system).entries.find((line) => line.name === name)?.administrators ?? [];
  return administrators.map((username): CheckItem => {
    const user = owners.user(username);
    const isOne = there.includes(user);
    return {
      id: idOf(username, groupname),
      group: 'accounts',
      title: titleOf(user, name),
      expected: 'may add others',
      observed: isOne ? 'may add others' : 'may not',
      verdict: isOne ? (user === username && name === groupname ? 'same' : 'changed') : 'person',
      evidence: `the line ${name} of /etc/gshadow`,
      ...(!isOne && { remedy: `gpasswd -A ${user} ${name}` }),
    };
  });
}
